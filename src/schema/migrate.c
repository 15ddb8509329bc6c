/* SPDX-License-Identifier: MIT */
/* schema/migrate.c -- what changes between two schemas, as steps in a fixed order.
 *
 *  (1) Identity first: migrate_match.c says which declaration is which; from then on only numbers are compared.  So an
 *      edge follows its renamed endpoint, and a constraint its renamed members, without a step.
 *  (2) Order: interfaces, nodes, edges; within a kind the types by name, and behind them those that are dropped. Within
 *      a type: its rename, what it implements, connects and allows, its metadata, its properties by name (rename, form,
 *      type, metadata), the properties that are dropped, its constraints.
 *  (3) What would need data to be looked at or written (a required property, another type, a new @unique) is
 *      unsupported, as is what would loosen what others rely on.  Everything else leaves the rows where they are.
 *  (4) No step means that both schemas say the same of every entity; sources may still differ in comments and order.
 */
#include "base/vec.h"
#include "schema/migrate_impl.h"

const char *og_type_kind_name(og_type_kind kind)
{
  static const char *const names[] = {"interface", "node", "edge"};
  return names[kind];
}

const char *og_step_kind_name(og_step_kind kind)
{
  static const char *const names[] = {
      "add_type",      "rename_type",    "add_property",         "rename_property",
      "extend_enum",   "add_constraint", "update_type_metadata", "update_property_metadata",
      "drop_property", "drop_type",      "unsupported_change"};
  return names[kind];
}

/* ---- by identity */

og_type_list og_catalog_types(const og_catalog *c, og_type_kind kind)
{
  switch (kind) {
  case OG_KIND_INTERFACE: return (og_type_list){c->interfaces, c->n_interfaces};
  case OG_KIND_NODE: return (og_type_list){c->nodes, c->n_nodes};
  default: return (og_type_list){c->edges, c->n_edges};
  }
}

static og_status index_ids(og_ctx *cx, const og_catalog *c, og_umap *ids)
{
  for (og_type_kind kind = OG_KIND_INTERFACE; kind <= OG_KIND_EDGE; kind++) {
    const og_type_list list = og_catalog_types(c, kind);
    for (uint32_t i = 0; i < list.n; i++) {
      const og_type_def *t = &list.types[i];
      OG_TRY(og_umap_put(cx, ids, t->id, (uintptr_t)t, NULL));
      for (uint32_t p = 0; p < t->n_properties; p++)
        OG_TRY(og_umap_put(cx, ids, t->properties[p].id, (uintptr_t)&t->properties[p], NULL));
    }
  }
  return OG_OK;
}

/* ---- steps */

typedef struct planner {
  og_ctx *cx;
  og_arena *a;
  const og_catalog *accepted, *planned;
  const og_umap *was_ids, *will_ids;
  bool hard;
  og_type_kind kind;
  const og_type_def *was, *will; /* the type at hand */
  og_vec steps;
} planner;

static og_step *push(planner *p, og_step_kind kind, const og_type_def *t, const og_property *property)
{
  og_step *s = og_vec_push(p->cx, &p->steps);
  if (!s) return NULL;
  *s = (og_step){.kind = kind, .type_kind = p->kind, .type = t->name};
  if (property) s->property = property->name;
  return s;
}

static og_status unsupported(planner *p, const og_type_def *t, const og_property *property, const char *code,
                             const char *fmt, ...) OG_PRINTF(5, 6);
static og_status unsupported(planner *p, const og_type_def *t, const og_property *property, const char *code,
                             const char *fmt, ...)
{
  char text[400];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  og_step *s = push(p, OG_STEP_UNSUPPORTED, t, property);
  if (!s) return OG_ENOMEM;
  s->code = code;
  return og_arena_str(p->cx, p->a, og_str_of(text), &s->reason);
}

/* ---- annotations */

static bool is_metadata(const og_annotation *a)
{
  return og_str_eq(a->name, OG_STR("description")) || og_str_eq(a->name, OG_STR("instruction"));
}

/* The same annotations, of those that are metadata, or of those that are not? */
static bool same_annotations(const og_annotation *a, uint32_t na, const og_annotation *b, uint32_t nb, bool metadata)
{
  uint32_t i = 0, k = 0;
  for (;;) { /* both are in the same order */
    while (i < na && is_metadata(&a[i]) != metadata) i++;
    while (k < nb && is_metadata(&b[k]) != metadata) k++;
    if (i == na || k == nb) return i == na && k == nb;
    if (!og_annotation__eq(&a[i++], &b[k++])) return false;
  }
}

static og_status type_annotations(planner *p)
{
  const og_type_def *was = p->was, *will = p->will;
  if (!same_annotations(was->annotations, was->n_annotations, will->annotations, will->n_annotations, true)) {
    og_step *s = push(p, OG_STEP_UPDATE_TYPE_METADATA, will, NULL);
    if (!s) return OG_ENOMEM;
    s->metadata = will->annotations;
    s->n_metadata = will->n_annotations;
  }
  if (same_annotations(was->annotations, was->n_annotations, will->annotations, will->n_annotations, false))
    return OG_OK;
  return unsupported(p, will, NULL, NULL, "only @description and @instruction may change on a type that exists");
}

static og_status property_annotations(planner *p, const og_property *was, const og_property *will)
{
  if (!same_annotations(was->annotations, was->n_annotations, will->annotations, will->n_annotations, true)) {
    og_step *s = push(p, OG_STEP_UPDATE_PROPERTY_METADATA, p->will, will);
    if (!s) return OG_ENOMEM;
    s->definition = will;
    s->metadata = will->annotations;
    s->n_metadata = will->n_annotations;
  }
  if (same_annotations(was->annotations, was->n_annotations, will->annotations, will->n_annotations, false))
    return OG_OK;
  return unsupported(p, p->will, will, NULL, "only @description may change on a property that exists");
}

/* ---- properties */

static og_status text_of(planner *p, const og_prop_type *t, og_str *out)
{
  return og_prop_type_text(p->cx, p->a, t, out);
}

static bool has_value(const og_prop_type *t, og_str value)
{
  for (uint32_t i = 0; i < t->n_enum; i++)
    if (og_str_eq(t->enum_values[i], value)) return true;
  return false;
}

/* Are both enums of the same form, and the second has all values of the first? */
static bool is_wider_enum(const og_prop_type *was, const og_prop_type *will)
{
  bool wider = was->n_enum && will->n_enum && was->kind == will->kind && was->list == will->list &&
               was->nullable == will->nullable;
  for (uint32_t i = 0; wider && i < was->n_enum; i++) wider = has_value(will, was->enum_values[i]);
  return wider;
}

static og_status extend_enum(planner *p, const og_property *was, const og_property *will)
{
  og_step *s = push(p, OG_STEP_EXTEND_ENUM, p->will, will);
  og_str *added = og_arena_calloc(p->cx, p->a, will->type.n_enum + 1, sizeof *added);
  if (!s || !added) return OG_ENOMEM;
  for (uint32_t i = 0; i < will->type.n_enum; i++)
    if (!has_value(&was->type, will->type.enum_values[i])) added[s->n_added++] = will->type.enum_values[i];
  s->added = added;
  s->definition = will;
  return OG_OK;
}

static og_status property_type(planner *p, const og_property *was, const og_property *will)
{
  og_str from, to;
  if (og_prop_type_eq(&was->type, &will->type)) return OG_OK;
  if (is_wider_enum(&was->type, &will->type)) return extend_enum(p, was, will);
  OG_TRY(text_of(p, &was->type, &from));
  OG_TRY(text_of(p, &will->type, &to));
  return unsupported(p, p->will, will, "OG-MF-106",
                     "the type of a property cannot change (from " OG_STR_FMT " to " OG_STR_FMT
                     "): add another property, copy the values, and drop this one",
                     OG_STR_ARG(from), OG_STR_ARG(to));
}

static uint64_t id_of(const og_type_def *t, og_str name)
{
  const int32_t at = name.ptr ? og_type_property(t, name) : -1;
  return at < 0 ? 0 : t->properties[at].id;
}

static og_status property_form(planner *p, const og_property *was, const og_property *will)
{
  if (was->direct != will->direct)
    OG_TRY(unsupported(p, p->will, will, NULL,
                       "a property cannot change between declared here and taken from an "
                       "interface"));
  if (id_of(p->was, was->embed_source) != id_of(p->will, will->embed_source) ||
      !og_optional__eq(was->embed_model, will->embed_model))
    OG_TRY(unsupported(p, p->will, will, NULL, "@embed cannot change on a property that exists"));
  return OG_OK;
}

static og_status kept_property(planner *p, const og_property *was, const og_property *will)
{
  if (!og_str_eq(was->name, will->name)) {
    og_step *s = push(p, OG_STEP_RENAME_PROPERTY, p->will, will);
    if (!s) return OG_ENOMEM;
    s->from = was->name;
  }
  OG_TRY(property_form(p, was, will));
  OG_TRY(property_type(p, was, will));
  return property_annotations(p, was, will);
}

static og_status new_property(planner *p, const og_property *will)
{
  og_str text;
  if (will->type.nullable) {
    og_step *s = push(p, OG_STEP_ADD_PROPERTY, p->will, will);
    if (!s) return OG_ENOMEM;
    s->definition = will;
    return OG_OK;
  }
  OG_TRY(text_of(p, &will->type, &text));
  return unsupported(p, p->will, will, "OG-MF-103",
                     "a new property must be nullable (" OG_STR_FMT "?), for there may be entities without a value",
                     OG_STR_ARG(text));
}

static og_status properties(planner *p)
{
  for (uint32_t i = 0; i < p->will->n_properties; i++) {
    const og_property *will = &p->will->properties[i], *was = og_ids_property(p->was_ids, will->id);
    OG_TRY(was ? kept_property(p, was, will) : new_property(p, will));
  }
  for (uint32_t i = 0; i < p->was->n_properties; i++) {
    if (og_ids_property(p->will_ids, p->was->properties[i].id)) continue;
    og_step *s = push(p, OG_STEP_DROP_PROPERTY, p->will, &p->was->properties[i]);
    if (!s) return OG_ENOMEM;
    s->hard = p->hard;
  }
  return OG_OK;
}

/* ---- constraints */

static og_status constraint_text(planner *p, const og_constraint *c, og_str *out)
{
  static const char *const words[] = {"key", "unique", "index", "range", "check"};
  OG_AUTO(og_buf) b = {0};
  OG_TRY(og_buf_printf(p->cx, &b, "@%s(", words[c->kind]));
  for (uint32_t i = 0; i < c->n; i++)
    OG_TRY(og_buf_printf(p->cx, &b, "%s" OG_STR_FMT, i ? ", " : "", OG_STR_ARG(c->names[i])));
  OG_TRY(og_buf_append_str(p->cx, &b, c->kind >= OG_CON_RANGE ? OG_STR(", …)") : OG_STR(")")));
  return og_arena_str(p->cx, p->a, og_buf_str(&b), out);
}

static int by_number(const void *a, const void *b, void *arg)
{
  (void)arg;
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static og_status put_bound(og_ctx *cx, og_buf *key, const og_bound *b)
{
  uint64_t bits = 0;
  const double f = b->f + 0.0; /* both zeros are one */
  memcpy(&bits, &f, sizeof bits);
  OG_TRY(og_buf_append_byte(cx, key, (uint8_t)((b->has ? 1 : 0) + (b->is_float ? 2 : 0))));
  OG_TRY(og_buf_put_u64(cx, key, (uint64_t)b->i));
  return og_buf_put_u64(cx, key, bits);
}

/* What a constraint is, whatever its members are called. */
static og_status constraint_key(planner *p, const og_type_def *t, const og_constraint *c, og_buf *key)
{
  OG_AUTO(og_arena) scratch = {0};
  uint64_t *ids = og_arena_calloc(p->cx, &scratch, (size_t)c->n + 1, sizeof *ids);
  if (!ids) return OG_ENOMEM;
  for (uint32_t i = 0; i < c->n; i++) /* the ends of an edge and its id are no numbers of the counter */
    ids[i] = c->fields[i] >= 0 ? t->properties[c->fields[i]].id : UINT64_MAX - (uint64_t)(-c->fields[i]);
  OG_TRY(og_sort(p->cx, ids, c->n, sizeof *ids, by_number, NULL));
  og_buf_clear(key);
  OG_TRY(og_buf_append_byte(p->cx, key, (uint8_t)c->kind));
  OG_TRY(og_buf_put_u32(p->cx, key, c->n));
  OG_TRY(og_buf_append(p->cx, key, ids, c->n * sizeof *ids));
  OG_TRY(put_bound(p->cx, key, &c->min));
  OG_TRY(put_bound(p->cx, key, &c->max));
  return og_buf_append_str(p->cx, key, c->pattern);
}

static og_status new_constraint(planner *p, const og_constraint *c)
{
  og_str text;
  if (c->kind == OG_CON_INDEX) {
    og_step *s = push(p, OG_STEP_ADD_CONSTRAINT, p->will, NULL);
    if (!s) return OG_ENOMEM;
    s->constraint = c;
    return OG_OK;
  }
  OG_TRY(constraint_text(p, c, &text));
  return unsupported(p, p->will, NULL, NULL, "adding " OG_STR_FMT " to a type that exists is not supported",
                     OG_STR_ARG(text));
}

static og_status removed_constraint(planner *p, const og_constraint *c)
{
  og_str text;
  OG_TRY(constraint_text(p, c, &text));
  return unsupported(p, p->will, NULL, NULL, "removing " OG_STR_FMT " is not supported", OG_STR_ARG(text));
}

/* A step for every constraint of `t` that `other` has not. */
static og_status compare_constraints(planner *p, const og_type_def *t, const og_type_def *other, og_map *there,
                                     og_status (*step)(planner *, const og_constraint *))
{
  OG_AUTO(og_buf) key = {0};
  for (uint32_t i = 0; i < other->n_constraints; i++) {
    OG_TRY(constraint_key(p, other, &other->constraints[i], &key));
    OG_TRY(og_map_put(p->cx, there, og_buf_str(&key), 1, NULL));
  }
  for (uint32_t i = 0; i < t->n_constraints; i++) {
    OG_TRY(constraint_key(p, t, &t->constraints[i], &key));
    if (!og_map_get(there, og_buf_str(&key), NULL)) OG_TRY(step(p, &t->constraints[i]));
  }
  return OG_OK;
}

static og_status constraints(planner *p)
{
  og_map there;
  og_map_init(&there, true);
  og_status st = compare_constraints(p, p->will, p->was, &there, new_constraint);
  og_map_clear(&there);
  if (st == OG_OK) st = compare_constraints(p, p->was, p->will, &there, removed_constraint);
  og_map_cleanup(&there);
  return st;
}

/* ---- types */

static bool same_implements(const og_type_def *a, const og_type_def *b)
{
  bool same = a->n_implements == b->n_implements;
  for (uint32_t i = 0; same && i < a->n_implements; i++) same = a->implements[i].id == b->implements[i].id;
  return same;
}

static og_status type_form(planner *p)
{
  const og_type_def *was = p->was, *will = p->will;
  if (!same_implements(was, will))
    OG_TRY(unsupported(p, will, NULL, NULL, "which interfaces a type implements cannot change"));
  if (!was->is_edge) return OG_OK;
  if (og_edge_from(p->accepted, was)->id != og_edge_from(p->planned, will)->id ||
      og_edge_to(p->accepted, was)->id != og_edge_to(p->planned, will)->id)
    OG_TRY(unsupported(p, will, NULL, NULL, "the endpoints of an edge type cannot change"));
  if (was->card_min != will->card_min || was->has_card_max != will->has_card_max || was->card_max != will->card_max)
    OG_TRY(unsupported(p, will, NULL, NULL, "the cardinality of an edge type cannot change"));
  return OG_OK;
}

static og_status kept_type(planner *p)
{
  if (!og_str_eq(p->was->name, p->will->name)) {
    og_step *s = push(p, OG_STEP_RENAME_TYPE, p->will, NULL);
    if (!s) return OG_ENOMEM;
    s->from = p->was->name;
  }
  OG_TRY(type_form(p));
  OG_TRY(type_annotations(p));
  OG_TRY(properties(p));
  return constraints(p);
}

static og_status dropped_type(planner *p, const og_type_def *was)
{
  if (p->kind == OG_KIND_INTERFACE) return unsupported(p, was, NULL, NULL, "an interface cannot be removed or renamed");
  og_step *s = push(p, OG_STEP_DROP_TYPE, was, NULL);
  if (!s) return OG_ENOMEM;
  s->hard = p->hard;
  return OG_OK;
}

static og_status plan_kind(planner *p)
{
  const og_type_list was = og_catalog_types(p->accepted, p->kind), will = og_catalog_types(p->planned, p->kind);
  for (uint32_t i = 0; i < will.n; i++) {
    p->will = &will.types[i];
    p->was = og_ids_type(p->was_ids, p->will->id);
    if (p->was)
      OG_TRY(kept_type(p));
    else if (!push(p, OG_STEP_ADD_TYPE, p->will, NULL))
      return OG_ENOMEM;
  }
  for (uint32_t i = 0; i < was.n; i++)
    if (!og_ids_type(p->will_ids, was.types[i].id)) OG_TRY(dropped_type(p, &was.types[i]));
  return OG_OK;
}

static og_status plan_all(planner *p, og_migration *out)
{
  for (p->kind = OG_KIND_INTERFACE; p->kind <= OG_KIND_EDGE; p->kind++) OG_TRY(plan_kind(p));
  og_step *steps = og_arena_calloc(p->cx, p->a, p->steps.len + 1, sizeof *steps);
  if (!steps) return OG_ENOMEM;
  if (p->steps.len) memcpy(steps, p->steps.data, p->steps.len * sizeof *steps);
  out->steps = steps;
  out->n_steps = (uint32_t)p->steps.len;
  out->supported = true;
  for (uint32_t i = 0; i < out->n_steps; i++) out->supported = out->supported && steps[i].kind != OG_STEP_UNSUPPORTED;
  return OG_OK;
}

static og_status match(og_ctx *cx, og_migration *out, og_str source, og_str file_name)
{
  og_matcher m = {
      .cx = cx, .source = {source, file_name}, .accepted = out->accepted, .planned = out->planned, .was = &out->was};
  og_umap_init(&m.claimed);
  og_status st = og_migrate__match(&m);
  og_map_cleanup(&m.claimed);
  return st;
}

static og_status migrate(og_ctx *cx, og_migration *out, og_str source, og_str file_name, bool hard, uint64_t skip)
{
  OG_TRY(og_schema__compile(cx, source, file_name, &out->planned));
  OG_TRY(index_ids(cx, out->accepted, &out->was));
  OG_TRY(match(cx, out, source, file_name));
  out->planned->domain = out->accepted->domain;
  out->planned->next_id = out->accepted->next_id;
  OG_TRY(og_identity__assign(cx, out->planned, skip));
  OG_TRY(index_ids(cx, out->planned, &out->will));
  planner p = {.cx = cx,
               .a = &out->arena,
               .accepted = out->accepted,
               .planned = out->planned,
               .was_ids = &out->was,
               .will_ids = &out->will,
               .hard = hard,
               .steps = OG_VEC_INIT(og_step)};
  og_status st = plan_all(&p, out);
  og_vec_cleanup(&p.steps);
  return st;
}

og_status og_schema_migrate(og_ctx *cx, og_catalog *accepted, og_str source, og_str file_name, bool hard,
                            uint64_t incarnation_skip, og_migration *out)
{
  *out = (og_migration){.accepted = og_catalog_ref(accepted)};
  og_umap_init(&out->was);
  og_umap_init(&out->will);
  og_status st = migrate(cx, out, source, file_name, hard, incarnation_skip);
  if (st != OG_OK) og_migration_cleanup(out);
  return st;
}

og_status og_schema_pair(og_ctx *cx, og_catalog *accepted, og_catalog *planned, og_migration *out)
{
  *out = (og_migration){.accepted = og_catalog_ref(accepted), .planned = og_catalog_ref(planned), .supported = true};
  og_umap_init(&out->was);
  og_umap_init(&out->will);
  og_status st = index_ids(cx, accepted, &out->was);
  if (st == OG_OK) st = index_ids(cx, planned, &out->will);
  if (st != OG_OK) og_migration_cleanup(out);
  return st;
}

void og_migration_cleanup(og_migration *m)
{
  og_catalog_unref(m->accepted);
  og_catalog_unref(m->planned);
  og_map_cleanup(&m->was);
  og_map_cleanup(&m->will);
  og_arena_cleanup(&m->arena);
  *m = (og_migration){0};
}
