/* SPDX-License-Identifier: MIT */
/* schema/compile.c -- from declarations to a catalog.
 *
 *  (1) Everything in a catalog is in canonical order (types and properties by name, constraints by a text key), so that
 *      order and formatting of the source never reach a hash.
 *  (2) A property that a node does not declare but an interface does is injected, with the interface's own key, unique
 *      and index; two interfaces that inject the same property must agree fully.
 *  (3) Identities are numbers given out after the shape is complete (identity.c); names are only how it is spelled.
 */
#include "base/limits.h"
#include "base/num.h"
#include "base/vec.h"
#include "schema/internal.h"

/* ---- helpers */

static int cmp_str(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(*(const og_str *)a, *(const og_str *)b);
}

#define FAIL(k, at, hint, ...)                                                                                         \
  og_source_fail((k)->cx, OG_EINVALID, &(k)->file->source, (at), (hint), "catalog error: " __VA_ARGS__)

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

static const og_decl *find_decl(const og_compiler *k, og_decl_kind kind, og_str name)
{
  uint64_t i;
  return og_map_get(&k->names[kind], name, &i) ? &k->file->decls[i] : NULL;
}

static og_status add_folded(og_compiler *k, const og_decl *d, og_map *folded)
{
  OG_AUTO(og_buf) key = {0};
  bool was_new;
  OG_TRY(og_buf_append_str(k->cx, &key, d->name));
  for (size_t i = 0; i < key.len; i++)
    if (key.data[i] >= 'A' && key.data[i] <= 'Z') key.data[i] = (uint8_t)(key.data[i] + 32);
  OG_TRY(og_map_put(k->cx, folded, og_buf_str(&key), 1, &was_new));
  if (was_new) return OG_OK;
  return FAIL(k, d->span, OG_STR("edges are found without regard to case"),
              "edge name collision after case folding: '" OG_STR_FMT "'", OG_STR_ARG(d->name));
}

static og_status add_names(og_compiler *k, og_map *folded)
{
  static const char *const what[] = {"duplicate interface", "duplicate node type", "duplicate edge type"};
  for (uint32_t i = 0; i < k->file->n; i++) {
    const og_decl *d = &k->file->decls[i];
    bool was_new;
    OG_TRY(og_map_put(k->cx, &k->names[d->kind], d->name, i, &was_new));
    if (!was_new) return FAIL(k, d->span, OG_STR_NONE, "%s '" OG_STR_FMT "'", what[d->kind], OG_STR_ARG(d->name));
    if (d->kind == OG_DECL_EDGE) OG_TRY(add_folded(k, d, folded));
  }
  return OG_OK;
}

static og_status check_names(og_compiler *k)
{
  og_map folded;
  og_map_init(&folded, true);
  og_status st = add_names(k, &folded);
  og_map_cleanup(&folded);
  return st;
}

/* "did you mean 'Person'?" for a declaration of that kind; empty when none is near. */
static og_status suggest_decl(og_compiler *k, og_decl_kind kind, og_str name, og_str *hint)
{
  unsigned best = 3;
  *hint = OG_STR_NONE;
  og_str near = OG_STR_NONE;
  for (uint32_t i = 0; i < k->file->n; i++) {
    const og_decl *d = &k->file->decls[i];
    unsigned distance = d->kind == kind ? og_str_distance(d->name, name, 2) : 3;
    if (distance >= best) continue;
    best = distance;
    near = d->name;
  }
  if (!near.ptr) return OG_OK;
  return og_arena_printf(k->cx, k->scratch, hint, "did you mean '" OG_STR_FMT "'?", OG_STR_ARG(near));
}

static og_status check_endpoint(og_compiler *k, const og_decl *d, og_str name, og_span at)
{
  og_str hint;
  if (find_decl(k, OG_DECL_NODE, name)) return OG_OK;
  OG_TRY(suggest_decl(k, OG_DECL_NODE, name, &hint));
  return FAIL(k, at, hint, "edge '" OG_STR_FMT "' references unknown node type '" OG_STR_FMT "'", OG_STR_ARG(d->name),
              OG_STR_ARG(name));
}

/* ---- catalog pieces */

/* What stands at `at` in a list, and the text that decides its place in canonical order. */
typedef struct keyed {
  og_str key; /* first: it is what cmp_str compares */
  uint32_t at;
} keyed;

static bool is_relation(og_str name)
{
  return og_str_eq(name, OG_STR("key")) || og_str_eq(name, OG_STR("unique")) || og_str_eq(name, OG_STR("index")) ||
         og_str_eq(name, OG_STR("embed")) || og_str_eq(name, OG_STR("rename_from"));
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
  keyed *keys = og_arena_calloc(k->cx, k->scratch, n + 1, sizeof *keys);
  uint32_t m = 0, kept = 0;
  if (!list || !keys) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++) {
    OG_AUTO(og_buf) text = {0};
    if (is_relation(in[i].a.name)) continue;
    OG_TRY(og_ir__annotation_text(k->cx, &in[i].a, &text));
    keys[m].at = i;
    OG_TRY(og_arena_str(k->cx, k->scratch, og_buf_str(&text), &keys[m++].key));
  }
  OG_TRY(og_sort(k->cx, keys, m, sizeof *keys, cmp_str, NULL));
  for (uint32_t i = 0; i < m; i++)
    if (i == 0 || !og_str_eq(keys[i].key, keys[i - 1].key))
      OG_TRY(copy_annotation(k, &in[keys[i].at].a, &list[kept++]));
  *out = list;
  *n_out = kept;
  return OG_OK;
}

static og_status make_hint(og_compiler *k, const og_decl_annotation *list, uint32_t n, og_rename_hint *out)
{
  for (uint32_t i = 0; i < n; i++) {
    if (!og_str_eq(list[i].a.name, OG_STR("rename_from"))) continue;
    out->span = list[i].span;
    return copy_str(k, list[i].a.value, &out->from);
  }
  return OG_OK;
}

static og_status make_embed(og_compiler *k, const og_annotation *a, og_property *out)
{
  OG_TRY(copy_str(k, a->value, &out->embed_source));
  for (uint32_t i = 0; i < a->n_kwargs; i++)
    if (og_str_eq(a->kwargs[2 * (size_t)i], OG_STR("model")))
      OG_TRY(copy_str(k, a->kwargs[2 * (size_t)i + 1], &out->embed_model));
  return OG_OK;
}

static og_status make_property(og_compiler *k, const og_effective_property *e, og_property *out)
{
  const og_decl_property *d = e->decl;
  *out = (og_property){.type = d->type, .direct = e->direct};
  OG_TRY(copy_str(k, d->name, &out->name));
  OG_TRY(copy_sorted(k, d->type.enum_values, d->type.n_enum, &out->type.enum_values));
  OG_TRY(make_annotations(k, d->annotations, d->n_annotations, &out->annotations, &out->n_annotations));
  OG_TRY(make_hint(k, d->annotations, d->n_annotations, &out->hint));
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

/* ---- interfaces */

bool og_prop_type_eq(const og_prop_type *a, const og_prop_type *b)
{
  bool same = a->kind == b->kind && a->dim == b->dim && a->list == b->list && a->nullable == b->nullable &&
              a->n_enum == b->n_enum;
  for (uint32_t i = 0; same && i < a->n_enum; i++) same = og_str_eq(a->enum_values[i], b->enum_values[i]);
  return same;
}

bool og_optional__eq(og_str a, og_str b)
{
  return !a.ptr == !b.ptr && og_str_eq(a, b);
}

bool og_annotation__eq(const og_annotation *a, const og_annotation *b)
{
  bool same = og_str_eq(a->name, b->name) && og_optional__eq(a->value, b->value) && a->n_kwargs == b->n_kwargs;
  for (uint32_t i = 0; same && i < 2 * a->n_kwargs; i++) same = og_str_eq(a->kwargs[i], b->kwargs[i]);
  return same;
}

/* Of two properties in canonical form; what a rename hint says is no part of it. */
static bool same_meaning(const og_property *a, const og_property *b)
{
  bool same = og_prop_type_eq(&a->type, &b->type) && a->key == b->key && a->unique == b->unique &&
              a->index == b->index && og_optional__eq(a->embed_source, b->embed_source) &&
              og_optional__eq(a->embed_model, b->embed_model) && a->n_annotations == b->n_annotations;
  for (uint32_t i = 0; same && i < a->n_annotations; i++)
    same = og_annotation__eq(&a->annotations[i], &b->annotations[i]);
  return same;
}

static og_status meaning_of(og_compiler *k, const og_decl_property *p, const og_property **out)
{
  og_compiler scratch = *k;
  const og_effective_property e = {.decl = p};
  og_property *made = og_arena_calloc(k->cx, k->scratch, 1, sizeof *made);
  if (!made) return OG_ENOMEM;
  scratch.a = k->scratch;
  *out = made;
  return make_property(&scratch, &e, made);
}

static og_status agrees(og_compiler *k, og_effective_property *e, const og_decl_property *p, bool *out)
{
  const og_property *other;
  *out = og_prop_type_eq(&e->decl->type, &p->type);
  if (e->direct || !*out) return OG_OK;
  if (!e->meaning) OG_TRY(meaning_of(k, e->decl, &e->meaning));
  OG_TRY(meaning_of(k, p, &other));
  *out = same_meaning(e->meaning, other);
  return OG_OK;
}

static og_status add_owner(og_compiler *k, og_effective_property *e, og_str owner)
{
  if (e->n_owners == e->owners_cap) {
    uint32_t cap = e->owners_cap ? 2 * e->owners_cap : 2;
    og_str *more = og_arena_calloc(k->cx, k->scratch, cap, sizeof *more);
    if (!more) return OG_ENOMEM;
    if (e->n_owners) memcpy(more, e->owners, e->n_owners * sizeof *more);
    e->owners = more;
    e->owners_cap = cap;
  }
  e->owners[e->n_owners++] = owner;
  return OG_OK;
}

/* A type while its properties come together. */
typedef struct gathering {
  const og_decl *type;
  og_vec list;  /* of og_effective_property */
  og_map names; /* to an index into the list */
} gathering;

static og_status add_effective(og_compiler *k, gathering *g, const og_decl_property *p, bool direct, og_span at,
                               og_effective_property **out)
{
  bool was_new;
  if (g->list.len == OG_LIMIT_COLUMNS)
    return FAIL(k, at, OG_STR_NONE, "'" OG_STR_FMT "' has more than the %d properties a type may have",
                OG_STR_ARG(g->type->name), OG_LIMIT_COLUMNS);
  OG_TRY(og_map_put(k->cx, &g->names, p->name, g->list.len, &was_new));
  *out = og_vec_push(k->cx, &g->list);
  if (!*out) return OG_ENOMEM;
  **out = (og_effective_property){.decl = p, .direct = direct};
  return OG_OK;
}

static og_status take_own_properties(og_compiler *k, gathering *g)
{
  og_effective_property *e;
  for (uint32_t i = 0; i < g->type->n_properties; i++) {
    const og_decl_property *p = &g->type->properties[i];
    if (og_map_get(&g->names, p->name, NULL))
      return FAIL(k, p->span, OG_STR_NONE, "duplicate property '" OG_STR_FMT "' in '" OG_STR_FMT "'",
                  OG_STR_ARG(p->name), OG_STR_ARG(g->type->name));
    OG_TRY(add_effective(k, g, p, true, p->span, &e));
  }
  return OG_OK;
}

static og_status take_interface_property(og_compiler *k, gathering *g, og_span at, const og_decl *iface,
                                         const og_decl_property *p)
{
  og_effective_property *e = NULL;
  uint64_t i;
  bool same = true;
  if (og_map_get(&g->names, p->name, &i)) {
    e = &OG_VEC_AT(&g->list, og_effective_property, i);
    OG_TRY(agrees(k, e, p, &same));
  } else {
    OG_TRY(add_effective(k, g, p, false, at, &e));
  }
  if (same) return add_owner(k, e, iface->name);
  og_str want = OG_STR_NONE;
  OG_TRY(og_prop_type_text(k->cx, k->scratch, &p->type, &want));
  return FAIL(k, e->direct ? e->decl->span : at, OG_STR_NONE,
              "'" OG_STR_FMT "." OG_STR_FMT "' does not agree with interface '" OG_STR_FMT
              "', which declares it as " OG_STR_FMT "%s",
              OG_STR_ARG(g->type->name), OG_STR_ARG(p->name), OG_STR_ARG(iface->name), OG_STR_ARG(want),
              og_prop_type_eq(&e->decl->type, &p->type) ? " with other annotations" : "");
}

typedef struct named_span {
  og_str name; /* first: it is what cmp_str compares */
  og_span span;
} named_span;

/* By name, so that which interface injects does not depend on the order they are listed in. */
static og_status take_interfaces(og_compiler *k, gathering *g)
{
  const og_decl *d = g->type;
  named_span *list = og_arena_calloc(k->cx, k->scratch, d->n_implements + 1, sizeof *list);
  if (!list) return OG_ENOMEM;
  for (uint32_t i = 0; i < d->n_implements; i++) list[i] = (named_span){d->implements[i], d->implements_spans[i]};
  OG_TRY(og_sort(k->cx, list, d->n_implements, sizeof *list, cmp_str, NULL));
  for (uint32_t i = 0; i < d->n_implements; i++) {
    if (i && og_str_eq(list[i].name, list[i - 1].name)) continue;
    const og_decl *iface = find_decl(k, OG_DECL_INTERFACE, list[i].name);
    og_str hint;
    if (!iface) {
      OG_TRY(suggest_decl(k, OG_DECL_INTERFACE, list[i].name, &hint));
      return FAIL(k, list[i].span, hint, "node '" OG_STR_FMT "' implements unknown interface '" OG_STR_FMT "'",
                  OG_STR_ARG(d->name), OG_STR_ARG(list[i].name));
    }
    for (uint32_t p = 0; p < iface->n_properties; p++)
      OG_TRY(take_interface_property(k, g, list[i].span, iface, &iface->properties[p]));
  }
  return OG_OK;
}

static int by_prop_name(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(((const og_effective_property *)a)->decl->name, ((const og_effective_property *)b)->decl->name);
}

static og_status gather(og_compiler *k, gathering *g, og_effective *out)
{
  og_vec *v = &g->list;
  OG_TRY(take_own_properties(k, g));
  if (g->type->kind == OG_DECL_NODE) OG_TRY(take_interfaces(k, g));
  OG_TRY(og_sort(k->cx, v->data, v->len, v->elem, by_prop_name, NULL));
  out->props = og_arena_calloc(k->cx, k->scratch, v->len + 1, v->elem);
  if (!out->props) return OG_ENOMEM;
  if (v->len) memcpy(out->props, v->data, v->len * v->elem);
  out->n = (uint32_t)v->len;
  return OG_OK;
}

static og_status make_effective(og_compiler *k, const og_decl *d, og_effective *out)
{
  gathering g = {.type = d, .list = OG_VEC_INIT(og_effective_property)};
  og_map_init(&g.names, false);
  og_status st = gather(k, &g, out);
  og_map_cleanup(&g.names);
  og_vec_cleanup(&g.list);
  return st;
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

/* The order of bounds is that of the text Rust's {:?} makes of them: as our own spelling, but 1e-5 and up to 1e-4 are
 * in exponent form. */
static og_status bound_key(og_ctx *cx, og_buf *b, const og_bound *v)
{
  char text[OG_F64_TEXT_MAX];
  if (!v->has) return og_buf_append_str(cx, b, OG_STR("None"));
  if (!v->is_float) return og_buf_printf(cx, b, "Some(Integer(%lld))", (long long)v->i);
  og_str s = og_str_from(text, og_f64_format(v->f, text));
  OG_TRY(og_buf_append_str(cx, b, OG_STR("Some(Float(")));
  if (s.ptr[0] == '-') {
    OG_TRY(og_buf_append_byte(cx, b, '-'));
    s = og_str_sub(s, 1, s.len);
  }
  if (!og_str_starts_with(s, OG_STR("0.0000"))) {
    OG_TRY(og_buf_append_str(cx, b, s));
  } else {
    OG_TRY(og_buf_append_byte(cx, b, (uint8_t)s.ptr[6]));
    if (s.len > 7) OG_TRY(og_buf_append_byte(cx, b, '.'));
    OG_TRY(og_buf_append_str(cx, b, og_str_sub(s, 7, s.len)));
    OG_TRY(og_buf_append_str(cx, b, OG_STR("e-5")));
  }
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
  return add_property_constraints(k, t, v);
}

bool og_bound__eq(const og_bound *a, const og_bound *b)
{
  return a->has == b->has && a->is_float == b->is_float && a->i == b->i && a->f == b->f; /* both zeros are one */
}

/* Of two whose keys are neighbours. */
static bool same_constraint(const og_constraint *a, const og_constraint *b)
{
  bool same = a->kind == b->kind && a->n == b->n && og_bound__eq(&a->min, &b->min) && og_bound__eq(&a->max, &b->max) &&
              og_str_eq(a->pattern, b->pattern);
  for (uint32_t i = 0; same && i < a->n; i++) same = og_str_eq(a->names[i], b->names[i]);
  return same;
}

static og_status put_in_order(og_compiler *k, const og_vec *v, og_type_def *t)
{
  og_constraint *list = og_arena_calloc(k->cx, k->a, v->len + 1, sizeof *list);
  keyed *keys = og_arena_calloc(k->cx, k->scratch, v->len + 1, sizeof *keys);
  if (!list || !keys) return OG_ENOMEM;
  for (uint32_t i = 0; i < v->len; i++) {
    OG_AUTO(og_buf) text = {0};
    OG_TRY(constraint_key(k->cx, &OG_VEC_AT(v, og_constraint, i), &text));
    keys[i].at = i;
    OG_TRY(og_arena_str(k->cx, k->scratch, og_buf_str(&text), &keys[i].key));
  }
  OG_TRY(og_sort(k->cx, keys, v->len, sizeof *keys, cmp_str, NULL));
  for (size_t i = 0; i < v->len; i++) {
    const og_constraint *c = &OG_VEC_AT(v, og_constraint, keys[i].at);
    if (t->n_constraints && same_constraint(&list[t->n_constraints - 1], c)) continue;
    list[t->n_constraints++] = *c;
    if (c->kind == OG_CON_KEY) t->key_fields = &list[t->n_constraints - 1];
  }
  t->constraints = list;
  return OG_OK;
}

static og_status make_constraints(og_compiler *k, const og_decl *d, og_type_def *t)
{
  og_vec v = OG_VEC_INIT(og_constraint);
  og_status st = gather_constraints(k, d, t, &v);
  if (st == OG_OK) st = put_in_order(k, &v, t);
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
  OG_TRY(make_hint(k, d->annotations, d->n_annotations, &t->hint));
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

static void link_edges(og_compiler *k)
{
  const og_catalog *c = k->catalog;
  for (uint32_t i = 0; i < k->file->n; i++) {
    const og_decl *d = &k->file->decls[i];
    if (d->kind != OG_DECL_EDGE) continue;
    og_type_def *e = (og_type_def *)(uintptr_t)og_catalog_edge_exact(c, d->name);
    e->from = (uint32_t)(og_catalog_node(c, d->from) - c->nodes);
    e->to = (uint32_t)(og_catalog_node(c, d->to) - c->nodes);
  }
}

static og_status compile_decls(og_compiler *k)
{
  OG_TRY(check_names(k));
  k->effective = og_arena_calloc(k->cx, k->scratch, k->file->n + 1, sizeof *k->effective);
  if (!k->effective) return OG_ENOMEM;
  for (uint32_t i = 0; i < k->file->n; i++) {
    const og_decl *d = &k->file->decls[i];
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

static og_status compile_text(og_compiler *k, og_str source, og_str file_name, og_decl_file *file)
{
  k->file = file;
  OG_TRY(og_arena_str(k->cx, k->a, source, &k->catalog->source));
  OG_TRY(og_schema__parse(k->cx, k->scratch, source, file_name, file));
  return compile_decls(k);
}

og_status og_schema__compile(og_ctx *cx, og_str source, og_str file_name, og_catalog **out)
{
  og_catalog *c = og_zalloc(cx, sizeof *c);
  if (!c) return OG_ENOMEM;
  atomic_init(&c->refs, 1);
  OG_AUTO(og_arena) scratch = {0};
  og_decl_file file;
  og_compiler k = {.cx = cx, .a = &c->arena, .scratch = &scratch, .catalog = c};
  for (size_t i = 0; i < OG_ARRAY_LEN(k.names); i++) og_map_init(&k.names[i], false);
  og_status st = compile_text(&k, source, file_name, &file);
  for (size_t i = 0; i < OG_ARRAY_LEN(k.names); i++) og_map_cleanup(&k.names[i]);
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
  OG_TRY(og_schema__compile(cx, source, file_name, &c));
  c->domain = *domain;
  c->next_id = 1;
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
