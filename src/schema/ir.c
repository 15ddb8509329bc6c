/* SPDX-License-Identifier: MIT */
/* schema/ir.c -- the schema contract as JSON, byte for byte.
 *
 * Two documents are made of a catalog.  The *shape* says what the schema means, without ids; the *IR* says the same
 * with ids.  Hashes are SHA-256 over the compact forms, members in the order below, absent options as null:
 *
 *   IR        ir_version, schema_identity_domain, next_identity_id, interfaces, nodes, edges
 *   interface name, type_id, properties
 *   node      name, type_id, table_incarnation_id, annotations, implements, properties, constraints
 *   edge      name, type_id, table_incarnation_id, from_type, to_type, cardinality, annotations, properties,
 *             constraints
 *   property  name, property_id, prop_type, annotations, property_constraints, embed_source, declared_directly,
 *             satisfies_interface_properties
 *
 * In the shape ids are left out, references are bare names, constraints are tagged outside ({"Key":["name"]}); in the
 * IR they are tagged inside ({"kind":"key","fields":[...]}) with full field references.  `kwargs` of an annotation is
 * left out when empty.
 */
#include <openssl/evp.h>

#include "schema/internal.h"

#include "base/num.h"
#include "base/vec.h"

/* One pass writes either document: `ir` says which. */
typedef struct out {
  og_ctx *cx;
  og_json_writer w;
  bool ir;
  const og_catalog *c;
  const og_type_def *owner;
} out;

#define KEY(o, name)    OG_TRY(og_json_key((o)->cx, &(o)->w, OG_STR(name)))
#define STR(o, name, s) OG_TRY(og_json_kv_str((o)->cx, &(o)->w, name, s))
#define U64(o, name, v) OG_TRY(og_json_kv_u64((o)->cx, &(o)->w, name, v))
#define BEGIN(o)        OG_TRY(og_json_begin_object((o)->cx, &(o)->w))
#define END(o)          return og_json_end_object((o)->cx, &(o)->w)
#define BEGIN_LIST(o)   OG_TRY(og_json_begin_array((o)->cx, &(o)->w))
#define END_LIST(o)     OG_TRY(og_json_end_array((o)->cx, &(o)->w))

static og_status opt_str(out *o, const char *key, og_str s)
{
  return s.ptr ? og_json_kv_str(o->cx, &o->w, key, s) : og_json_kv_null(o->cx, &o->w, key);
}

static og_status put_annotation(out *o, const og_annotation *a)
{
  BEGIN(o);
  STR(o, "name", a->name);
  OG_TRY(opt_str(o, "value", a->value));
  if (a->n_kwargs) {
    KEY(o, "kwargs");
    BEGIN(o);
    for (uint32_t i = 0; i < a->n_kwargs; i++) {
      OG_TRY(og_json_key(o->cx, &o->w, a->kwargs[2 * (size_t)i]));
      OG_TRY(og_json_str(o->cx, &o->w, a->kwargs[2 * (size_t)i + 1]));
    }
    OG_TRY(og_json_end_object(o->cx, &o->w));
  }
  END(o);
}

og_status og_ir__annotation_text(og_ctx *cx, const og_annotation *a, og_buf *to)
{
  out o = {.cx = cx};
  og_json_writer_init(&o.w, to, false);
  return put_annotation(&o, a);
}

static og_status put_annotations(out *o, const og_annotation *a, uint32_t n)
{
  KEY(o, "annotations");
  BEGIN_LIST(o);
  for (uint32_t i = 0; i < n; i++) OG_TRY(put_annotation(o, &a[i]));
  END_LIST(o);
  return OG_OK;
}

static og_status put_type(out *o, const og_prop_type *t)
{
  BEGIN(o);
  KEY(o, "scalar");
  if (t->kind == OG_SC_VECTOR) {
    BEGIN(o);
    U64(o, "Vector", t->dim);
    OG_TRY(og_json_end_object(o->cx, &o->w));
  } else {
    OG_TRY(og_json_str(o->cx, &o->w, og_str_of(og_scalar_name(t->kind))));
  }
  OG_TRY(og_json_kv_bool(o->cx, &o->w, "nullable", t->nullable));
  OG_TRY(og_json_kv_bool(o->cx, &o->w, "list", t->list));
  if (t->n_enum) {
    KEY(o, "enum_values");
    BEGIN_LIST(o);
    for (uint32_t i = 0; i < t->n_enum; i++) OG_TRY(og_json_str(o->cx, &o->w, t->enum_values[i]));
    END_LIST(o);
  } else {
    OG_TRY(og_json_kv_null(o->cx, &o->w, "enum_values"));
  }
  END(o);
}

og_status og_schema_type_write(og_ctx *cx, const og_prop_type *t, og_json_writer *w)
{
  out o = {.cx = cx, .w = *w};
  og_status st = put_type(&o, t);
  *w = o.w;
  return st;
}

og_status og_schema_annotation_write(og_ctx *cx, const og_annotation *a, og_json_writer *w)
{
  out o = {.cx = cx, .w = *w};
  og_status st = put_annotation(&o, a);
  *w = o.w;
  return st;
}

/* A property reference: {owner_type_id, owner_type_name, property_id, property_name}, after `kind` when tagged. */
static og_status property_ref(out *o, uint64_t owner_id, og_str owner, uint64_t id, og_str name, bool tagged)
{
  BEGIN(o);
  if (tagged) STR(o, "kind", OG_STR("property"));
  U64(o, "owner_type_id", owner_id);
  STR(o, "owner_type_name", owner);
  U64(o, "property_id", id);
  STR(o, "property_name", name);
  END(o);
}

static og_status put_embed(out *o, const og_property *p)
{
  if (!p->embed_source.ptr) return og_json_kv_null(o->cx, &o->w, "embed_source");
  KEY(o, "embed_source");
  BEGIN(o);
  if (o->ir) {
    int32_t at = og_type_property(o->owner, p->embed_source);
    KEY(o, "source");
    OG_TRY(property_ref(o, o->owner->id, o->owner->name, at < 0 ? 0 : o->owner->properties[at].id, p->embed_source,
                        false));
  } else {
    STR(o, "property_name", p->embed_source);
  }
  OG_TRY(opt_str(o, "model", p->embed_model));
  END(o);
}

static og_status put_satisfies(out *o, const og_interface_ref *r)
{
  if (o->ir) return property_ref(o, r->owner_id, r->owner, r->property_id, r->property, false);
  BEGIN(o);
  STR(o, "owner_name", r->owner);
  STR(o, "property_name", r->property);
  END(o);
}

static int by_owner_name(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(((const og_interface_ref *)a)->owner, ((const og_interface_ref *)b)->owner);
}

static int by_type_name(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(((const og_type_ref *)a)->name, ((const og_type_ref *)b)->name);
}

/* References stand by id in the IR, as in the catalog, and by name in the shape: then *list becomes a sorted copy. */
static og_status in_order(out *o, og_arena *a, const void **list, uint32_t n, size_t elem,
                          int (*by_name)(const void *, const void *, void *))
{
  if (o->ir || n < 2) return OG_OK;
  void *copy = og_arena_calloc(o->cx, a, n, elem);
  if (!copy) return OG_ENOMEM;
  memcpy(copy, *list, n * elem);
  *list = copy;
  return og_sort(o->cx, copy, n, elem, by_name, NULL);
}

static og_status put_all_satisfies(out *o, const og_property *p)
{
  OG_AUTO(og_arena) scratch = {0};
  const void *list = p->satisfies;
  OG_TRY(in_order(o, &scratch, &list, p->n_satisfies, sizeof *p->satisfies, by_owner_name));
  const og_interface_ref *refs = list;
  KEY(o, "satisfies_interface_properties");
  BEGIN_LIST(o);
  for (uint32_t i = 0; i < p->n_satisfies; i++) OG_TRY(put_satisfies(o, &refs[i]));
  END_LIST(o);
  return OG_OK;
}

static og_status put_property(out *o, const og_property *p)
{
  BEGIN(o);
  STR(o, "name", p->name);
  if (o->ir) U64(o, "property_id", p->id);
  KEY(o, "prop_type");
  OG_TRY(put_type(o, &p->type));
  OG_TRY(put_annotations(o, p->annotations, p->n_annotations));
  KEY(o, "property_constraints");
  BEGIN_LIST(o);
  if (p->key) OG_TRY(og_json_str(o->cx, &o->w, OG_STR("key")));
  if (p->unique) OG_TRY(og_json_str(o->cx, &o->w, OG_STR("unique")));
  if (p->index) OG_TRY(og_json_str(o->cx, &o->w, OG_STR("index")));
  END_LIST(o);
  OG_TRY(put_embed(o, p));
  OG_TRY(og_json_kv_bool(o->cx, &o->w, "declared_directly", p->direct));
  OG_TRY(put_all_satisfies(o, p));
  END(o);
}

static og_status put_properties(out *o, const og_type_def *t)
{
  KEY(o, "properties");
  BEGIN_LIST(o);
  for (uint32_t i = 0; i < t->n_properties; i++) OG_TRY(put_property(o, &t->properties[i]));
  END_LIST(o);
  return OG_OK;
}

/* ---- constraints */

static og_status put_field(out *o, const og_constraint *c, uint32_t i)
{
  static const char *const roles[] = {"id", "src", "dst"};
  const og_type_def *t = o->owner;
  if (!o->ir) return og_json_str(o->cx, &o->w, c->names[i]);
  if (c->fields[i] >= 0) return property_ref(o, t->id, t->name, t->properties[c->fields[i]].id, c->names[i], true);
  BEGIN(o);
  STR(o, "kind", OG_STR("system"));
  U64(o, "stable_table_id", t->id);
  STR(o, "table_type_name", t->name);
  U64(o, "table_incarnation_id", t->incarnation);
  STR(o, "role", og_str_of(roles[-c->fields[i] - 1]));
  END(o);
}

/* The contract spells doubles as we do everywhere, but for a sign before a positive exponent: 1e+20. */
static og_status put_double(out *o, double v)
{
  char text[OG_F64_TEXT_MAX + 1];
  size_t n = og_f64_format(v, text);
  char *e = memchr(text, 'e', n);
  if (e && e[1] != '-') {
    memmove(e + 2, e + 1, n - (size_t)(e + 1 - text));
    e[1] = '+';
    n++;
  }
  return og_json_raw(o->cx, &o->w, og_str_from(text, n));
}

static og_status put_bound(out *o, const char *key, const og_bound *b)
{
  if (!b->has) return og_json_kv_null(o->cx, &o->w, key);
  OG_TRY(og_json_key(o->cx, &o->w, og_str_of(key)));
  BEGIN(o);
  if (b->is_float) {
    KEY(o, "Float");
    OG_TRY(put_double(o, b->f));
  } else {
    OG_TRY(og_json_kv_i64(o->cx, &o->w, "Integer", b->i));
  }
  END(o);
}

static og_status put_members(out *o, const og_constraint *c)
{
  BEGIN_LIST(o);
  for (uint32_t i = 0; i < c->n; i++) OG_TRY(put_field(o, c, i));
  END_LIST(o);
  return OG_OK;
}

static og_status put_details(out *o, const og_constraint *c)
{
  OG_TRY(og_json_key(o->cx, &o->w, o->ir ? OG_STR("field") : OG_STR("property")));
  OG_TRY(put_field(o, c, 0));
  if (c->kind == OG_CON_CHECK) {
    STR(o, "pattern", c->pattern);
    return OG_OK;
  }
  OG_TRY(put_bound(o, "min", &c->min));
  return put_bound(o, "max", &c->max);
}

static og_status put_constraint(out *o, const og_constraint *c)
{
  static const char *const inside[] = {"key", "unique", "index", "range", "check"};
  static const char *const outside[] = {"Key", "Unique", "Index", "Range", "Check"};
  bool list = c->kind <= OG_CON_INDEX;
  BEGIN(o);
  if (o->ir) {
    STR(o, "kind", og_str_of(inside[c->kind]));
    if (list) KEY(o, "fields");
    OG_TRY(list ? put_members(o, c) : put_details(o, c));
    END(o);
  }
  OG_TRY(og_json_key(o->cx, &o->w, og_str_of(outside[c->kind])));
  if (list) {
    OG_TRY(put_members(o, c));
  } else {
    BEGIN(o);
    OG_TRY(put_details(o, c));
    OG_TRY(og_json_end_object(o->cx, &o->w));
  }
  END(o);
}

static og_status put_constraints(out *o, const og_type_def *t)
{
  KEY(o, "constraints");
  BEGIN_LIST(o);
  for (uint32_t i = 0; i < t->n_constraints; i++) OG_TRY(put_constraint(o, &t->constraints[i]));
  END_LIST(o);
  return OG_OK;
}

/* ---- types */

static og_status put_type_ref(out *o, uint64_t id, og_str name)
{
  if (!o->ir) return og_json_str(o->cx, &o->w, name);
  BEGIN(o);
  U64(o, "type_id", id);
  STR(o, "type_name", name);
  END(o);
}

static og_status put_implements(out *o, const og_type_def *t)
{
  OG_AUTO(og_arena) scratch = {0};
  const void *list = t->implements;
  OG_TRY(in_order(o, &scratch, &list, t->n_implements, sizeof *t->implements, by_type_name));
  const og_type_ref *refs = list;
  KEY(o, "implements");
  BEGIN_LIST(o);
  for (uint32_t i = 0; i < t->n_implements; i++) OG_TRY(put_type_ref(o, refs[i].id, refs[i].name));
  END_LIST(o);
  return OG_OK;
}

static og_status put_edge_head(out *o, const og_type_def *t)
{
  const og_type_def *from = og_edge_from(o->c, t), *to = og_edge_to(o->c, t);
  KEY(o, "from_type");
  OG_TRY(put_type_ref(o, from->id, from->name));
  KEY(o, "to_type");
  OG_TRY(put_type_ref(o, to->id, to->name));
  KEY(o, "cardinality");
  BEGIN(o);
  U64(o, "min", t->card_min);
  if (t->has_card_max)
    U64(o, "max", t->card_max);
  else
    OG_TRY(og_json_kv_null(o->cx, &o->w, "max"));
  END(o);
}

static og_status put_type_def(out *o, const og_type_def *t)
{
  bool table = og_str_starts_with(t->key, OG_STR("node:")) || t->is_edge;
  o->owner = t;
  BEGIN(o);
  STR(o, "name", t->name);
  if (o->ir) U64(o, "type_id", t->id);
  if (o->ir && table) U64(o, "table_incarnation_id", t->incarnation);
  if (t->is_edge) OG_TRY(put_edge_head(o, t));
  if (table) OG_TRY(put_annotations(o, t->annotations, t->n_annotations));
  if (table && !t->is_edge) OG_TRY(put_implements(o, t));
  OG_TRY(put_properties(o, t));
  if (table) OG_TRY(put_constraints(o, t));
  END(o);
}

static og_status put_type_defs(out *o, const char *key, const og_type_def *list, uint32_t n)
{
  OG_TRY(og_json_key(o->cx, &o->w, og_str_of(key)));
  BEGIN_LIST(o);
  for (uint32_t i = 0; i < n; i++) OG_TRY(put_type_def(o, &list[i]));
  END_LIST(o);
  return OG_OK;
}

static og_status put_document(out *o)
{
  const og_catalog *c = o->c;
  BEGIN(o);
  if (o->ir) {
    char domain[OG_ULID_LEN];
    og_ulid_format(&c->domain, domain);
    U64(o, "ir_version", 2);
    STR(o, "schema_identity_domain", og_str_from(domain, sizeof domain));
    U64(o, "next_identity_id", c->next_id);
  }
  OG_TRY(put_type_defs(o, "interfaces", c->interfaces, c->n_interfaces));
  OG_TRY(put_type_defs(o, "nodes", c->nodes, c->n_nodes));
  OG_TRY(put_type_defs(o, "edges", c->edges, c->n_edges));
  END(o);
}

og_status og_schema_ir_write(og_ctx *cx, const og_catalog *c, bool pretty, og_buf *to)
{
  out o = {.cx = cx, .ir = true, .c = c};
  og_json_writer_init(&o.w, to, pretty);
  return put_document(&o);
}

og_status og_schema_shape_write(og_ctx *cx, const og_catalog *c, og_buf *to)
{
  out o = {.cx = cx, .c = c};
  og_json_writer_init(&o.w, to, false);
  return put_document(&o);
}

og_status og_sha256_text(og_ctx *cx, og_str bytes, char text[OG_SHA256_TEXT])
{
  static const char hex[] = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned len = 0;
  if (EVP_Digest(bytes.ptr ? bytes.ptr : "", bytes.len, digest, &len, EVP_sha256(), NULL) != 1 || len != 32)
    return og_fail(cx, OG_EINTERNAL, "SHA-256 is not available from the crypto library");
  memcpy(text, "sha256:", 7);
  for (unsigned i = 0; i < 32; i++) {
    text[7 + 2 * i] = hex[digest[i] >> 4];
    text[8 + 2 * i] = hex[digest[i] & 15];
  }
  return OG_OK;
}

og_status og_schema_state_write(og_ctx *cx, const og_catalog *c, og_buf *to)
{
  char shape_hash[OG_SHA256_TEXT], ir_hash[OG_SHA256_TEXT], domain[OG_ULID_LEN];
  OG_AUTO(og_buf) shape = {0};
  OG_AUTO(og_buf) ir = {0};
  OG_TRY(og_schema_shape_write(cx, c, &shape));
  OG_TRY(og_schema_ir_write(cx, c, false, &ir));
  OG_TRY(og_sha256_text(cx, og_buf_str(&shape), shape_hash));
  OG_TRY(og_sha256_text(cx, og_buf_str(&ir), ir_hash));
  og_ulid_format(&c->domain, domain);
  og_json_writer w;
  og_json_writer_init(&w, to, true);
  OG_TRY(og_json_begin_object(cx, &w));
  OG_TRY(og_json_kv_u64(cx, &w, "format_version", 2));
  OG_TRY(og_json_kv_str(cx, &w, "schema_shape_hash", og_str_from(shape_hash, sizeof shape_hash)));
  OG_TRY(og_json_kv_str(cx, &w, "schema_ir_hash", og_str_from(ir_hash, sizeof ir_hash)));
  OG_TRY(og_json_kv_u64(cx, &w, "schema_identity_version", 2));
  OG_TRY(og_json_kv_str(cx, &w, "schema_identity_domain", og_str_from(domain, sizeof domain)));
  return og_json_end_object(cx, &w);
}
