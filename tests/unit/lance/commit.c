/* SPDX-License-Identifier: MIT */
/* Changes made the newest version of a table that is part of no graph, by several writers. */
#include "unit/lance/small_table.h"

static og_lance_table *newest(small_world *w, uint64_t version)
{
  og_ctx *cx = &w->w.cx;
  const og_lance_place at = small_place(w, NULL);
  og_lance_table *t;
  uint64_t there;
  OG_CHECK_OK(cx, og_lance_newest_version(cx, &at, &there));
  OG_CHECK_U64(there, version);
  OG_CHECK_OK(cx, og_lance_table_open(cx, &at, version, OG_STR_NONE, &t));
  return t;
}

/* A change on `base`, and its commit. */
static og_status commit(small_world *w, og_lance_table *base, const small_step *s, bool rebase)
{
  og_lance_change *c;
  OG_TRY(small_change(&w->w.cx, w, base, s, &c));
  og_status st = og_lance_commit(&w->w.cx, c, rebase, NULL, NULL);
  og_lance_change_free(&w->w.cx, c);
  return st;
}

static const small_step make = {.op = OG_LANCE_OVERWRITE, .insert = 3};
static const uint64_t second[] = {1};

OG_TEST(lance_commit, changes_follow_one_another)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  OG_CHECK_OK(cx, commit(&w, NULL, &make, true));
  og_lance_table *t = newest(&w, 1);
  OG_CHECK_OK(cx, commit(&w, t, &(small_step){.op = OG_LANCE_APPEND, .insert_from = 10, .insert = 1}, true));
  og_lance_table_unref(t);
  t = newest(&w, 2);
  OG_CHECK_OK(cx, commit(&w, t, &(small_step){.op = OG_LANCE_DELETE, .drop = second, .n_drop = 1}, false));
  og_lance_table_unref(t);
  t = newest(&w, 3);
  SMALL_CHECK_ROWS(cx, t, "r0=0/0.1.1 r2=2/2.1.1 r10=10/3.2.2");
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST(lance_commit, an_append_that_lost_the_race_goes_on_top)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  OG_CHECK_OK(cx, commit(&w, NULL, &make, true));
  og_lance_table *t = newest(&w, 1);
  for (int64_t i = 10; i < 13; i++)
    OG_CHECK_OK(cx, commit(&w, t, &(small_step){.op = OG_LANCE_APPEND, .insert_from = i, .insert = 1}, true));
  og_lance_table_unref(t);
  t = newest(&w, 4);
  SMALL_CHECK_ROWS(cx, t, "r0=0/0.1.1 r1=1/1.1.1 r2=2/2.1.1 r10=10/3.2.2 r11=11/4.3.3 r12=12/5.4.4");
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST(lance_commit, a_conflict_changes_nothing)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  const small_step drop = {.op = OG_LANCE_DELETE, .drop = second, .n_drop = 1};
  OG_CHECK_OK(cx, commit(&w, NULL, &make, true));
  og_lance_table *t = newest(&w, 1);
  OG_CHECK_OK(cx, commit(&w, t, &drop, true));
  OG_CHECK_STATUS(cx, commit(&w, t, &drop, false), OG_ECONFLICT); /* not to be rebased */
  OG_CHECK_STATUS(cx, commit(&w, t, &drop, true), OG_ECONFLICT);  /* the row is gone */
  OG_CHECK_STATUS(cx, commit(&w, NULL, &make, true), OG_EEXISTS);
  og_lance_table_unref(t);
  t = newest(&w, 2);
  SMALL_CHECK_ROWS(cx, t, "r0=0/0.1.1 r2=2/2.1.1");
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST(lance_commit, rows_are_found_by_id_wherever_they_moved)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  const uint64_t ids[] = {2, 1, 0, 2}, gone[] = {0, 7};
  uint64_t offsets[4];
  OG_CHECK_OK(cx, commit(&w, NULL, &make, true));
  og_lance_table *t = newest(&w, 1);
  OG_CHECK_OK(cx,
              commit(&w, t, &(small_step){.op = OG_LANCE_UPDATE, .update = second, .n_update = 1, .value = 5}, true));
  og_lance_table_unref(t);
  t = newest(&w, 2);
  SMALL_CHECK_ROWS(cx, t, "r0=0/0.1.1 r2=2/2.1.1 r1=6/1.1.2");
  OG_CHECK_OK(cx, og_lance_table_offsets(cx, t, ids, 4, offsets));
  OG_CHECK_U64(offsets[0], 2);
  OG_CHECK_U64(offsets[1], 3); /* its new place */
  OG_CHECK_U64(offsets[2], 0);
  OG_CHECK_U64(offsets[3], 2);
  OG_CHECK_STATUS(cx, og_lance_table_offsets(cx, t, gone, 2, offsets), OG_ENOTFOUND);
  og_lance_table_unref(t);
  small_close(&w);
}

OG_TEST_MAIN(OG_CASE(lance_commit, changes_follow_one_another),
             OG_CASE(lance_commit, an_append_that_lost_the_race_goes_on_top),
             OG_CASE(lance_commit, a_conflict_changes_nothing),
             OG_CASE(lance_commit, rows_are_found_by_id_wherever_they_moved))
