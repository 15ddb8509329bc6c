/* SPDX-License-Identifier: MIT */
/* One open version read by several threads at once: all first uses race, all see the same rows. */
#include "small_table.h"

#include <pthread.h>

#define THREADS 4

typedef struct reader {
  og_ctx cx;
  og_error err;
  og_arena arena;
  og_lance_table *table;
  og_status st;
  og_str rows;
} reader;

static void *read_all(void *arg)
{
  reader *r = arg;
  const uint8_t *deleted;
  r->st = og_lance_table_deleted(&r->cx, r->table, &deleted);
  if (r->st == OG_OK) r->st = small_print(&r->cx, r->table, &r->rows);
  return NULL;
}

static void race(small_world *w)
{
  og_ctx *cx = &w->w.cx;
  const og_lance_place at = small_place(w, "");
  static reader readers[THREADS];
  pthread_t threads[THREADS];
  og_lance_table *t;
  OG_CHECK_OK(cx, og_lance_table_open(cx, &at, 3, OG_STR_NONE, &t));
  for (int i = 0; i < THREADS; i++) {
    readers[i] = (reader){.table = t};
    og_ctx_child(&readers[i].cx, cx, &readers[i].err, &readers[i].arena);
    OG_CHECK(pthread_create(&threads[i], NULL, read_all, &readers[i]) == 0);
  }
  for (int i = 0; i < THREADS; i++) OG_CHECK(pthread_join(threads[i], NULL) == 0);
  for (int i = 0; i < THREADS; i++) {
    OG_CHECK_OK(&readers[i].cx, readers[i].st);
    OG_CHECK_STR(readers[i].rows, OG_STR("r1=1/1.1.1 r2=2/2.1.1 r9=9/3.2.2"));
    og_arena_cleanup(&readers[i].arena);
  }
  og_lance_table_unref(t);
}

OG_TEST(table, threads_may_share_an_open_version)
{
  small_world w;
  og_ctx *cx = small_open(&w);
  og_lance_table *one, *two, *three;
  const uint64_t drop = 0;
  const small_step create = {.op = OG_LANCE_OVERWRITE, .insert = 3};
  const small_step insert = {.op = OG_LANCE_UPDATE, .insert_from = 9, .insert = 1};
  const small_step remove = {.op = OG_LANCE_DELETE, .drop = &drop, .n_drop = 1};
  OG_CHECK_OK(cx, small_commit(cx, &w, NULL, &create, &one));
  OG_CHECK_OK(cx, small_commit(cx, &w, one, &insert, &two));
  OG_CHECK_OK(cx, small_commit(cx, &w, two, &remove, &three));
  og_lance_table_unref(one);
  og_lance_table_unref(two);
  og_lance_table_unref(three);
  for (int i = 0; i < 50; i++) race(&w);
  small_close(&w);
}

OG_TEST_MAIN(OG_CASE(table, threads_may_share_an_open_version))
