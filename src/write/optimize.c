/* SPDX-License-Identifier: MIT */
/* write/optimize.c -- compaction of a branch's tables, as one commit.
 *
 *  (1) Rows are carried as they are, with their ids and versions, so no answer changes, and there is nothing that
 *      another writer could conflict with: what somebody changed meanwhile is left as they made it (lance/change.c).
 *  (2) Where there is nothing to gain there is no commit.
 *  (3) Of a table that was to lose data (graph/evolve.c), dropped columns do not come along, and the versions that
 * still name the files with them are refused.
 */
#include "write/write.h"

#include "base/ulid.h"
#include "base/vec.h"

#include <stdio.h>

typedef struct optimizer {
  og_snapshot *snapshot;
  og_ulid attempt;
  char attempt_text[OG_ULID_LEN + 1], uuid_text[OG_ULID_LEN + 16];
  og_vec changes;     /* og_table_change */
  og_vec erased;      /* og_table_identity: of those whose dropped columns go */
  bool only_shedding; /* leave tables alone from which nothing has to go */
} optimizer;

/* The change of one table; none is kept when nothing was taken. */
static og_status compact(og_ctx *cx, optimizer *o, og_str key, og_lance_table *table, bool shed,
                         og_optimized_table *out)
{
  const og_lance_change_opts opts = {
      .op = OG_LANCE_REWRITE, .attempt = og_str_of(o->attempt_text), .tx_uuid = og_str_of(o->uuid_text), .shed = shed};
  og_lance_place at;
  og_table_change c = {.key = key};
  OG_TRY(og_snapshot_write_place(cx, o->snapshot, key, &at));
  OG_TRY(og_lance_change_new(cx, &at, table, &opts, &c.change));
  og_status st = og_lance_change_compact(cx, c.change, &out->removed);
  if (st == OG_OK) st = og_lance_change_finish(cx, c.change);
  if (st == OG_OK && out->removed) st = og_vec_add(cx, &o->changes, &c);
  if (st != OG_OK || !out->removed) og_lance_change_free(cx, c.change);
  return st;
}

static og_status compact_table(og_ctx *cx, optimizer *o, og_str key, og_optimized_table *out)
{
  const og_table_state *state = og_snapshot_table_state(o->snapshot, key);
  og_lance_table *table;
  bool shed = false;
  *out = (og_optimized_table){0};
  OG_TRY(og_arena_str(cx, cx->arena, key, &out->key));
  if (state) OG_TRY(og_snapshot_was_erased(cx, o->snapshot, state, &shed));
  if (o->only_shedding && !shed) return OG_OK;
  OG_TRY(og_snapshot_table(cx, o->snapshot, key, &table));
  out->version = og_lance_table_version(table);
  og_status st = compact(cx, o, key, table, shed, out);
  og_lance_table_unref(table);
  if (st == OG_OK && shed && out->removed) {
    const og_table_identity id = {state->table_id, state->incarnation};
    st = og_vec_add(cx, &o->erased, &id);
  }
  return st == OG_OK ? OG_OK : og_note(cx, st, "while optimizing '" OG_STR_FMT "'", OG_STR_ARG(key));
}

static og_status compact_all(og_ctx *cx, optimizer *o, og_optimized *out)
{
  const og_catalog *c = o->snapshot->catalog;
  out->tables = og_push_array(cx, (size_t)c->n_nodes + c->n_edges + 1, sizeof *out->tables);
  if (!out->tables) return OG_ENOMEM;
  for (uint32_t i = 0; i < c->n_nodes; i++)
    OG_TRY(compact_table(cx, o, c->nodes[i].key, &out->tables[out->n_tables++]));
  for (uint32_t i = 0; i < c->n_edges; i++)
    OG_TRY(compact_table(cx, o, c->edges[i].key, &out->tables[out->n_tables++]));
  return OG_OK;
}

static og_status no_conflict(og_ctx *cx, void *arg, og_str key, og_lance_table *was, og_lance_table *now,
                             bool *conflict)
{
  (void)cx;
  (void)arg;
  (void)key;
  *conflict = !was || !now; /* the table came or went */
  return OG_OK;
}

/* What became of one table. */
static void describe(const optimizer *o, og_optimized_table *t)
{
  for (size_t i = 0; i < o->changes.len; i++) {
    const og_table_change *c = &OG_VEC_AT(&o->changes, og_table_change, i);
    if (!og_str_eq(c->key, t->key)) continue;
    t->version = og_lance_change_version(c->change);
    t->added = og_lance_change_files(c->change);
  }
}

static og_status publish(og_ctx *cx, optimizer *o, og_str actor, og_optimized *out)
{
  og_publish_outcome outcome;
  og_publication p = {.base = o->snapshot,
                      .tables = o->changes.data,
                      .n_tables = o->changes.len,
                      .conflict = no_conflict,
                      .erased = o->erased.data,
                      .n_erased = o->erased.len,
                      .attempt = o->attempt,
                      .actor = actor.len ? actor : OG_STR_NONE};
  if (o->changes.len == 0) return OG_OK;
  OG_TRY(og_graph_attempt(cx, o->snapshot->graph, o->snapshot, &p.commit));
  OG_TRY(og_graph_publish(cx, o->snapshot->graph, &p, &outcome, &out->commit));
  if (outcome == OG_PUBLISH_RERUN)
    return og_fail(cx, OG_ECONFLICT, "the schema or the branch was changed meanwhile: try again");
  out->has_commit = true;
  for (uint32_t i = 0; i < out->n_tables; i++) describe(o, &out->tables[i]);
  return OG_OK;
}

static og_status optimize(og_ctx *cx, optimizer *o, og_str actor, og_optimized *out)
{
  OG_TRY(og_graph_attempt(cx, o->snapshot->graph, o->snapshot, &o->attempt));
  og_ulid_format(&o->attempt, o->attempt_text);
  o->attempt_text[OG_ULID_LEN] = '\0';
  snprintf(o->uuid_text, sizeof o->uuid_text, "omnigraph-%s", o->attempt_text);
  OG_TRY(compact_all(cx, o, out));
  return publish(cx, o, actor, out);
}

static og_status run(og_ctx *cx, og_graph *g, og_str branch, og_str actor, bool only_shedding, og_optimized *out)
{
  optimizer o = {.changes = OG_VEC_INIT(og_table_change),
                 .erased = OG_VEC_INIT(og_table_identity),
                 .only_shedding = only_shedding};
  *out = (og_optimized){0};
  OG_TRY(og_graph_snapshot(cx, g, branch, &o.snapshot));
  og_status st = optimize(cx, &o, actor, out);
  for (size_t i = 0; i < o.changes.len; i++) og_lance_change_free(cx, OG_VEC_AT(&o.changes, og_table_change, i).change);
  og_vec_cleanup(&o.changes);
  og_vec_cleanup(&o.erased);
  og_snapshot_unref(o.snapshot);
  return st;
}

og_status og_write_optimize(og_ctx *cx, og_graph *g, og_str branch, og_str actor, og_optimized *out)
{
  return run(cx, g, branch, actor, false, out);
}

og_status og_write_shed(og_ctx *cx, og_graph *g, og_str actor)
{
  og_optimized done;
  do OG_TRY(run(cx, g, OG_STR(""), actor, true, &done));
  while (done.has_commit);
  return OG_OK;
}
