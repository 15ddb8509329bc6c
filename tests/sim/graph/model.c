/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const table_keys[MODEL_TABLES] = {"node:A", "node:B"};

void model_problem(model *m, const char *fmt, ...)
{
  va_list args;
  if (*m->problem) return;
  va_start(args, fmt);
  vsnprintf(m->problem, sizeof m->problem, fmt, args);
  va_end(args);
}

/* -- rows -- */

static bool parse_row(og_str id, model_row *out)
{
  char text[64];
  if (id.len >= sizeof text) return false;
  memcpy(text, id.ptr, id.len);
  text[id.len] = '\0';
  return sscanf(text, "r%d.%d.%d", &out->commit, &out->table, &out->i) == 3;
}

static bool row_is_known(const model *m, const model_row *r, int table)
{
  return r->commit >= 0 && r->commit < m->n_commits && r->table == table && r->i >= 0 &&
         r->i < m->commits[r->commit].adds[table];
}

static og_status see_batch(og_ctx *cx, model *m, int table, const og_batch *batch, og_vec *out)
{
  for (int64_t i = 0; i < batch->len; i++) {
    og_str id = og_column_str(batch->columns[0], i);
    model_seen seen = {.n = og_column_i64(batch->columns[1])[i], .offset = og_column_u64(batch->columns[2])[i]};
    if (!parse_row(id, &seen.row) || !row_is_known(m, &seen.row, table))
      model_problem(m, "row '" OG_STR_FMT "' of %s was written by nobody", OG_STR_ARG(id), table_keys[table]);
    else
      OG_TRY(og_vec_add(cx, out, &seen));
  }
  return OG_OK;
}

static og_status scan_table(og_ctx *cx, model *m, og_lance_table *t, int table, og_vec *out)
{
  static const uint32_t columns[] = {0, 1};
  const og_lance_scan_opts opts = {.columns = columns, .n_columns = 2, .with_offset = true};
  og_lance_scan *scan;
  og_batch *batch = NULL;
  OG_TRY(og_lance_scan_open(cx, t, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &batch)) == OG_OK && batch) {
    st = see_batch(cx, m, table, batch, out);
    og_batch_unref(batch);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}

og_status model_read(og_ctx *cx, model *m, og_snapshot *s, int table, og_vec *out)
{
  og_lance_table *t;
  OG_TRY(og_snapshot_table(cx, s, og_str_of(table_keys[table]), &t));
  const og_table_state *state = og_snapshot_table_state(s, og_str_of(table_keys[table]));
  if (og_lance_table_version(t) != state->version || og_lance_table_rows(t) != state->rows)
    model_problem(m, "%s: version %" PRIu64 " has %" PRIu64 " rows, the log says %" PRIu64 " with %" PRIu64,
                  table_keys[table], og_lance_table_version(t), og_lance_table_rows(t), state->version, state->rows);
  og_status st = scan_table(cx, m, t, table, out);
  if (st == OG_OK && out->len != state->rows && !*m->problem)
    model_problem(m, "%s: %zu rows are read, the log says %" PRIu64, table_keys[table], out->len, state->rows);
  og_lance_table_unref(t);
  return st;
}

/* -- the chain of commits -- */

typedef struct look {
  model *m;
  og_snapshot *s;
  uint64_t since;
  og_vec commits; /* og_commit, newest first */
  bool rows[MODEL_COMMITS][MODEL_TABLES][MODEL_ROWS];
  bool in_chain[MODEL_COMMITS];
} look;

static int find_record(const model *m, const og_ulid *id)
{
  for (int i = 0; i < m->n_commits; i++)
    if (og_ulid_cmp(&m->commits[i].id, id) == 0) return i;
  return -1;
}

static void check_link(look *l, size_t i)
{
  const og_commit *c = &OG_VEC_AT(&l->commits, og_commit, i);
  const og_commit *below = i + 1 < l->commits.len ? &OG_VEC_AT(&l->commits, og_commit, i + 1) : NULL;
  if (c->has_parent != (below != NULL) || (below && og_ulid_cmp(&c->parent, &below->id) != 0))
    model_problem(l->m, "the parent of the commit of version %" PRIu64 " is not the commit below it",
                  c->manifest_version);
  if (below && below->manifest_version >= c->manifest_version)
    model_problem(l->m, "two commits claim version %" PRIu64, c->manifest_version);
  if (c->manifest_version > l->s->fold->version)
    model_problem(l->m, "version %" PRIu64 " shows a commit of version %" PRIu64, l->s->fold->version,
                  c->manifest_version);
}

static void replay_rows(look *l, int r)
{
  const model_commit *c = &l->m->commits[r];
  int64_t rows_of_a = 0;
  for (int k = 0; k < l->m->n_commits; k++)
    for (int i = 0; i < MODEL_ROWS; i++) rows_of_a += l->rows[k][0][i];
  if (c->counts && c->counted != rows_of_a)
    model_problem(l->m, "lost update: commit %d counted %d rows of A, there were %d", r, (int)c->counted,
                  (int)rows_of_a);
  if (c->deletes) {
    bool *deleted = &l->rows[c->deleted.commit][c->deleted.table][c->deleted.i];
    if (!*deleted) model_problem(l->m, "commit %d deleted a row that was not there", r);
    *deleted = false;
  }
  for (int t = 0; t < MODEL_TABLES; t++)
    for (int i = 0; i < c->adds[t]; i++) l->rows[r][t][i] = true;
}

static void replay_commit(look *l, const og_commit *c)
{
  static const uint8_t main_incarnation[16] = {0};
  int r = find_record(l->m, &c->id);
  if (r < 0) { /* only the genesis commit is nobody's */
    if (c->has_parent) model_problem(l->m, "version %" PRIu64 " is a commit of nobody", c->manifest_version);
    return;
  }
  const model_commit *known = &l->m->commits[r];
  if (l->in_chain[r]) model_problem(l->m, "commit %d is there twice", r);
  if (known->state == MODEL_FAILED) model_problem(l->m, "commit %d was reported failed, but is there", r);
  if (known->state == MODEL_ACKED && known->version != c->manifest_version)
    model_problem(l->m, "commit %d was acknowledged as version %" PRIu64 ", but is version %" PRIu64, r, known->version,
                  c->manifest_version);
  if (memcmp(known->incarnation, main_incarnation, 16) != 0 && memcmp(known->incarnation, l->s->incarnation, 16) != 0)
    model_problem(l->m, "commit %d belongs to another incarnation of the branch", r);
  l->in_chain[r] = true;
  replay_rows(l, r);
}

static void check_acknowledged(look *l)
{
  for (int i = 0; i < l->m->n_commits; i++) {
    const model_commit *c = &l->m->commits[i];
    if (l->in_chain[i] || memcmp(c->incarnation, l->s->incarnation, 16) != 0) continue;
    if (c->state == MODEL_ACKED && c->acked_at <= l->since)
      model_problem(l->m, "commit %d was acknowledged as version %" PRIu64 ", but version %" PRIu64 " does not show it",
                    i, c->version, l->s->fold->version);
    if (c->seen_at && c->seen_at <= l->since)
      model_problem(l->m, "commit %d was shown before, but version %" PRIu64 " does not show it", i,
                    l->s->fold->version);
  }
}

/* The look is over: what it saw was shown to somebody. */
static void remember_seen(look *l)
{
  uint64_t now = ++l->m->now;
  for (int i = 0; i < l->m->n_commits; i++) {
    model_commit *c = &l->m->commits[i];
    bool own = l->in_chain[i] && memcmp(c->incarnation, l->s->incarnation, 16) == 0;
    if (own && !c->seen_at) c->seen_at = now;
  }
}

static og_status check_rows(og_ctx *cx, look *l)
{
  og_vec seen = OG_VEC_INIT(model_seen);
  og_status st = OG_OK;
  for (int t = 0; st == OG_OK && t < MODEL_TABLES; t++) {
    size_t want = 0;
    og_vec_clear(&seen);
    st = model_read(cx, l->m, l->s, t, &seen);
    for (size_t k = 0; st == OG_OK && k < seen.len; k++) {
      const model_seen *row = &OG_VEC_AT(&seen, model_seen, k);
      const model_commit *c = &l->m->commits[row->row.commit];
      if (!l->rows[row->row.commit][t][row->row.i])
        model_problem(l->m, "%s shows a row of commit %d, which is not there", table_keys[t], row->row.commit);
      if (c->counts && row->n != c->counted) model_problem(l->m, "a row of commit %d is damaged", row->row.commit);
    }
    for (int k = 0; k < l->m->n_commits; k++)
      for (int i = 0; i < MODEL_ROWS; i++) want += l->rows[k][t][i];
    if (st == OG_OK && seen.len != want)
      model_problem(l->m, "%s has %zu rows, the commits say %zu", table_keys[t], seen.len, want);
  }
  og_vec_cleanup(&seen);
  return st;
}

static og_status look_closely(og_ctx *cx, look *l)
{
  og_fold *f = l->s->fold;
  OG_TRY(og_fold_commits(cx, f, cx->arena, &l->commits));
  if (l->commits.len == 0 || !f->has_head || og_ulid_cmp(&f->head, &OG_VEC_AT(&l->commits, og_commit, 0).id) != 0)
    model_problem(l->m, "the head of version %" PRIu64 " is not its newest commit", f->version);
  for (size_t i = l->commits.len; i > 0; i--) {
    check_link(l, i - 1);
    replay_commit(l, &OG_VEC_AT(&l->commits, og_commit, i - 1));
  }
  check_acknowledged(l);
  if (!*l->m->problem) OG_TRY(check_rows(cx, l));
  remember_seen(l);
  return OG_OK;
}

og_status model_look_at(og_ctx *cx, model *m, og_snapshot *s, uint64_t since)
{
  look l = {.m = m, .s = s, .since = since, .commits = OG_VEC_INIT(og_commit)};
  og_status st = look_closely(cx, &l);
  og_vec_cleanup(&l.commits);
  return st;
}

og_status model_look(og_ctx *cx, model *m, og_graph *g, og_str branch, og_snapshot **out)
{
  og_snapshot *s;
  uint64_t since = m->now;
  OG_TRY(og_graph_snapshot(cx, g, branch, &s));
  for (int i = 0; i < m->n_deaths; i++)
    if (m->deaths[i].acked_at <= since && memcmp(m->deaths[i].incarnation, s->incarnation, 16) == 0)
      model_problem(m, "branch '" OG_STR_FMT "' is served after it was deleted", OG_STR_ARG(branch));
  og_status st = model_look_at(cx, m, s, since);
  if (st == OG_OK && out)
    *out = s;
  else
    og_snapshot_unref(s);
  return st;
}

/* -- at rest -- */

static bool is_listed(const og_vec *live, char name)
{
  for (size_t i = 0; i < live->len; i++)
    if (og_str_eq(OG_VEC_AT(live, og_branch_info, i).name, og_str_from(&name, 1))) return true;
  return false;
}

og_status model_look_at_all(og_ctx *cx, model *m, og_graph *g)
{
  og_vec live = OG_VEC_INIT(og_branch_info);
  og_status st = og_graph_branches(cx, g, &live);
  for (size_t i = 0; st == OG_OK && i < live.len; i++)
    st = model_look(cx, m, g, OG_VEC_AT(&live, og_branch_info, i).name, NULL);
  for (int i = 0; st == OG_OK && i < m->n_created; i++) {
    const model_branch *b = &m->created[i];
    bool must = b->state == MODEL_ACKED && m->last_delete[b->name - 'b'] < b->started;
    if (must && !is_listed(&live, b->name)) model_problem(m, "the creation of branch %c was acknowledged", b->name);
  }
  og_vec_cleanup(&live);
  return st;
}

og_status model_is_visible(og_ctx *cx, og_graph *g, const model_commit *c, bool *out)
{
  og_commit found;
  og_status st = og_graph_find_commit(cx, g, OG_STR(""), &c->id, &found);
  *out = st == OG_OK;
  if (st != OG_ENOTFOUND) return st;
  og_error_clear(cx);
  return OG_OK;
}
