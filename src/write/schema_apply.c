/* SPDX-License-Identifier: MIT */
/* write/schema_apply.c -- another schema is accepted, with one commit.
 *
 *      plan on a snapshot --> make the new tables --> alter the tables that change --> publish, with the schema row
 *        ^                                                                               |
 *        +----------------------- the schema moved, or an incarnation was taken ---------+
 *
 *  (1) The plan compares identities (schema/migrate.c); here tables are compared with it by identity, too, so the steps
 *      are for people and nothing is done by their names.
 *  (2) No row is read or written: fields of a table keep their ids when they are renamed and dropped, new ones are null
 *      because no file has them.  What only the catalog knows (wider enums, indexes, descriptions, the name of a type)
 *      touches no table at all.
 *  (3) So nothing that writers of data did meanwhile is a conflict: their version is altered instead.  They, in turn,
 *      see that the schema moved and run again on the new catalog.  Only another schema change makes this one run
 * again. (4) A new table claims its folder (graph/create.c); an incarnation that is taken is skipped for ever.
 */
#include "write/write.h"

#include "base/limits.h"
#include "base/vec.h"
#include "graph/bind.h"

#include <stdio.h>

typedef struct applier {
  const og_schema_apply *args;
  og_snapshot *snapshot;
  og_migration *plan;
  const og_snapshot *adopted; /* the state the schema is taken from, or NULL */
  og_ulid attempt;
  char attempt_text[OG_ULID_LEN + 1], uuid_text[OG_ULID_LEN + 16];
  og_vec changes; /* og_table_change */
  og_vec created; /* og_table_version */
  og_vec erased;  /* og_table_identity */
} applier;

/* ---- tables that change */

static og_status alter(og_ctx *cx, const og_binding *b, og_lance_change *c)
{
  for (size_t i = 0; i < b->n_dropped; i++) OG_TRY(og_lance_change_drop_column(cx, c, b->dropped[i]));
  for (size_t i = 0; i < b->n_renamed; i++)
    OG_TRY(og_lance_change_rename_column(cx, c, b->renamed[i].column, b->renamed[i].name));
  OG_TRY(og_lance_change_sort_columns(cx, c, b->fixed));
  if (b->added) OG_TRY(og_lance_change_add_columns(cx, c, b->added));
  return og_lance_change_finish(cx, c);
}

static og_status add_change(og_ctx *cx, applier *ap, og_str key, const og_lance_place *at, og_lance_table *table,
                            const og_binding *b)
{
  const og_lance_change_opts opts = {.op = b->added ? OG_LANCE_MERGE : OG_LANCE_PROJECT,
                                     .attempt = og_str_of(ap->attempt_text),
                                     .tx_uuid = og_str_of(ap->uuid_text)};
  og_table_change *change = og_vec_push(cx, &ap->changes);
  if (!change) return OG_ENOMEM;
  change->key = key;
  OG_TRY(og_lance_change_new(cx, at, table, &opts, &change->change));
  return alter(cx, b, change->change);
}

static og_status change_table(og_ctx *cx, applier *ap, const og_type_def *was, const og_type_def *will)
{
  og_lance_table *table;
  og_lance_place at;
  og_binding b;
  OG_TRY(og_snapshot_write_place(cx, ap->snapshot, was->key, &at));
  OG_TRY(og_snapshot_table(cx, ap->snapshot, was->key, &table));
  og_status st = og_bind(cx, was, will, table, &b);
  if (st == OG_OK && !b.same) st = add_change(cx, ap, was->key, &at, table, &b);
  if (st == OG_OK && b.n_dropped && ap->args->allow_data_loss) {
    const og_table_identity id = {was->id, was->incarnation};
    st = og_vec_add(cx, &ap->erased, &id);
  }
  og_binding_cleanup(&b);
  og_lance_table_unref(table);
  return st == OG_OK ? OG_OK : og_note(cx, st, "while changing '" OG_STR_FMT "'", OG_STR_ARG(was->key));
}

static og_status change_kind(og_ctx *cx, applier *ap, og_type_kind kind)
{
  const og_type_list was = og_catalog_types(ap->plan->accepted, kind);
  for (uint32_t i = 0; i < was.n; i++) {
    const og_type_def *will = og_ids_type(&ap->plan->will, was.types[i].id);
    if (will) {
      OG_TRY(change_table(cx, ap, &was.types[i], will));
    } else if (ap->args->allow_data_loss) {
      const og_table_identity id = {was.types[i].id, was.types[i].incarnation};
      OG_TRY(og_vec_add(cx, &ap->erased, &id));
    }
  }
  return OG_OK;
}

/* ---- publishing */

/* Rows that came, went or changed are altered with the others. */
static og_status no_conflict(og_ctx *cx, void *arg, og_str key, og_lance_table *was, og_lance_table *now,
                             bool *conflict)
{
  (void)cx;
  (void)arg;
  (void)key;
  *conflict = !was || !now;
  return OG_OK;
}

static og_status publish(og_ctx *cx, applier *ap, bool *again, og_commit *out)
{
  og_publish_outcome outcome;
  const og_schema_change change = {
      .catalog = ap->plan->planned, .adopted = ap->adopted, .created = ap->created.data, .n_created = ap->created.len};
  og_publication p = {.base = ap->snapshot,
                      .tables = ap->changes.data,
                      .n_tables = ap->changes.len,
                      .conflict = no_conflict,
                      .schema = &change,
                      .erased = ap->erased.data,
                      .n_erased = ap->erased.len,
                      .attempt = ap->attempt,
                      .actor = ap->args->actor.len ? ap->args->actor : OG_STR_NONE};
  OG_TRY(og_graph_attempt(cx, ap->snapshot->graph, ap->snapshot, &p.commit));
  OG_TRY(og_graph_publish(cx, ap->snapshot->graph, &p, &outcome, out));
  *again = outcome == OG_PUBLISH_RERUN;
  return OG_OK;
}

static og_status first_refusal(og_ctx *cx, const og_migration *plan)
{
  const og_step *s = plan->steps;
  og_str text;
  while (s->kind != OG_STEP_UNSUPPORTED) s++;
  OG_TRY(og_step_text(cx, cx->arena, s, &text));
  return og_fail(cx, OG_EINVALID, "the schema was not changed: " OG_STR_FMT, OG_STR_ARG(text));
}

static og_status new_attempt(og_ctx *cx, applier *ap)
{
  OG_TRY(og_graph_attempt(cx, ap->snapshot->graph, ap->snapshot, &ap->attempt));
  og_ulid_format(&ap->attempt, ap->attempt_text);
  ap->attempt_text[OG_ULID_LEN] = '\0';
  snprintf(ap->uuid_text, sizeof ap->uuid_text, "omnigraph-%s", ap->attempt_text);
  return OG_OK;
}

/* Prepares and publishes what is planned.  *taken: an incarnation was. */
static og_status carry_out(og_ctx *cx, applier *ap, bool *taken, bool *again, og_commit *out)
{
  OG_TRY(new_attempt(cx, ap));
  OG_TRY(og_graph_create_tables(cx, ap->snapshot, ap->plan->planned, &ap->attempt, &ap->created, taken));
  if (*taken) return OG_OK;
  OG_TRY(change_kind(cx, ap, OG_KIND_NODE));
  OG_TRY(change_kind(cx, ap, OG_KIND_EDGE));
  return publish(cx, ap, again, out);
}

static void applier_cleanup(og_ctx *cx, applier *ap)
{
  for (size_t i = 0; i < ap->changes.len; i++)
    og_lance_change_free(cx, OG_VEC_AT(&ap->changes, og_table_change, i).change);
  og_vec_cleanup(&ap->changes);
  og_vec_cleanup(&ap->created);
  og_vec_cleanup(&ap->erased);
  og_snapshot_unref(ap->snapshot);
}

/* One try.  *done: it stands, or nothing was to be done; else try again, leaving *skip incarnations out. */
static og_status apply_once(og_ctx *cx, og_graph *g, const og_schema_apply *args, uint64_t *skip, bool *done,
                            og_schema_applied *out)
{
  applier ap = {.args = args,
                .plan = &out->plan,
                .changes = OG_VEC_INIT(og_table_change),
                .created = OG_VEC_INIT(og_table_version),
                .erased = OG_VEC_INIT(og_table_identity)};
  bool taken = false, again = false;
  OG_TRY(og_graph_snapshot(cx, g, OG_STR(""), &ap.snapshot));
  og_status st = og_schema_migrate(cx, ap.snapshot->catalog, args->source, args->source_name, args->allow_data_loss,
                                   *skip, &out->plan);
  if (st == OG_OK && !out->plan.supported) st = first_refusal(cx, &out->plan);
  if (st == OG_OK && out->plan.n_steps) st = carry_out(cx, &ap, &taken, &again, &out->commit);
  *done = !taken && !again;
  if (taken) *skip += ap.created.len;
  out->applied = st == OG_OK && *done && out->plan.n_steps;
  applier_cleanup(cx, &ap);
  if (st != OG_OK || !*done) og_migration_cleanup(&out->plan);
  return st;
}

og_status og_write_schema_apply(og_ctx *cx, og_graph *g, const og_schema_apply *args, og_schema_applied *out)
{
  uint64_t skip = 0;
  *out = (og_schema_applied){0};
  for (unsigned i = 0; i < OG_LIMIT_REEXECUTIONS; i++) {
    bool done = false;
    OG_TRY(apply_once(cx, g, args, &skip, &done, out));
    if (!done) continue;
    /* The change stands, whatever becomes of this: an optimize does what is left to do. */
    if (out->applied && args->allow_data_loss && og_write_shed(cx, g, args->actor) != OG_OK) og_error_clear(cx);
    return OG_OK;
  }
  return og_fail(cx, OG_ECONFLICT, "the schema change lost against other ones %d times; try again when it is quieter",
                 OG_LIMIT_REEXECUTIONS);
}

/* ---- a branch takes the schema of another state */

/* The type may have been changed there since its table was made: then the commit that registers it alters it, too. */
static og_status alter_begun(og_ctx *cx, applier *ap, const og_type_def *t, const og_lance_place *from,
                             og_lance_table *table)
{
  const og_lance_place at = {from->store, from->root, ap->snapshot->branch};
  og_binding b;
  OG_TRY(og_bind(cx, t, t, table, &b));
  og_status st = OG_OK;
  if (!b.same) {
    st = add_change(cx, ap, t->key, &at, table, &b);
    if (st == OG_OK) OG_VEC_AT(&ap->changes, og_table_change, ap->changes.len - 1).begun = true;
  }
  og_binding_cleanup(&b);
  return st;
}

/* Tables of types that are new here begin as they began there: empty, at the version that claimed their folder, which
 * cleanup keeps for it as long as a state shows the table. */
static og_status begin_table(og_ctx *cx, applier *ap, const og_type_def *t)
{
  og_lance_place at = {.store = og_graph_store(ap->snapshot->graph)};
  og_lance_table *table;
  if (og_fold_table(ap->snapshot->fold, t->id, t->incarnation)) return OG_OK;
  og_table_version *v = og_vec_push(cx, &ap->created);
  if (!v) return OG_ENOMEM;
  *v = (og_table_version){.key = t->key, .table_id = t->id, .incarnation = t->incarnation, .version = 1};
  OG_TRY(og_table_path(cx, cx->arena, t->key, t->id, t->incarnation, &at.root));
  OG_TRY(og_lance_manifest_key(cx, &at, 1, &v->meta.manifest_path));
  OG_TRY_NOTE(cx, og_lance_table_open(cx, &at, 1, OG_STR_NONE, &table), "while taking over '" OG_STR_FMT "'",
              OG_STR_ARG(t->key));
  og_status st = og_arena_str(cx, cx->arena, og_lance_table_uuid(table), &v->meta.uuid);
  if (st == OG_OK && og_lance_table_rows(table) > 0)
    st = og_fail(cx, OG_EUNSUPPORTED, "table '" OG_STR_FMT "' was not made empty, so a branch cannot begin with it",
                 OG_STR_ARG(t->key));
  if (st == OG_OK) st = alter_begun(cx, ap, t, &at, table);
  og_lance_table_unref(table);
  return st;
}

static og_status adopt(og_ctx *cx, applier *ap, bool *again)
{
  const og_catalog *c = ap->plan->planned;
  og_commit commit;
  OG_TRY(new_attempt(cx, ap));
  for (uint32_t i = 0; i < c->n_nodes; i++) OG_TRY(begin_table(cx, ap, &c->nodes[i]));
  for (uint32_t i = 0; i < c->n_edges; i++) OG_TRY(begin_table(cx, ap, &c->edges[i]));
  OG_TRY(change_kind(cx, ap, OG_KIND_NODE));
  OG_TRY(change_kind(cx, ap, OG_KIND_EDGE));
  return publish(cx, ap, again, &commit);
}

og_status og_write_schema_adopt(og_ctx *cx, og_graph *g, og_str branch, og_snapshot *from, og_str actor)
{
  const og_schema_apply args = {.actor = actor};
  bool again = false;
  og_migration plan = {0};
  applier ap = {.args = &args,
                .plan = &plan,
                .adopted = from,
                .changes = OG_VEC_INIT(og_table_change),
                .created = OG_VEC_INIT(og_table_version),
                .erased = OG_VEC_INIT(og_table_identity)};
  og_schema_order order;
  OG_TRY(og_graph_snapshot(cx, g, branch, &ap.snapshot));
  og_status st = og_snapshot_schemas(cx, ap.snapshot, from, &order);
  if (st == OG_OK && order == OG_SCHEMAS_BEHIND) { /* else somebody was faster */
    st = og_schema_pair(cx, ap.snapshot->catalog, from->catalog, &plan);
    if (st == OG_OK) st = adopt(cx, &ap, &again);
    og_migration_cleanup(&plan);
  }
  applier_cleanup(cx, &ap);
  return st;
}
