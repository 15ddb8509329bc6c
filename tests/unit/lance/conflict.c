/* SPDX-License-Identifier: MIT */
/* Every kind of change against every other kind: both were made on one version, theirs was committed first.  Either
 * ours is refused, or the table is what theirs and then ours make of it. */
#include "unit/lance/small_table.h"

#include "lance/index.h"

/* The kinds, in the order of the table below. */
enum { APPEND, DELETE, UPDATE, OVERWRITE, INDEX, REWRITE, PROJECT, MERGE, RESTORE, CONFIG, KINDS };

static const char *const names[KINDS] = {"append",  "delete",  "update", "overwrite", "index",
                                         "rewrite", "project", "merge",  "restore",   "config"};
static const og_lance_op ops[KINDS] = {OG_LANCE_APPEND,  OG_LANCE_DELETE,  OG_LANCE_UPDATE,  OG_LANCE_OVERWRITE,
                                       OG_LANCE_INDEX,   OG_LANCE_REWRITE, OG_LANCE_PROJECT, OG_LANCE_MERGE,
                                       OG_LANCE_RESTORE, OG_LANCE_CONFIG};

/* Ours by line, theirs by column: y goes on top, c is a conflict. */
static const char *const verdicts[KINDS] = {
    /*             a d u o i r p m r c */
    [APPEND] = "y y y c y y y y c y",    [DELETE] = "y y y c y y y c c y", [UPDATE] = "y y y c y y y c c y",
    [OVERWRITE] = "y y y y y y y y y y", [INDEX] = "y y y c y y y y c y",  [REWRITE] = "y y y c y y y c c y",
    [PROJECT] = "y y y c y y c c c y",   [MERGE] = "c c c c y c c c c y",  [RESTORE] = "y y y y y y y y y y",
    [CONFIG] = "y y y y y y y y y y",
};

/* ---- what the table must be afterwards: five numbers of the column n by row, and names of columns */

#define ROWS 100
typedef struct state {
  bool there[ROWS];
  int64_t n[ROWS];
  char columns[64];
} state;

static void set_row(state *s, int row, int64_t n)
{
  s->there[row] = true;
  s->n[row] = n;
}

/* Rows r0 to r2 in version 1, and r3 from version 2 on. */
static state first_state(void)
{
  state s = {.columns = "id n"};
  for (int i = 0; i < 3; i++) set_row(&s, i, i);
  return s;
}

static state apply(state s, int kind, int who)
{
  switch (kind) {
  case APPEND: set_row(&s, 10 + who, 10 + who); break;
  case DELETE: s.there[who] = false; break;
  case UPDATE: s.n[2 + who] = 102 + who; break;
  case OVERWRITE:
    memset(s.there, 0, sizeof s.there);
    set_row(&s, 50 + who, 50 + who);
    strcpy(s.columns, "id n");
    break;
  case PROJECT: snprintf(s.columns, sizeof s.columns, "id m%d", who); break;
  case MERGE: snprintf(s.columns + strlen(s.columns), sizeof s.columns - strlen(s.columns), " x%d", who); break;
  case RESTORE: return first_state();
  default: break;
  }
  return s;
}

static og_str describe(og_ctx *cx, const state *s)
{
  OG_AUTO(og_buf) b = {0};
  og_str out;
  OG_CHECK_OK(cx, og_buf_printf(cx, &b, "%s:", s->columns));
  for (int i = 0; i < ROWS; i++)
    if (s->there[i]) OG_CHECK_OK(cx, og_buf_printf(cx, &b, " r%d=%" PRId64, i, s->n[i]));
  OG_CHECK_OK(cx, og_arena_str(cx, cx->arena, og_buf_str(&b), &out));
  return out;
}

/* ---- what it is */

static void read_rows(og_ctx *cx, og_lance_table *t, state *s)
{
  static const uint32_t columns[] = {0, 1};
  const og_lance_scan_opts opts = {.columns = columns, .n_columns = 2};
  og_lance_scan *scan;
  og_batch *b;
  OG_CHECK_OK(cx, og_lance_scan_open(cx, t, &opts, &scan));
  for (;;) {
    OG_CHECK_OK(cx, og_lance_scan_next(cx, scan, &b));
    if (!b) break;
    for (int64_t i = 0; i < b->len; i++) {
      uint64_t row;
      const og_str id = og_column_str(b->columns[0], i);
      OG_CHECK(og_str_to_u64(og_str_sub(id, 1, id.len), &row) && row < ROWS);
      OG_CHECK(!s->there[row]);
      set_row(s, (int)row, og_column_i64(b->columns[1])[i]);
    }
    og_batch_unref(b);
  }
  og_lance_scan_close(scan);
}

static og_str read_state(og_ctx *cx, og_lance_table *t)
{
  state s = {0};
  const og_schema *schema = og_lance_table_schema(t)->arrow;
  for (uint32_t i = 0; i < schema->n_fields; i++)
    snprintf(s.columns + strlen(s.columns), sizeof s.columns - strlen(s.columns), "%s" OG_STR_FMT, i ? " " : "",
             OG_STR_ARG(schema->fields[i].name));
  read_rows(cx, t, &s);
  return describe(cx, &s);
}

/* ---- making changes */

static og_lance_table *open_version(small_world *w, uint64_t version)
{
  const og_lance_place at = small_place(w, NULL);
  og_lance_table *t;
  OG_CHECK_OK(&w->w.cx, og_lance_table_open(&w->w.cx, &at, version, OG_STR_NONE, &t));
  return t;
}

static og_status carry_all(og_ctx *cx, og_lance_change *c, og_lance_table *base)
{
  static const uint32_t columns[] = {0, 1};
  const uint64_t offsets[] = {0, 1, 2, 3};
  og_batch *rows;
  OG_TRY(og_lance_table_take(cx, base, columns, 2, offsets, 4, &rows));
  og_status st = og_lance_change_carry(cx, c, rows, offsets, 4);
  og_batch_unref(rows);
  return st;
}

static og_status add_column(og_ctx *cx, og_lance_change *c, og_lance_table *base, int who)
{
  const og_field field = {.name = who ? OG_STR("x1") : OG_STR("x0"), .type = og_type_of(OG_TYPE_I64), .nullable = true};
  og_schema *schema = NULL;
  og_builder *b = NULL;
  og_column *column = NULL;
  og_batch *values = NULL;
  og_status st = og_schema_new(cx, &field, 1, NULL, 0, &schema);
  if (st == OG_OK) st = og_lance_change_add_columns(cx, c, schema);
  if (st == OG_OK) st = og_builder_new(cx, &field, &b);
  for (uint64_t i = 0; st == OG_OK && i < og_lance_table_rows(base); i++) st = og_builder_i64(cx, b, (int64_t)i);
  if (st == OG_OK) st = og_builder_finish(cx, b, &column);
  if (st == OG_OK) st = og_batch_new(cx, schema, &column, 1, column->len, &values);
  if (st == OG_OK) st = og_lance_change_add_values(cx, c, values);
  og_batch_unref(values);
  og_column_unref(column);
  og_builder_free(b);
  og_schema_unref(schema);
  return st;
}

static og_status restore_first(small_world *w, og_lance_change *c)
{
  og_lance_table *first = open_version(w, 1);
  og_status st = og_lance_change_restore(&w->w.cx, c, first);
  og_lance_table_unref(first);
  return st;
}

static og_status fill(small_world *w, og_lance_change *c, og_lance_table *base, int kind, int who)
{
  og_ctx *cx = &w->w.cx;
  og_schema *schema = og_lance_table_schema(base)->arrow;
  const uint64_t dropped = (uint64_t)who, updated = 2 + (uint64_t)who;
  const og_str value = OG_STR("1");
  switch (kind) {
  case APPEND: return small_write(cx, c, schema, &(small_step){.insert_from = 10 + who, .insert = 1});
  case DELETE: return og_lance_change_delete(cx, c, &dropped, 1);
  case UPDATE: return small_write(cx, c, schema, &(small_step){.update = &updated, .n_update = 1, .value = 100});
  case OVERWRITE: return small_write(cx, c, schema, &(small_step){.insert_from = 50 + who, .insert = 1});
  case INDEX: return og_lance_change_index_build(cx, c, OG_INDEX_BTREE, 1, who ? OG_STR("i1") : OG_STR("i0"));
  case REWRITE: return carry_all(cx, c, base);
  case PROJECT: return og_lance_change_rename_column(cx, c, 1, who ? OG_STR("m1") : OG_STR("m0"));
  case MERGE: return add_column(cx, c, base, who);
  case RESTORE: return restore_first(w, c);
  default: return og_lance_change_config(cx, c, who ? OG_STR("k1") : OG_STR("k0"), &value);
  }
}

static og_lance_change *change_of(small_world *w, og_lance_table *base, int kind, int who)
{
  og_ctx *cx = &w->w.cx;
  const og_lance_place at = small_place(w, NULL);
  og_lance_change_opts opts;
  og_lance_change *c;
  OG_CHECK_OK(cx, small_opts(cx, &w->ulids, ops[kind], &opts));
  OG_CHECK_OK(cx, og_lance_change_new(cx, &at, base, &opts, &c));
  OG_CHECK_OK(cx, fill(w, c, base, kind, who));
  return c;
}

static void commit_first(small_world *w)
{
  og_ctx *cx = &w->w.cx;
  og_lance_table *t, *next;
  OG_CHECK_OK(cx, small_commit(cx, w, NULL, &(small_step){.op = OG_LANCE_OVERWRITE, .insert = 3}, &t));
  OG_CHECK_OK(cx, small_commit(cx, w, t, &(small_step){.op = OG_LANCE_APPEND, .insert_from = 3, .insert = 1}, &next));
  og_lance_table_unref(next);
  og_lance_table_unref(t);
}

/* ---- one pair */

static void check_result(small_world *w, int mine, int theirs)
{
  og_ctx *cx = &w->w.cx;
  og_lance_table *t = open_version(w, 4);
  state s = first_state();
  set_row(&s, 3, 3);
  s = apply(apply(s, theirs, 1), mine, 0);
  const og_str got = read_state(cx, t), want = describe(cx, &s);
  if (!og_str_eq(got, want)) printf("%s on top of %s:\n", names[mine], names[theirs]);
  OG_CHECK_STR(got, want);
  og_lance_table_unref(t);
}

static void try_pair(int mine, int theirs)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  commit_first(&w);
  og_lance_table *base = open_version(&w, 2);
  og_lance_change *ours = change_of(&w, base, mine, 0), *other = change_of(&w, base, theirs, 1);
  OG_CHECK_OK(cx, og_lance_commit(cx, other, false, NULL, NULL));
  const og_status st = og_lance_commit(cx, ours, true, NULL, NULL), want = verdicts[mine][2 * theirs] == 'y' ? OG_OK : OG_ECONFLICT;
  if (st != want) printf("%s on top of %s: %s\n", names[mine], names[theirs], st == OG_OK ? "no error" : cx->err->text);
  OG_CHECK(st == want);
  if (st == OG_OK) check_result(&w, mine, theirs);
  og_error_clear(cx);
  og_lance_change_free(cx, ours);
  og_lance_change_free(cx, other);
  og_lance_table_unref(base);
  small_close(&w);
}

OG_TEST(lance_conflict, every_kind_against_every_kind)
{
  for (int mine = 0; mine < KINDS; mine++)
    for (int theirs = 0; theirs < KINDS; theirs++) try_pair(mine, theirs);
}

/* ---- the same things changed */

static og_status race(small_world *w, int mine, int theirs)
{
  og_ctx *cx = &w->w.cx;
  commit_first(w);
  og_lance_table *base = open_version(w, 2);
  og_lance_change *ours = change_of(w, base, mine, 0), *other = change_of(w, base, theirs, 0);
  OG_CHECK_OK(cx, og_lance_commit(cx, other, false, NULL, NULL));
  og_status st = og_lance_commit(cx, ours, true, NULL, NULL);
  og_lance_change_free(cx, ours);
  og_lance_change_free(cx, other);
  og_lance_table_unref(base);
  return st;
}

OG_TEST(lance_conflict, the_same_row_column_key_or_name)
{
  static const int same[][2] = {{DELETE, DELETE}, {UPDATE, UPDATE}, {INDEX, INDEX}, {CONFIG, CONFIG}};
  for (size_t i = 0; i < OG_ARRAY_LEN(same); i++) {
    small_world w;
    og_ctx *cx = small_open(&w);
    OG_CHECK_STATUS(cx, race(&w, same[i][0], same[i][1]), OG_ECONFLICT);
    small_close(&w);
  }
}

/* Rows that somebody deleted while they were carried over stay deleted. */
OG_TEST(lance_conflict, a_compaction_brings_nothing_back)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  OG_CHECK_OK(cx, race(&w, REWRITE, DELETE));
  og_lance_table *t = open_version(&w, 4);
  SMALL_CHECK_ROWS(cx, t, "r1=1/1.1.1 r2=2/2.1.1 r3=3/3.2.2");
  OG_CHECK_U64(og_lance_table_fragments(t), 1);
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST_MAIN(OG_CASE(lance_conflict, every_kind_against_every_kind),
             OG_CASE(lance_conflict, the_same_row_column_key_or_name),
             OG_CASE(lance_conflict, a_compaction_brings_nothing_back))
