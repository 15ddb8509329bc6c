/* SPDX-License-Identifier: MIT */
/* graph/create.c -- empty tables for new types, made before the commit that registers them.
 *
 *  (1) A table claims its folder by put-if-absent of version 1.  A version 1 that is there already was left by somebody
 *      who crashed or lost: his incarnation ids are skipped, and his folder is never written to.
 *  (2) Until a log registers the table nothing refers to it.
 */
#include "graph/internal.h"
#include "graph/tables.h"

typedef struct making {
  og_store *store;
  og_lance_change_opts opts;
  og_vec changes; /* og_lance_change * */
  og_vec keys;    /* og_str: files to sync */
} making;

static og_status render_table(og_ctx *cx, making *m, const og_type_def *t, const og_lance_place *at,
                              og_lance_change **out)
{
  og_schema *arrow;
  og_lance_schema *schema = NULL;
  OG_TRY(og_vec_reserve(cx, &m->changes, 1));
  OG_TRY(og_type_schema(cx, t, &arrow));
  og_status st = og_lance_schema_new(cx, arrow, &schema);
  if (st == OG_OK) st = og_lance_change_create(cx, at, schema, (og_lance_version){2, 2}, &m->opts, out);
  og_lance_schema_unref(schema);
  og_schema_unref(arrow);
  OG_TRY(st);
  OG_TRY(og_vec_add(cx, &m->changes, out));
  OG_TRY(og_lance_change_finish(cx, *out));
  OG_TRY(og_lance_change_render(cx, *out, NULL, 1));
  return og_lance_change_keys(cx, *out, &m->keys);
}

static og_status describe(og_ctx *cx, const making *m, const og_type_def *t, const og_lance_place *at,
                          const og_lance_change *change, og_table_version *out)
{
  og_lance_table *table;
  og_str key;
  *out = (og_table_version){.table_id = t->id,
                            .incarnation = t->incarnation,
                            .version = 1,
                            .meta = {.manifest_size = og_lance_change_bytes(change).len}};
  OG_TRY(og_arena_str(cx, cx->arena, t->key, &out->key));
  OG_TRY(og_lance_manifest_key(cx, at, 1, &key));
  OG_TRY(og_arena_printf(cx, cx->arena, &out->meta.manifest_path, OG_STR_FMT "/" OG_STR_FMT,
                         OG_STR_ARG(og_store_root(m->store)), OG_STR_ARG(key)));
  OG_TRY(og_lance_change_table(cx, change, &table));
  og_status st = og_arena_str(cx, cx->arena, og_lance_table_uuid(table), &out->meta.uuid);
  og_lance_table_unref(table);
  return st;
}

static og_status make_table(og_ctx *cx, making *m, const og_type_def *t, og_vec *out)
{
  og_lance_place at = {.store = m->store};
  og_lance_change *change;
  og_table_version *v = og_vec_push(cx, out);
  if (!v) return OG_ENOMEM;
  OG_TRY(og_table_path(cx, cx->arena, t->key, t->id, t->incarnation, &at.root));
  OG_TRY(render_table(cx, m, t, &at, &change));
  return describe(cx, m, t, &at, change, v);
}

/* A put whose outcome is not known is asked again: nobody else knows the number. */
static og_status put_tables(og_ctx *cx, const making *m, bool *taken)
{
  for (size_t i = 0; i < m->changes.len; i++) {
    og_status st = OG_EUNKNOWN;
    for (unsigned n = 0; st == OG_EUNKNOWN && n < 8; n++)
      st = og_lance_change_put(cx, OG_VEC_AT(&m->changes, og_lance_change *, i));
    if (st == OG_EEXISTS) {
      og_error_clear(cx);
      *taken = true;
      return OG_OK;
    }
    OG_TRY(st);
  }
  return OG_OK;
}

static og_status make_tables(og_ctx *cx, making *m, const og_catalog *c, const og_fold *but, og_vec *out, bool *taken)
{
  for (uint32_t i = 0; i < c->n_nodes + c->n_edges; i++) {
    const og_type_def *t = i < c->n_nodes ? &c->nodes[i] : &c->edges[i - c->n_nodes];
    if (!but || !og_fold_table(but, t->id, t->incarnation)) OG_TRY(make_table(cx, m, t, out));
  }
  OG_TRY(og_store_sync(cx, m->store, m->keys.data, m->keys.len));
  return put_tables(cx, m, taken);
}

og_status og_create__tables(og_ctx *cx, og_store *store, const og_catalog *c, const og_fold *but,
                            const og_ulid *attempt, og_vec *out, bool *taken)
{
  char text[OG_ULID_LEN];
  making m = {.store = store,
              .opts = {.op = OG_LANCE_OVERWRITE},
              .changes = OG_VEC_INIT(og_lance_change *),
              .keys = OG_VEC_INIT(og_str)};
  *taken = false;
  og_ulid_format(attempt, text);
  OG_TRY(og_arena_str(cx, cx->arena, og_str_from(text, sizeof text), &m.opts.attempt));
  OG_TRY(og_arena_printf(cx, cx->arena, &m.opts.tx_uuid, "omnigraph-%.26s", text));
  og_status st = make_tables(cx, &m, c, but, out, taken);
  for (size_t i = 0; i < m.changes.len; i++) og_lance_change_free(cx, OG_VEC_AT(&m.changes, og_lance_change *, i));
  og_vec_cleanup(&m.changes);
  og_vec_cleanup(&m.keys);
  return st;
}

og_status og_create__rows(og_ctx *cx, const og_table_version *v, og_vec *rows)
{
  og_log_row *row = og_vec_push(cx, rows);
  if (!row) return OG_ENOMEM;
  OG_TRY(og_row_table(cx, cx->arena, v->key, v->table_id, v->incarnation, row));
  row = og_vec_push(cx, rows);
  return row ? og_row_table_version(cx, cx->arena, v, row) : OG_ENOMEM;
}

og_status og_graph_create_tables(og_ctx *cx, const og_snapshot *base, const og_catalog *c, const og_ulid *attempt,
                                 og_vec *out, bool *taken)
{
  return og_create__tables(cx, base->graph->store, c, base->fold, attempt, out, taken);
}
