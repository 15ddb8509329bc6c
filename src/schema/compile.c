/* SPDX-License-Identifier: MIT */
/* schema/compile.c -- from declarations to a catalog.
 *
 *  (1) Everything in a catalog is in canonical order (types and properties by name, constraints by a text key), so that
 *      order and formatting of the source never reach a hash.
 *  (2) A property that a node does not declare but an interface does is injected, with the interface's own key, unique
 *      and index; two interfaces that inject the same property must agree fully.
 *  (3) Identities are numbers given out after the shape is complete (identity.c); names are only how it is spelled.
 */
#include "base/map.h"
#include "base/vec.h"
#include "schema/internal.h"

static const struct {
  const char *name;
  og_scalar_kind kind;
} scalars[] = {{"String", OG_SC_STRING}, {"Blob", OG_SC_BLOB},         {"Bool", OG_SC_BOOL}, {"I32", OG_SC_I32},
               {"I64", OG_SC_I64},       {"U32", OG_SC_U32},           {"U64", OG_SC_U64},   {"F32", OG_SC_F32},
               {"F64", OG_SC_F64},       {"DateTime", OG_SC_DATETIME}, {"Date", OG_SC_DATE}};

const char *og_scalar_name(og_scalar_kind kind)
{
  for (size_t i = 0; i < OG_ARRAY_LEN(scalars); i++)
    if (scalars[i].kind == kind) return scalars[i].name;
  return "Vector";
}

bool og_scalar_by_name(og_str name, og_scalar_kind *out)
{
  for (size_t i = 0; i < OG_ARRAY_LEN(scalars); i++) {
    if (!og_str_eq(name, og_str_of(scalars[i].name))) continue;
    *out = scalars[i].kind;
    return true;
  }
  return false;
}

bool og_scalar_is_number(og_scalar_kind kind)
{
  return kind >= OG_SC_I32 && kind <= OG_SC_F64;
}

static og_status type_core(og_ctx *cx, og_buf *b, const og_prop_type *t)
{
  if (t->kind == OG_SC_VECTOR) return og_buf_printf(cx, b, "Vector(%u)", t->dim);
  if (!t->n_enum) return og_buf_append_str(cx, b, og_str_of(og_scalar_name(t->kind)));
  OG_TRY(og_buf_append_str(cx, b, OG_STR("enum(")));
  for (uint32_t i = 0; i < t->n_enum; i++) {
    if (i) OG_TRY(og_buf_append_str(cx, b, OG_STR(", ")));
    OG_TRY(og_buf_append_str(cx, b, t->enum_values[i]));
  }
  return og_buf_append_byte(cx, b, ')');
}

og_status og_prop_type_text(og_ctx *cx, og_arena *a, const og_prop_type *t, og_str *out)
{
  OG_AUTO(og_buf) b = {0};
  if (t->list) OG_TRY(og_buf_append_byte(cx, &b, '['));
  OG_TRY(type_core(cx, &b, t));
  if (t->list) OG_TRY(og_buf_append_byte(cx, &b, ']'));
  if (t->nullable) OG_TRY(og_buf_append_byte(cx, &b, '?'));
  return og_arena_str(cx, a, og_buf_str(&b), out);
}

/* ---- helpers */

static int cmp_str(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(*(const og_str *)a, *(const og_str *)b);
}

static og_status fail(og_compiler *k, og_span at, og_str hint, const char *what, og_str name)
{
  return og_source_fail(k->cx, OG_EINVALID, &k->file->source, at, hint, "catalog error: %s '" OG_STR_FMT "'", what,
                        OG_STR_ARG(name));
}

static og_status copy_str(og_compiler *k, og_str s, og_str *out)
{
  if (!s.ptr) {
    *out = OG_STR_NONE;
    return OG_OK;
  }
  return og_arena_str(k->cx, k->a, s, out);
}

static og_status copy_sorted(og_compiler *k, const og_str *in, uint32_t n, const og_str **out)
{
  og_str *copy = og_arena_calloc(k->cx, k->a, n + 1, sizeof *copy);
  if (!copy) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++) OG_TRY(copy_str(k, in[i], &copy[i]));
  OG_TRY(og_sort(k->cx, copy, n, sizeof *copy, cmp_str, NULL));
  *out = copy;
  return OG_OK;
}

/* ---- declarations against each other */

static const og_decl *find_decl(const og_decl_file *f, og_decl_kind kind, og_str name)
{
  for (uint32_t i = 0; i < f->n; i++)
    if (f->decls[i].kind == kind && og_str_eq(f->decls[i].name, name)) return &f->decls[i];
  return NULL;
}

static og_status check_duplicates(og_compiler *k)
{
  static const char *const what[] = {"duplicate interface", "duplicate node type", "duplicate edge type"};
  og_map seen;
  og_map_init(&seen, true);
  og_status st = OG_OK;
  for (uint32_t i = 0; st == OG_OK && i < k->file->n; i++) {
    const og_decl *d = &k->file->decls[i];
    OG_AUTO(og_buf) key = {0};
    bool was_new = true, folded = true;
    st = og_buf_printf(k->cx, &key, "%d:" OG_STR_FMT, (int)d->kind, OG_STR_ARG(d->name));
    if (st == OG_OK) st = og_map_put(k->cx, &seen, og_buf_str(&key), i, &was_new);
    if (st == OG_OK && !was_new) st = fail(k, d->span, OG_STR_NONE, what[d->kind], d->name);
    if (st != OG_OK || d->kind != OG_DECL_EDGE) continue;
    for (size_t c = 0; c < key.len; c++)
      if (key.data[c] >= 'A' && key.data[c] <= 'Z') key.data[c] = (uint8_t)(key.data[c] + 32);
    key.data[0] = 'e';
    st = og_map_put(k->cx, &seen, og_buf_str(&key), i, &folded);
    if (st == OG_OK && !folded)
      st = fail(k, d->span, OG_STR("edges are found without regard to case"),
                "edge name collision after case folding:", d->name);
  }
  og_map_cleanup(&seen);
  return st;
}

static og_status check_own_properties(og_compiler *k, const og_decl *d)
{
  for (uint32_t i = 1; i < d->n_properties; i++)
    for (uint32_t j = 0; j < i; j++)
      if (og_str_eq(d->properties[i].name, d->properties[j].name))
        return og_source_fail(k->cx, OG_EINVALID, &k->file->source, d->properties[i].span, OG_STR_NONE,
                              "catalog error: duplicate property '" OG_STR_FMT "' in '" OG_STR_FMT "'",
                              OG_STR_ARG(d->properties[i].name), OG_STR_ARG(d->name));
  return OG_OK;
}

static og_status check_endpoint(og_compiler *k, const og_decl *d, og_str name, og_span at)
{
  if (find_decl(k->file, OG_DECL_NODE, name)) return OG_OK;
  og_str near = OG_STR_NONE;
  for (uint32_t i = 0; i < k->file->n && !near.ptr; i++)
    if (k->file->decls[i].kind == OG_DECL_NODE && og_str_distance(k->file->decls[i].name, name, 2) <= 2)
      near = k->file->decls[i].name;
  og_str hint = OG_STR_NONE;
  if (near.ptr) OG_TRY(og_arena_printf(k->cx, k->scratch, &hint, "did you mean '" OG_STR_FMT "'?", OG_STR_ARG(near)));
  return og_source_fail(k->cx, OG_EINVALID, &k->file->source, at, hint,
                        "catalog error: edge '" OG_STR_FMT "' references unknown node type '" OG_STR_FMT "'",
                        OG_STR_ARG(d->name), OG_STR_ARG(name));
}

/* ---- interfaces */

static bool same_type(const og_prop_type *a, const og_prop_type *b)
{
  bool same = a->kind == b->kind && a->dim == b->dim && a->list == b->list && a->nullable == b->nullable &&
              a->n_enum == b->n_enum;
  for (uint32_t i = 0; same && i < a->n_enum; i++) { /* order does not matter: values are distinct */
    bool found = false;
    for (uint32_t j = 0; j < b->n_enum; j++) found = found || og_str_eq(a->enum_values[i], b->enum_values[j]);
    same = found;
  }
  return same;
}

static bool same_annotation(const og_annotation *a, const og_annotation *b)
{
  bool same = og_str_eq(a->name, b->name) && og_str_eq(a->value, b->value) && !a->value.ptr == !b->value.ptr &&
              a->n_kwargs == b->n_kwargs;
  for (uint32_t i = 0; same && i < 2 * a->n_kwargs; i++) same = og_str_eq(a->kwargs[i], b->kwargs[i]);
  return same;
}

static bool has_annotation(const og_decl_property *p, const og_annotation *a)
{
  for (uint32_t i = 0; i < p->n_annotations; i++)
    if (same_annotation(&p->annotations[i].a, a)) return true;
  return false;
}

static bool same_semantics(const og_decl_property *a, const og_decl_property *b)
{
  bool same = same_type(&a->type, &b->type) && a->n_annotations == b->n_annotations;
  for (uint32_t i = 0; same && i < a->n_annotations; i++) same = has_annotation(b, &a->annotations[i].a);
  return same;
}

static og_effective_property *find_effective(og_vec *v, og_str name)
{
  for (size_t i = 0; i < v->len; i++)
    if (og_str_eq(OG_VEC_AT(v, og_effective_property, i).decl->name, name))
      return &OG_VEC_AT(v, og_effective_property, i);
  return NULL;
}

static og_status add_owner(og_compiler *k, og_effective_property *e, og_str owner)
{
  og_str *owners = og_arena_calloc(k->cx, k->scratch, e->n_owners + 1, sizeof *owners);
  if (!owners) return OG_ENOMEM;
  if (e->n_owners) memcpy(owners, e->owners, e->n_owners * sizeof *owners);
  owners[e->n_owners++] = owner;
  e->owners = owners;
  return OG_OK;
}

static og_status take_interface_property(og_compiler *k, const og_decl *node, og_span at, const og_decl *iface,
                                         const og_decl_property *p, og_vec *out)
{
  og_effective_property *e = find_effective(out, p->name);
  if (!e) {
    e = og_vec_push(k->cx, out);
    if (!e) return OG_ENOMEM;
    e->decl = p;
    return add_owner(k, e, iface->name);
  }
  bool agrees = e->direct ? same_type(&e->decl->type, &p->type) : same_semantics(e->decl, p);
  if (agrees) return add_owner(k, e, iface->name);
  og_str want;
  OG_TRY(og_prop_type_text(k->cx, k->scratch, &p->type, &want));
  return og_source_fail(k->cx, OG_EINVALID, &k->file->source, e->direct ? e->decl->span : at, OG_STR_NONE,
                        "catalog error: '" OG_STR_FMT "." OG_STR_FMT "' does not agree with interface '" OG_STR_FMT
                        "', which declares it as " OG_STR_FMT,
                        OG_STR_ARG(node->name), OG_STR_ARG(p->name), OG_STR_ARG(iface->name), OG_STR_ARG(want));
}

static og_status take_interfaces(og_compiler *k, const og_decl *d, og_vec *out)
{
  /* By name, so that which interface injects does not depend on the order they are listed in. */
  const og_str *names;
  OG_TRY(copy_sorted(k, d->implements, d->n_implements, &names));
  for (uint32_t i = 0; i < d->n_implements; i++) {
    if (i && og_str_eq(names[i], names[i - 1])) continue;
    const og_decl *iface = find_decl(k->file, OG_DECL_INTERFACE, names[i]);
    og_span at = d->span;
    for (uint32_t s = 0; s < d->n_implements; s++)
      if (og_str_eq(d->implements[s], names[i])) at = d->implements_spans[s];
    if (!iface) return fail(k, at, OG_STR_NONE, "node implements unknown interface", names[i]);
    for (uint32_t p = 0; p < iface->n_properties; p++)
      OG_TRY(take_interface_property(k, d, at, iface, &iface->properties[p], out));
  }
  return OG_OK;
}

static int by_prop_name(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(((const og_effective_property *)a)->decl->name, ((const og_effective_property *)b)->decl->name);
}

static og_status gather(og_compiler *k, const og_decl *d, og_vec *v)
{
  for (uint32_t i = 0; i < d->n_properties; i++) {
    const og_effective_property own = {.decl = &d->properties[i], .direct = true};
    OG_TRY(og_vec_add(k->cx, v, &own));
  }
  if (d->kind == OG_DECL_NODE) OG_TRY(take_interfaces(k, d, v));
  return og_sort(k->cx, v->data, v->len, v->elem, by_prop_name, NULL);
}

static og_status make_effective(og_compiler *k, const og_decl *d, og_effective *out)
{
  og_vec v = OG_VEC_INIT(og_effective_property);
  og_status st = gather(k, d, &v);
  if (st == OG_OK) {
    out->props = og_arena_calloc(k->cx, k->scratch, v.len + 1, v.elem);
    if (!out->props)
      st = OG_ENOMEM;
    else if (v.len)
      memcpy(out->props, v.data, v.len * v.elem);
    out->n = (uint32_t)v.len;
  }
  og_vec_cleanup(&v);
  return st;
}

/* ---- catalog pieces */

static bool is_relation(og_str name)
{
  return og_str_eq(name, OG_STR("key")) || og_str_eq(name, OG_STR("unique")) || og_str_eq(name, OG_STR("index")) ||
         og_str_eq(name, OG_STR("embed")) || og_str_eq(name, OG_STR("rename_from"));
}

static og_status annotation_key(og_compiler *k, const og_annotation *a, og_buf *out)
{
  og_json_writer w;
  og_json_writer_init(&w, out, false);
  OG_TRY(og_json_str(k->cx, &w, a->name));
  OG_TRY(og_buf_append_byte(k->cx, out, ','));
  OG_TRY(a->value.ptr ? og_json_quote(k->cx, out, a->value) : og_buf_append_str(k->cx, out, OG_STR("null")));
  for (uint32_t i = 0; i < 2 * a->n_kwargs; i++) {
    OG_TRY(og_buf_append_byte(k->cx, out, ','));
    OG_TRY(og_json_quote(k->cx, out, a->kwargs[i]));
  }
  return OG_OK;
}

static int by_annotation(const void *a, const void *b, void *arg)
{
  og_compiler *k = arg;
  OG_AUTO(og_buf) x = {0};
  OG_AUTO(og_buf) y = {0};
  if (annotation_key(k, a, &x) != OG_OK || annotation_key(k, b, &y) != OG_OK) return 0;
  return og_str_cmp(og_buf_str(&x), og_buf_str(&y));
}

static og_status copy_annotation(og_compiler *k, const og_annotation *in, og_annotation *out)
{
  og_str *kwargs = og_arena_calloc(k->cx, k->a, 2 * (size_t)in->n_kwargs + 1, sizeof *kwargs);
  if (!kwargs) return OG_ENOMEM;
  *out = (og_annotation){.kwargs = kwargs, .n_kwargs = in->n_kwargs};
  for (uint32_t i = 0; i < 2 * in->n_kwargs; i++) OG_TRY(copy_str(k, in->kwargs[i], &kwargs[i]));
  OG_TRY(copy_str(k, in->name, &out->name));
  return copy_str(k, in->value, &out->value);
}

static og_status make_annotations(og_compiler *k, const og_decl_annotation *in, uint32_t n, const og_annotation **out,
                                  uint32_t *n_out)
{
  og_annotation *list = og_arena_calloc(k->cx, k->a, n + 1, sizeof *list);
  uint32_t m = 0, kept = 0;
  if (!list) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++)
    if (!is_relation(in[i].a.name)) OG_TRY(copy_annotation(k, &in[i].a, &list[m++]));
  OG_TRY(og_sort(k->cx, list, m, sizeof *list, by_annotation, k));
  for (uint32_t i = 0; i < m; i++)
    if (kept == 0 || !same_annotation(&list[kept - 1], &list[i])) list[kept++] = list[i];
  *out = list;
  *n_out = kept;
  return OG_OK;
}

static og_status make_embed(og_compiler *k, const og_annotation *a, og_property *out)
{
  OG_TRY(copy_str(k, a->value, &out->embed_source));
  for (uint32_t i = 0; i < a->n_kwargs; i++)
    if (og_str_eq(a->kwargs[2 * i], OG_STR("model"))) OG_TRY(copy_str(k, a->kwargs[2 * i + 1], &out->embed_model));
  return OG_OK;
}

static og_status make_property(og_compiler *k, const og_effective_property *e, og_property *out)
{
  const og_decl_property *d = e->decl;
  *out = (og_property){.type = d->type, .direct = e->direct};
  OG_TRY(copy_str(k, d->name, &out->name));
  OG_TRY(copy_sorted(k, d->type.enum_values, d->type.n_enum, &out->type.enum_values));
  OG_TRY(make_annotations(k, d->annotations, d->n_annotations, &out->annotations, &out->n_annotations));
  for (uint32_t i = 0; i < d->n_annotations; i++) {
    const og_annotation *a = &d->annotations[i].a;
    out->key = out->key || (og_str_eq(a->name, OG_STR("key")) && !a->value.ptr);
    out->unique = out->unique || (og_str_eq(a->name, OG_STR("unique")) && !a->value.ptr);
    out->index = out->index || (og_str_eq(a->name, OG_STR("index")) && !a->value.ptr);
    if (og_str_eq(a->name, OG_STR("embed")) && a->value.ptr) OG_TRY(make_embed(k, a, out));
  }
  og_interface_ref *refs = og_arena_calloc(k->cx, k->a, e->n_owners + 1, sizeof *refs);
  if (!refs) return OG_ENOMEM;
  for (uint32_t i = 0; i < e->n_owners; i++) {
    OG_TRY(copy_str(k, e->owners[i], &refs[i].owner));
    refs[i].property = out->name;
  }
  out->satisfies = refs;
  out->n_satisfies = e->n_owners;
  return OG_OK;
}

static og_status make_properties(og_compiler *k, const og_effective *e, og_type_def *t)
{
  og_property *props = og_arena_calloc(k->cx, k->a, e->n + 1, sizeof *props);
  if (!props) return OG_ENOMEM;
  for (uint32_t i = 0; i < e->n; i++) OG_TRY(make_property(k, &e->props[i], &props[i]));
  t->properties = props;
  t->n_properties = e->n;
  return OG_OK;
}

static int32_t field_of(const og_type_def *t, og_str name)
{
  if (og_str_eq(name, OG_STR("id"))) return OG_FIELD_ID;
  if (t->is_edge && og_str_eq(name, OG_STR("src"))) return OG_FIELD_SRC;
  if (t->is_edge && og_str_eq(name, OG_STR("dst"))) return OG_FIELD_DST;
  return og_type_property(t, name);
}

static og_status add_constraint(og_compiler *k, const og_type_def *t, const og_decl_constraint *d, og_vec *out)
{
  og_constraint *c = og_vec_push(k->cx, out);
  const og_str *names;
  int32_t *fields = og_arena_calloc(k->cx, k->a, d->n + 1, sizeof *fields);
  if (!c || !fields) return OG_ENOMEM;
  *c = (og_constraint){.kind = d->kind, .fields = fields, .min = d->min, .max = d->max};
  OG_TRY(copy_sorted(k, d->names, d->n, &names));
  og_str *unique = (og_str *)(uintptr_t)names;
  for (uint32_t i = 0; i < d->n; i++)
    if (c->n == 0 || !og_str_eq(unique[c->n - 1], names[i])) unique[c->n++] = names[i];
  c->names = unique;
  for (uint32_t i = 0; i < c->n; i++) fields[i] = field_of(t, unique[i]);
  return copy_str(k, d->pattern, &c->pattern);
}

static og_status bound_key(og_ctx *cx, og_buf *b, const og_bound *v)
{
  if (!v->has) return og_buf_append_str(cx, b, OG_STR("None"));
  if (!v->is_float) return og_buf_printf(cx, b, "Some(Integer(%lld))", (long long)v->i);
  og_json_writer w;
  OG_TRY(og_buf_append_str(cx, b, OG_STR("Some(Float(")));
  og_json_writer_init(&w, b, false);
  OG_TRY(og_json_f64(cx, &w, v->f));
  return og_buf_append_str(cx, b, OG_STR("))"));
}

static og_status constraint_key(og_ctx *cx, const og_constraint *c, og_buf *b)
{
  static const char *const words[] = {"key", "unique", "index", "range", "check"};
  OG_TRY(og_buf_printf(cx, b, "%s:", words[c->kind]));
  for (uint32_t i = 0; i < c->n; i++) {
    if (i) OG_TRY(og_buf_append_byte(cx, b, ','));
    OG_TRY(og_buf_append_str(cx, b, c->names[i]));
  }
  if (c->kind == OG_CON_RANGE) {
    OG_TRY(og_buf_append_byte(cx, b, ':'));
    OG_TRY(bound_key(cx, b, &c->min));
    OG_TRY(og_buf_append_byte(cx, b, ':'));
    return bound_key(cx, b, &c->max);
  }
  if (c->kind != OG_CON_CHECK) return OG_OK;
  OG_TRY(og_buf_append_byte(cx, b, ':'));
  return og_buf_append_str(cx, b, c->pattern);
}

static int cmp_constraints(og_ctx *cx, const og_constraint *a, const og_constraint *b)
{
  OG_AUTO(og_buf) x = {0};
  OG_AUTO(og_buf) y = {0};
  if (constraint_key(cx, a, &x) != OG_OK || constraint_key(cx, b, &y) != OG_OK) return 0;
  return og_str_cmp(og_buf_str(&x), og_buf_str(&y));
}

static int by_constraint(const void *a, const void *b, void *arg)
{
  return cmp_constraints(arg, a, b);
}

/* @key, @unique, @index on a property are constraints of one column. */
static og_status add_property_constraints(og_compiler *k, const og_type_def *t, og_vec *out)
{
  for (uint32_t i = 0; i < t->n_properties; i++) {
    const og_property *p = &t->properties[i];
    og_decl_constraint d = {.names = &p->name, .n = 1};
    d.kind = OG_CON_KEY;
    if (p->key) OG_TRY(add_constraint(k, t, &d, out));
    d.kind = OG_CON_UNIQUE;
    if (p->unique) OG_TRY(add_constraint(k, t, &d, out));
    d.kind = OG_CON_INDEX;
    if (p->index) OG_TRY(add_constraint(k, t, &d, out));
  }
  return OG_OK;
}

static og_status gather_constraints(og_compiler *k, const og_decl *d, const og_type_def *t, og_vec *v)
{
  for (uint32_t i = 0; i < d->n_constraints; i++) OG_TRY(add_constraint(k, t, &d->constraints[i], v));
  OG_TRY(add_property_constraints(k, t, v));
  return og_sort(k->cx, v->data, v->len, v->elem, by_constraint, k->cx);
}

static og_status make_constraints(og_compiler *k, const og_decl *d, og_type_def *t)
{
  og_vec v = OG_VEC_INIT(og_constraint);
  og_status st = gather_constraints(k, d, t, &v);
  og_constraint *list = st == OG_OK ? og_arena_calloc(k->cx, k->a, v.len + 1, sizeof *list) : NULL;
  if (st == OG_OK && !list) st = OG_ENOMEM;
  for (size_t i = 0; st == OG_OK && i < v.len; i++) {
    const og_constraint *c = &OG_VEC_AT(&v, og_constraint, i);
    if (t->n_constraints && cmp_constraints(k->cx, &list[t->n_constraints - 1], c) == 0) continue;
    list[t->n_constraints++] = *c;
  }
  t->constraints = list;
  for (uint32_t i = 0; st == OG_OK && i < t->n_constraints; i++)
    if (list[i].kind == OG_CON_KEY) t->key_fields = &list[i];
  og_vec_cleanup(&v);
  return st;
}

static og_status make_implements(og_compiler *k, const og_decl *d, og_type_def *t)
{
  const og_str *names;
  OG_TRY(copy_sorted(k, d->implements, d->n_implements, &names));
  og_type_ref *refs = og_arena_calloc(k->cx, k->a, d->n_implements + 1, sizeof *refs);
  if (!refs) return OG_ENOMEM;
  for (uint32_t i = 0; i < d->n_implements; i++)
    if (t->n_implements == 0 || !og_str_eq(refs[t->n_implements - 1].name, names[i]))
      refs[t->n_implements++].name = names[i];
  t->implements = refs;
  return OG_OK;
}

static og_status make_type(og_compiler *k, const og_decl *d, const og_effective *e, og_type_def *t)
{
  *t = (og_type_def){.is_edge = d->kind == OG_DECL_EDGE,
                     .card_min = d->card_min,
                     .card_max = d->card_max,
                     .has_card_max = d->has_card_max};
  OG_TRY(copy_str(k, d->name, &t->name));
  OG_TRY(og_arena_printf(k->cx, k->a, &t->key, "%s:" OG_STR_FMT,
                         d->kind == OG_DECL_EDGE   ? "edge"
                         : d->kind == OG_DECL_NODE ? "node"
                                                   : "interface",
                         OG_STR_ARG(d->name)));
  OG_TRY(make_properties(k, e, t));
  OG_TRY(make_annotations(k, d->annotations, d->n_annotations, &t->annotations, &t->n_annotations));
  OG_TRY(make_implements(k, d, t));
  return make_constraints(k, d, t);
}

static int by_type_name(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(((const og_type_def *)a)->name, ((const og_type_def *)b)->name);
}

static og_status make_types(og_compiler *k, og_decl_kind kind, const og_type_def **out, uint32_t *n)
{
  uint32_t count = 0, m = 0;
  for (uint32_t i = 0; i < k->file->n; i++) count += k->file->decls[i].kind == kind;
  og_type_def *types = og_arena_calloc(k->cx, k->a, count + 1, sizeof *types);
  if (!types) return OG_ENOMEM;
  for (uint32_t i = 0; i < k->file->n; i++)
    if (k->file->decls[i].kind == kind) OG_TRY(make_type(k, &k->file->decls[i], &k->effective[i], &types[m++]));
  OG_TRY(og_sort(k->cx, types, count, sizeof *types, by_type_name, NULL));
  *out = types;
  *n = count;
  return OG_OK;
}

static uint32_t index_of(const og_type_def *list, uint32_t n, og_str name)
{
  uint32_t i = 0;
  while (i < n && !og_str_eq(list[i].name, name)) i++;
  return i;
}

static void link_edges(og_compiler *k)
{
  for (uint32_t i = 0; i < k->file->n; i++) {
    const og_decl *d = &k->file->decls[i];
    if (d->kind != OG_DECL_EDGE) continue;
    og_type_def *e = (og_type_def *)(uintptr_t)og_catalog_edge_exact(k->catalog, d->name);
    e->from = index_of(k->catalog->nodes, k->catalog->n_nodes, d->from);
    e->to = index_of(k->catalog->nodes, k->catalog->n_nodes, d->to);
  }
}

static og_status compile_decls(og_compiler *k)
{
  OG_TRY(check_duplicates(k));
  k->effective = og_arena_calloc(k->cx, k->scratch, k->file->n + 1, sizeof *k->effective);
  if (!k->effective) return OG_ENOMEM;
  for (uint32_t i = 0; i < k->file->n; i++) {
    const og_decl *d = &k->file->decls[i];
    OG_TRY(check_own_properties(k, d));
    if (d->kind == OG_DECL_EDGE) {
      OG_TRY(check_endpoint(k, d, d->from, d->from_span));
      OG_TRY(check_endpoint(k, d, d->to, d->to_span));
    }
    OG_TRY(make_effective(k, d, &k->effective[i]));
    OG_TRY(og_rules__check(k, d, &k->effective[i]));
  }
  og_catalog *c = k->catalog;
  OG_TRY(make_types(k, OG_DECL_INTERFACE, &c->interfaces, &c->n_interfaces));
  OG_TRY(make_types(k, OG_DECL_NODE, &c->nodes, &c->n_nodes));
  OG_TRY(make_types(k, OG_DECL_EDGE, &c->edges, &c->n_edges));
  link_edges(k);
  return OG_OK;
}

static og_status compile(og_ctx *cx, og_str source, og_str file_name, og_catalog **out)
{
  og_catalog *c = og_zalloc(cx, sizeof *c);
  if (!c) return OG_ENOMEM;
  atomic_init(&c->refs, 1);
  OG_AUTO(og_arena) scratch = {0};
  og_decl_file file;
  og_compiler k = {.cx = cx, .a = &c->arena, .scratch = &scratch, .file = &file, .catalog = c};
  og_status st = og_arena_str(cx, &c->arena, source, &c->source);
  if (st == OG_OK) st = og_schema__parse(cx, &scratch, source, file_name, &file);
  if (st == OG_OK) st = compile_decls(&k);
  if (st != OG_OK)
    og_catalog_unref(c);
  else
    *out = c;
  return st;
}

og_status og_schema_compile(og_ctx *cx, og_str source, og_str file_name, const og_ulid *domain,
                            uint64_t incarnation_skip, og_catalog **out)
{
  og_catalog *c;
  OG_TRY(compile(cx, source, file_name, &c));
  c->domain = *domain;
  og_status st = og_identity__assign(cx, c, incarnation_skip);
  if (st != OG_OK)
    og_catalog_unref(c);
  else
    *out = c;
  return st;
}

og_status og_schema_check(og_ctx *cx, og_str source, og_str file_name, og_catalog **out)
{
  const og_ulid none = {{0}};
  return og_schema_compile(cx, source, file_name, &none, 0, out);
}

/* ---- restoring an accepted contract */

static og_status mismatch(og_ctx *cx, const char *what)
{
  return og_fail(cx, OG_ECORRUPT,
                 "the schema contract is damaged: %s; restore _schema.pg, _schema.ir.json and "
                 "__schema_state.json from a copy of this graph",
                 what);
}

static og_status check_hash(og_ctx *cx, const og_json *state, const char *member, og_str bytes, const char *what)
{
  char text[OG_SHA256_TEXT];
  og_str recorded;
  OG_TRY(og_sha256_text(cx, bytes, text));
  if (!og_json_get_str(state, og_str_of(member), &recorded) || !og_str_eq(recorded, og_str_from(text, sizeof text)))
    return mismatch(cx, what);
  return OG_OK;
}

static og_status check_contract(og_ctx *cx, const og_catalog *c, const og_json *state)
{
  OG_AUTO(og_buf) shape = {0};
  OG_AUTO(og_buf) ir = {0};
  OG_TRY(og_schema_shape_write(cx, c, &shape));
  OG_TRY(og_schema_ir_write(cx, c, false, &ir));
  OG_TRY(check_hash(cx, state, "schema_shape_hash", og_buf_str(&shape), "its source does not have the recorded shape"));
  return check_hash(cx, state, "schema_ir_hash", og_buf_str(&ir), "its IR does not have the recorded hash");
}

og_status og_schema_restore(og_ctx *cx, og_str source, og_str ir, og_str state, og_catalog **out)
{
  OG_AUTO(og_arena) scratch = {0};
  const og_json *ir_json, *state_json;
  og_catalog *c;
  OG_TRY_NOTE(cx, og_json_read(cx, &scratch, ir, &ir_json), "while reading the schema's IR");
  OG_TRY_NOTE(cx, og_json_read(cx, &scratch, state, &state_json), "while reading the schema's state");
  OG_TRY_NOTE(cx, compile(cx, source, OG_STR("_schema.pg"), &c), "while compiling the accepted schema");
  og_status st = og_identity__restore(cx, c, ir_json);
  if (st == OG_OK) st = check_contract(cx, c, state_json);
  if (st != OG_OK)
    og_catalog_unref(c);
  else
    *out = c;
  return st;
}

/* ---- look-ups */

og_catalog *og_catalog_ref(og_catalog *c)
{
  atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
  return c;
}

void og_catalog_unref(og_catalog *c)
{
  if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) return;
  og_arena_cleanup(&c->arena);
  og_free(c);
}

static const og_type_def *find_type(const og_type_def *list, uint32_t n, og_str name)
{
  uint32_t lo = 0, hi = n;
  while (lo < hi) {
    uint32_t mid = lo + (hi - lo) / 2;
    int c = og_str_cmp(list[mid].name, name);
    if (c == 0) return &list[mid];
    if (c < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return NULL;
}

const og_type_def *og_catalog_node(const og_catalog *c, og_str name)
{
  return find_type(c->nodes, c->n_nodes, name);
}

const og_type_def *og_catalog_edge_exact(const og_catalog *c, og_str name)
{
  return find_type(c->edges, c->n_edges, name);
}

const og_type_def *og_catalog_edge(const og_catalog *c, og_str name)
{
  const og_type_def *exact = og_catalog_edge_exact(c, name);
  for (uint32_t i = 0; !exact && i < c->n_edges; i++)
    if (og_str_eq_fold(c->edges[i].name, name)) exact = &c->edges[i];
  return exact;
}

const og_type_def *og_catalog_table(const og_catalog *c, og_str key)
{
  og_str name = og_str_sub(key, 5, key.len);
  if (og_str_starts_with(key, OG_STR("node:"))) return og_catalog_node(c, name);
  return og_str_starts_with(key, OG_STR("edge:")) ? og_catalog_edge_exact(c, name) : NULL;
}

int32_t og_type_property(const og_type_def *t, og_str name)
{
  uint32_t lo = 0, hi = t->n_properties;
  while (lo < hi) {
    uint32_t mid = lo + (hi - lo) / 2;
    int c = og_str_cmp(t->properties[mid].name, name);
    if (c == 0) return (int32_t)mid;
    if (c < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return -1;
}

static og_str nearer(og_str name, og_str candidate, og_str best, unsigned *distance)
{
  unsigned d = og_str_distance(name, candidate, 2);
  if (d >= *distance) return best;
  *distance = d;
  return candidate;
}

og_str og_catalog_suggest_node(const og_catalog *c, og_str name)
{
  og_str best = OG_STR_NONE;
  unsigned distance = 3;
  for (uint32_t i = 0; i < c->n_nodes; i++) best = nearer(name, c->nodes[i].name, best, &distance);
  return best;
}

og_str og_catalog_suggest_edge(const og_catalog *c, og_str name)
{
  og_str best = OG_STR_NONE;
  unsigned distance = 3;
  for (uint32_t i = 0; i < c->n_edges; i++) best = nearer(name, c->edges[i].name, best, &distance);
  return best;
}

og_str og_type_suggest_property(const og_type_def *t, og_str name)
{
  og_str best = OG_STR_NONE;
  unsigned distance = 3;
  for (uint32_t i = 0; i < t->n_properties; i++) best = nearer(name, t->properties[i].name, best, &distance);
  return best;
}
