/* SPDX-License-Identifier: MIT */
/* Power is lost at every call of a table's life outside a graph: made, appended to, updated, deleted from, given
 * columns, indexed, compacted, set, restored, tagged, branched, cleaned up; and of one with blobs beside its files.
 * Afterwards the table is as some step left it: the last one acknowledged, or the one that was under way; and it takes
 * the next commit.  Then every sync is left out in turn: something must be lost. */
#include "unit/lance/small_blobs.h"

#include "lance/cleanup.h"
#include "lance/index.h"
#include "lance/refs.h"
#include "sim/ahead.h"
#include "sim/lance_files.h"

#define FOLDER "/tables"
#define ROOT   OG_STR("t.lance")

typedef struct stage {
  og_ctx *cx;
  og_store *store;
  og_ulid_gen ulids;
} stage;

static og_lance_place place(const stage *s, const char *branch)
{
  return (og_lance_place){s->store, ROOT, og_str_of(branch)};
}

/* ---- steps */

enum {
  MAKE,
  APPEND,
  UPDATE,
  DELETE,
  ADD,
  RENAME,
  INDEX,
  COMPACT,
  SET,
  RESTORE,
  TAG,
  BRANCH,
  APPEND_TO_BRANCH,
  LAST_APPEND,
  CLEAN,
  UNTAG,
  UNBRANCH,
  MAKE_BLOBS,
  APPEND_BLOBS,
  COMPACT_BLOBS,
  STEPS
};

static const char *const names[] = {"make",
                                    "append",
                                    "update",
                                    "delete",
                                    "add a column",
                                    "rename a column",
                                    "index",
                                    "compact",
                                    "set",
                                    "restore",
                                    "tag",
                                    "branch",
                                    "append to the branch",
                                    "append again",
                                    "clean up",
                                    "delete the tag",
                                    "delete the branch",
                                    "make a table of blobs",
                                    "append blobs",
                                    "compact blobs"};

static og_status open_newest(const stage *s, const char *branch, og_lance_table **out)
{
  const og_lance_place at = place(s, branch);
  uint64_t newest;
  OG_TRY(og_lance_newest_version(s->cx, &at, &newest));
  if (newest == 0) return og_fail(s->cx, OG_ENOTFOUND, "no table");
  return og_lance_table_open(s->cx, &at, newest, OG_STR_NONE, out);
}

static og_status add_column(og_ctx *cx, og_lance_change *c, uint64_t rows)
{
  const og_field field = {.name = OG_STR("x"), .type = og_type_of(OG_TYPE_I64), .nullable = true};
  og_schema *schema = NULL;
  og_builder *b = NULL;
  og_column *column = NULL;
  og_batch *values = NULL;
  og_status st = og_schema_new(cx, &field, 1, NULL, 0, &schema);
  if (st == OG_OK) st = og_lance_change_add_columns(cx, c, schema);
  if (st == OG_OK) st = og_builder_new(cx, &field, &b);
  for (uint64_t i = 0; st == OG_OK && i < rows; i++) st = og_builder_i64(cx, b, (int64_t)i);
  if (st == OG_OK) st = og_builder_finish(cx, b, &column);
  if (st == OG_OK) st = og_batch_new(cx, schema, &column, 1, column->len, &values);
  if (st == OG_OK) st = og_lance_change_add_values(cx, c, values);
  og_batch_unref(values);
  og_column_unref(column);
  og_builder_free(b);
  og_schema_unref(schema);
  return st;
}

static og_status restore(const stage *s, og_lance_change *c, uint64_t version)
{
  const og_lance_place at = place(s, NULL);
  og_lance_table *old;
  OG_TRY(og_lance_table_open(s->cx, &at, version, OG_STR_NONE, &old));
  og_status st = og_lance_change_restore(s->cx, c, old);
  og_lance_table_unref(old);
  return st;
}

static og_status fill(const stage *s, int step, og_lance_table *base, og_lance_change *c)
{
  static const uint64_t first = 0, second = 1;
  og_ctx *cx = s->cx;
  og_schema *schema = og_lance_table_schema(base)->arrow;
  const og_str one = OG_STR("1");
  uint32_t taken;
  switch (step) {
  case APPEND: return small_write(cx, c, schema, &(small_step){.insert_from = 10, .insert = 2});
  case UPDATE: return small_write(cx, c, schema, &(small_step){.update = &second, .n_update = 1, .value = 50});
  case DELETE: return og_lance_change_delete(cx, c, &first, 1);
  case ADD: return add_column(cx, c, og_lance_table_rows(base));
  case RENAME: return og_lance_change_rename_column(cx, c, 1, OG_STR("m"));
  case INDEX: return og_lance_change_index_build(cx, c, OG_INDEX_BTREE, 1, OG_STR("i"));
  case COMPACT: return og_lance_change_compact(cx, c, &taken);
  case SET: return og_lance_change_config(cx, c, OG_STR("key"), &one);
  case RESTORE: return restore(s, c, 2);
  default: return small_write(cx, c, schema, &(small_step){.insert_from = 20 + step, .insert = 1});
  }
}

static og_status commit_step(stage *s, int step, const char *branch)
{
  static const og_lance_op ops[STEPS] = {[APPEND] = OG_LANCE_APPEND,     [UPDATE] = OG_LANCE_UPDATE,
                                         [DELETE] = OG_LANCE_DELETE,     [ADD] = OG_LANCE_MERGE,
                                         [RENAME] = OG_LANCE_PROJECT,    [INDEX] = OG_LANCE_INDEX,
                                         [COMPACT] = OG_LANCE_REWRITE,   [SET] = OG_LANCE_CONFIG,
                                         [RESTORE] = OG_LANCE_RESTORE,   [APPEND_TO_BRANCH] = OG_LANCE_APPEND,
                                         [LAST_APPEND] = OG_LANCE_APPEND};
  og_ctx *cx = s->cx;
  const og_lance_place at = place(s, branch);
  og_lance_table *base;
  og_lance_change *c = NULL;
  og_lance_change_opts opts;
  OG_TRY(open_newest(s, branch, &base));
  og_status st = small_opts(cx, &s->ulids, ops[step], &opts);
  if (st == OG_OK) st = og_lance_change_new(cx, &at, base, &opts, &c);
  if (st == OG_OK) st = fill(s, step, base, c);
  if (st == OG_OK) st = og_lance_commit(cx, c, true, NULL, NULL);
  og_lance_change_free(cx, c);
  og_lance_table_unref(base);
  return st;
}

static og_status make_table(stage *s)
{
  og_ctx *cx = s->cx;
  const og_lance_place at = place(s, NULL);
  og_lance_schema *schema;
  og_lance_change *c = NULL;
  og_lance_change_opts opts;
  OG_TRY(small_schema(cx, &schema));
  og_status st = small_opts(cx, &s->ulids, OG_LANCE_OVERWRITE, &opts);
  if (st == OG_OK) st = og_lance_change_create(cx, &at, schema, (og_lance_version){2, 2}, &opts, &c);
  if (st == OG_OK) st = small_write(cx, c, schema->arrow, &(small_step){.insert = 3});
  if (st == OG_OK) st = og_lance_commit(cx, c, true, NULL, NULL);
  og_lance_change_free(cx, c);
  og_lance_schema_unref(schema);
  return st;
}

/* ---- the table of blobs */

static og_lance_place blob_place(const stage *s)
{
  return (og_lance_place){s->store, OG_STR("b.lance"), OG_STR("")};
}

static og_status open_blobs(const stage *s, int step, og_lance_table **out)
{
  const og_lance_place at = blob_place(s);
  if (step == MAKE_BLOBS) return OG_OK;
  return og_lance_table_open(s->cx, &at, (uint64_t)(step - MAKE_BLOBS), OG_STR_NONE, out);
}

static og_status fill_blobs(og_ctx *cx, int step, og_schema *schema, og_lance_change *c)
{
  uint32_t taken;
  if (step == COMPACT_BLOBS) return og_lance_change_compact(cx, c, &taken);
  if (step == APPEND_BLOBS) OG_TRY(blob_pieces(cx, c, 24));
  return blob_insert(cx, c, schema, step == MAKE_BLOBS ? 0 : 5, step == MAKE_BLOBS ? 5 : 2);
}

static og_status write_blobs(stage *s, int step)
{
  og_ctx *cx = s->cx;
  const og_lance_place at = blob_place(s);
  og_lance_schema *schema;
  og_lance_table *base = NULL;
  og_lance_change *c = NULL;
  og_lance_change_opts opts;
  OG_TRY(blobs_schema(cx, &schema));
  og_status st = open_blobs(s, step, &base);
  if (st == OG_OK)
    st = small_opts(cx, &s->ulids,
                    step == MAKE_BLOBS     ? OG_LANCE_OVERWRITE
                    : step == APPEND_BLOBS ? OG_LANCE_APPEND
                                           : OG_LANCE_REWRITE,
                    &opts);
  opts.blobs_beside = true;
  if (st == OG_OK)
    st = base ? og_lance_change_new(cx, &at, base, &opts, &c)
              : og_lance_change_create(cx, &at, schema, (og_lance_version){2, 2}, &opts, &c);
  if (st == OG_OK) st = fill_blobs(cx, step, schema->arrow, c);
  if (st == OG_OK) st = og_lance_commit(cx, c, true, NULL, NULL);
  og_lance_change_free(cx, c);
  og_lance_table_unref(base);
  og_lance_schema_unref(schema);
  return st;
}

static og_status take_step(stage *s, int step)
{
  const og_lance_place at = place(s, NULL);
  const og_lance_cleanup_opts all = {.keep = 1, .before_us = INT64_MAX, .orphans_before_us = 0};
  og_lance_cleanup_counts counts;
  og_lance_change_opts opts;
  switch (step) {
  case MAKE: return make_table(s);
  case TAG: return og_lance_tag_put(s->cx, &at, OG_STR("tag"), 3, false);
  case BRANCH:
    OG_TRY(small_opts(s->cx, &s->ulids, OG_LANCE_CLONE, &opts));
    return og_lance_branch_create(s->cx, &at, OG_STR("b"), 4, &opts);
  case APPEND_TO_BRANCH: return commit_step(s, step, "b");
  case CLEAN: return og_lance_cleanup(s->cx, &at, &all, &counts);
  case UNTAG: return og_lance_tag_delete(s->cx, &at, OG_STR("tag"));
  case UNBRANCH: return og_lance_branch_delete(s->cx, &at, OG_STR("b"));
  case MAKE_BLOBS:
  case APPEND_BLOBS:
  case COMPACT_BLOBS: return write_blobs(s, step);
  default: return commit_step(s, step, NULL);
  }
}

/* ---- what there is */

static og_status describe_rows(const stage *s, og_lance_table *t, og_buf *out)
{
  og_ctx *cx = s->cx;
  const og_schema *schema = og_lance_table_schema(t)->arrow;
  static const uint32_t columns[] = {0, 1, 2};
  const og_lance_scan_opts opts = {.columns = columns, .n_columns = schema->n_fields, .with_row_id = true};
  og_lance_scan *scan;
  og_batch *b = NULL;
  for (uint32_t i = 0; i < schema->n_fields; i++)
    OG_TRY(og_buf_printf(cx, out, OG_STR_FMT " ", OG_STR_ARG(schema->fields[i].name)));
  OG_TRY(og_lance_scan_open(cx, t, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &b)) == OG_OK && b) {
    for (int64_t i = 0; st == OG_OK && i < b->len; i++) {
      const og_str id = og_column_str(b->columns[0], i);
      st = og_buf_printf(cx, out, " " OG_STR_FMT "=%" PRId64 "/%" PRIu64, OG_STR_ARG(id),
                         og_column_i64(b->columns[1])[i], og_column_u64(b->columns[b->n_columns - 1])[i]);
      if (st == OG_OK && b->n_columns == 4)
        st = og_buf_printf(cx, out, ".%" PRId64,
                           og_column_is_null(b->columns[2], i) ? -1 : og_column_i64(b->columns[2])[i]);
    }
    og_batch_unref(b);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}

static og_status describe_index(const stage *s, og_lance_table *t, og_buf *out)
{
  OG_AUTO(og_vec) rows = OG_VEC_INIT(uint64_t);
  const og_lance_index_entry *e;
  og_lance_index *x;
  size_t n;
  OG_TRY(og_lance_table_indexes(s->cx, t, &e, &n));
  if (n == 0) return OG_OK;
  OG_TRY(og_lance_index_open(s->cx, t, OG_STR("i"), NULL, &x));
  const og_status st = og_lance_index_rows(s->cx, x, &(og_lance_index_query){.op = OG_INDEX_RANGE}, &rows);
  og_lance_index_unref(x);
  OG_TRY(st);
  return og_buf_printf(s->cx, out, " [index: %zu rows]", rows.len);
}

static og_status describe_version(const stage *s, const char *branch, uint64_t version, og_buf *out)
{
  const og_lance_place at = place(s, branch);
  og_lance_table *t;
  og_str value;
  OG_TRY(og_lance_table_open(s->cx, &at, version, OG_STR_NONE, &t));
  og_status st = og_buf_printf(s->cx, out, "%s %" PRIu64 ": ", branch ? branch : "main", version);
  if (st == OG_OK) st = describe_rows(s, t, out);
  if (st == OG_OK) st = describe_index(s, t, out);
  if (st == OG_OK && og_lance_table_config(t, OG_STR("key"), &value))
    st = og_buf_printf(s->cx, out, " key=" OG_STR_FMT, OG_STR_ARG(value));
  og_lance_table_unref(t);
  return st == OG_OK ? og_buf_append_byte(s->cx, out, '\n') : st;
}

static og_status describe_blobs(const stage *s, og_buf *out)
{
  OG_AUTO(og_buf) rows = {0};
  const og_lance_place at = blob_place(s);
  uint64_t newest;
  OG_TRY(blobs_describe(s->cx, &at, &rows));
  OG_TRY(og_lance_newest_version(s->cx, &at, &newest));
  if (newest == 0) return OG_OK;
  return og_buf_printf(s->cx, out, "blobs %" PRIu64 ": " OG_STR_FMT "\n", newest, OG_STR_ARG(og_buf_str(&rows)));
}

/* The newest versions, and what has a name.  Nothing at all: no table yet. */
static og_status describe(const stage *s, og_buf *out)
{
  const og_lance_place at = place(s, NULL);
  OG_AUTO(og_vec) tags = OG_VEC_INIT(og_lance_tag);
  OG_AUTO(og_vec) branches = OG_VEC_INIT(og_lance_branch);
  uint64_t newest;
  OG_TRY(og_lance_newest_version(s->cx, &at, &newest));
  if (newest == 0) return OG_OK;
  OG_TRY(describe_version(s, NULL, newest, out));
  OG_TRY(og_lance_tags(s->cx, &at, &tags));
  OG_TRY(og_lance_branches(s->cx, &at, &branches));
  for (size_t i = 0; i < tags.len; i++)
    OG_TRY(describe_version(s, NULL, OG_VEC_AT(&tags, og_lance_tag, i).version, out));
  for (size_t i = 0; i < branches.len; i++) {
    const og_lance_place b = place(s, "b");
    OG_TRY(og_lance_newest_version(s->cx, &b, &newest));
    OG_TRY(describe_version(s, "b", newest, out));
  }
  return describe_blobs(s, out);
}

/* ---- a life */

typedef struct life {
  char states[STEPS + 1][2048]; /* before step i, as a run without a loss has it */
  int done;                     /* steps acknowledged */
  bool knows;                   /* the states are known */
  char problem[1024];
} life;

static void text_of(stage *s, char out[2048])
{
  OG_AUTO(og_buf) b = {0};
  out[0] = '\0';
  if (describe(s, &b) != OG_OK)
    snprintf(out, 2048, "unreadable: %.1500s", s->cx->err->text);
  else
    snprintf(out, 2048, "%.*s", (int)b.len, b.data ? (const char *)b.data : "");
}

static og_status live(og_ctx *cx, void *arg)
{
  life *l = arg;
  OG_AUTO(og_arena) arena = {0};
  stage s = {.cx = cx};
  cx->arena = &arena;
  og_status st = og_store_local_new(cx, OG_STR(FOLDER), false, &s.store);
  for (l->done = 0; st == OG_OK && l->done < STEPS;) {
    st = take_step(&s, l->done);
    if (st != OG_OK) snprintf(l->problem, sizeof l->problem, "%s: %.500s", names[l->done], cx->err->text);
    if (st == OG_OK) l->done++;
    if (st == OG_OK && !l->knows) text_of(&s, l->states[l->done]);
  }
  og_store_unref(s.store);
  cx->arena = NULL;
  return st;
}

static uint64_t promises(void *arg)
{
  return (uint64_t)((const life *)arg)->done;
}

static bool look(void *arg, og_sim *after)
{
  life *l = arg;
  og_ctx cx;
  og_error err;
  OG_AUTO(og_arena) arena = {0};
  char now[2048];
  stage s = {.cx = &cx};
  og_sim_ctx_init(og_sim_process_new(after), &cx, &err, &arena);
  og_status st = og_store_local_new(&cx, OG_STR(FOLDER), false, &s.store);
  if (st == OG_OK) text_of(&s, now);
  if (st == OG_OK) st = check_transactions(&cx, s.store);
  const bool is_next = l->done < STEPS && strcmp(now, l->states[l->done + 1]) == 0;
  const bool is_old = strcmp(now, l->states[l->done]) == 0;
  if (!is_old && !is_next)
    snprintf(l->problem, sizeof l->problem, "in step \"%s\" it is\n%.300s\nand not\n%.300s",
             names[l->done < STEPS ? l->done : STEPS - 1], now, l->states[l->done]);
  if (st == OG_OK && !*l->problem && *now) st = commit_step(&s, SET, NULL);
  if (st != OG_OK && !*l->problem) snprintf(l->problem, sizeof l->problem, "afterwards: %.500s", err.text);
  og_store_unref(s.store);
  return *l->problem == '\0';
}

static life a_life;

/* One life; with losses, looked at from every call. */
static uint64_t run(uint64_t seed, const og_sim_loss *losses, size_t n_losses, const char *without, og_sim **keep)
{
  static ahead a;
  og_sim *sim = og_sim_new(seed);
  a_life.problem[0] = '\0';
  a_life.done = 0;
  og_sim_suppress_site(sim, without);
  a = (ahead){.sim = sim, .losses = losses, .n_losses = n_losses, .promises = promises, .look = look, .arg = &a_life};
  if (n_losses) ahead_start(&a);
  (void)og_sim_spawn(og_sim_process_new(sim), live, &a_life);
  OG_CHECK(og_sim_run(sim) == OG_SIM_DONE);
  if (n_losses) ahead_end(&a);
  if (keep)
    *keep = sim;
  else
    og_sim_free(sim);
  return a.looks;
}

#define SEED 1

OG_TEST(lance_power, every_step_is_whole_or_absent)
{
  static const og_sim_loss losses[] = {OG_SIM_LOSE_ALL, OG_SIM_LOSE_DATA, OG_SIM_LOSE_ENTRIES};
  a_life.knows = false;
  (void)run(SEED, NULL, 0, NULL, NULL);
  OG_CHECK_STR(og_str_of(a_life.problem), OG_STR(""));
  OG_CHECK(a_life.done == STEPS);
  a_life.knows = true;
  const uint64_t looks = run(SEED, losses, 3, NULL, NULL);
  if (*a_life.problem) fail_msg("%s", a_life.problem);
  print_message("%d disks\n", (int)looks);
  OG_CHECK(looks > 100);
}

/* The table's folder, and those above it, are made durable with its first version. */
OG_TEST(lance_power, every_sync_is_needed)
{
  static const og_sim_loss all[] = {OG_SIM_LOSE_ALL};
  og_sim *sim;
  int unneeded = 0;
  (void)run(SEED, NULL, 0, NULL, &sim);
  for (size_t i = 0; i < og_sim_sync_sites(sim); i++) {
    char site[256];
    snprintf(site, sizeof site, "%s", og_sim_sync_site(sim, i));
    (void)run(SEED, all, 1, site, NULL);
    const bool lost = *a_life.problem != '\0';
    print_message("without %s: %s\n", site, lost ? "something is lost" : "NOT NEEDED");
    unneeded += !lost;
  }
  og_sim_free(sim);
  OG_CHECK(unneeded == 0);
}

OG_TEST_MAIN(OG_CASE(lance_power, every_step_is_whole_or_absent), OG_CASE(lance_power, every_sync_is_needed))
