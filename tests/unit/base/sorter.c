/* SPDX-License-Identifier: MIT */
/* The external sorter against a sort in memory, with budgets small enough for many runs and several passes. */
#include "og_test_world.h"

#include "base/env_sim.h"
#include "base/sorter.h"
#include "base/vec.h"

#include <errno.h>

typedef struct model {
  char key[40];
  size_t len;
  uint32_t order;
} model;

static uint64_t next(uint64_t *state)
{
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

static int by_key(const void *a, const void *b, void *arg)
{
  (void)arg;
  const model *x = a, *y = b;
  return og_str_cmp(og_str_from(x->key, x->len), og_str_from(y->key, y->len));
}

static void make(model *m, size_t n, uint64_t seed)
{
  for (size_t i = 0; i < n; i++) {
    m[i].len = next(&seed) % (next(&seed) % 4 ? 4 : sizeof m[i].key); /* short ones repeat */
    m[i].order = (uint32_t)i;
    for (size_t k = 0; k < m[i].len; k++) m[i].key[k] = (char)(next(&seed) % 3 ? 'a' : next(&seed));
  }
}

static og_status add_all(og_ctx *cx, og_sorter *s, const model *m, size_t n)
{
  for (size_t i = 0; i < n; i++)
    OG_TRY(og_sorter_add(cx, s, og_str_from(m[i].key, m[i].len),
                         og_str_from((const char *)&m[i].order, sizeof m[i].order)));
  return og_sorter_sort(cx, s);
}

/* Reads everything; *same: it is what `m`, sorted, says. */
static og_status read_all(og_ctx *cx, og_sorter *s, const model *m, size_t n, bool *same)
{
  og_sorted *r;
  og_record record;
  bool more = true;
  size_t i = 0;
  *same = true;
  OG_TRY(og_sorted_open(cx, s, &r));
  og_status st;
  while ((st = og_sorted_next(cx, r, &record, &more)) == OG_OK && more) {
    *same = *same && i < n && og_str_eq(record.key, og_str_from(m[i].key, m[i].len)) &&
            memcmp(record.value.ptr, &m[i].order, sizeof m[i].order) == 0;
    i++;
  }
  og_sorted_close(r);
  *same = *same && i == n;
  return st;
}

OG_TEST(sorter, gives_back_every_record_in_order_whatever_fits_into_memory)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  static model m[5000];
  static const size_t budgets[] = {1, 3000, 40000, 1 << 20}, sizes[] = {0, 1, 100, 5000};
  for (size_t b = 0; b < OG_ARRAY_LEN(budgets); b++)
    for (size_t k = 0; k < OG_ARRAY_LEN(sizes); k++) {
      size_t n = sizes[k];
      bool same;
      og_sorter *s;
      make(m, n, b * 7 + k);
      OG_CHECK_OK(cx, og_sorter_new(cx, budgets[b], &s));
      OG_CHECK_OK(cx, add_all(cx, s, m, n));
      OG_CHECK_OK(cx, og_sort(cx, m, n, sizeof *m, by_key, NULL)); /* stable, as the sorter */
      OG_CHECK_U64(og_sorter_len(s), n);
      OG_CHECK(og_sorter_spilled(s) == (n > 1 && budgets[b] < (1 << 20) && !(n == 100 && budgets[b] > 9000)));
      for (int twice = 0; twice < 2; twice++) {
        OG_CHECK_OK(cx, read_all(cx, s, m, n, &same));
        OG_CHECK(same);
      }
      og_sorter_free(cx, s);
    }
  og_test_world_close(&w);
}

OG_TEST(sorter, stays_within_a_small_multiple_of_its_budget)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_sorter *s;
  uint64_t seed = 1;
  OG_CHECK_OK(cx, og_sorter_new(cx, 1 << 20, &s));
  for (int i = 0; i < 400000; i++) { /* 16 MB of records */
    uint64_t key[2] = {next(&seed), next(&seed)};
    OG_CHECK_OK(cx, og_sorter_add(cx, s, og_str_from((const char *)key, sizeof key), OG_STR_NONE));
  }
  OG_CHECK_OK(cx, og_sorter_sort(cx, s));
  og_sorted *r;
  og_record record;
  bool more;
  OG_CHECK_OK(cx, og_sorted_open(cx, s, &r));
  for (int i = 0; i < 400000; i++) OG_CHECK_OK(cx, og_sorted_next(cx, r, &record, &more));
  OG_CHECK(more && w.rt.mem.peak < (5u << 20));
  OG_CHECK_OK(cx, og_sorted_next(cx, r, &record, &more));
  OG_CHECK(!more);
  og_sorted_close(r);
  og_sorter_free(cx, s);
  og_test_world_close(&w);
}

static og_status sort_once(og_ctx *cx, const model *m, size_t n, bool *same)
{
  og_sorter *s;
  OG_TRY(og_sorter_new(cx, 600, &s));
  og_status st = add_all(cx, s, m, n);
  if (st == OG_OK) st = read_all(cx, s, m, n, same);
  og_sorter_free(cx, s);
  return st;
}

OG_TEST(sorter, every_failing_call_of_the_disk_is_told_and_nothing_is_left_behind)
{
  static model m[300];
  make(m, OG_ARRAY_LEN(m), 3);
  og_status st = OG_ENOMEM;
  uint64_t n = 0;
  while (st != OG_OK) {
    og_sim *sim = og_sim_new(1);
    og_sim_process *p = og_sim_process_new(sim);
    og_error err;
    og_ctx cx;
    bool same;
    og_sim_ctx_init(p, &cx, &err, NULL);
    og_sim_fail_at(p, ++n, ENOSPC);
    uint64_t before = og_sim_runtime(p)->mem.in_use;
    st = sort_once(&cx, m, OG_ARRAY_LEN(m), &same);
    OG_CHECK(st == OG_OK || st == OG_ELIMIT);
    OG_CHECK_U64(og_sim_runtime(p)->mem.in_use, before);
    og_sim_free(sim);
  }
  OG_CHECK(n > 50);
}

OG_TEST(sorter, every_failing_allocation_is_told_and_nothing_is_left_behind)
{
  static model m[300];
  make(m, OG_ARRAY_LEN(m), 3);
  og_status st = OG_ENOMEM;
  uint64_t n = 0;
  while (st != OG_OK) {
    og_test_world w;
    og_ctx *cx = og_test_world_open(&w);
    bool same;
    w.rt.mem.fail_at = w.rt.mem.calls + ++n;
    st = sort_once(cx, m, OG_ARRAY_LEN(m), &same);
    OG_CHECK(st == OG_OK || st == OG_ENOMEM);
    w.rt.mem.fail_at = 0;
    og_test_world_close(&w);
  }
  OG_CHECK(n > 50);
}

OG_TEST_MAIN(OG_CASE(sorter, gives_back_every_record_in_order_whatever_fits_into_memory),
             OG_CASE(sorter, stays_within_a_small_multiple_of_its_budget),
             OG_CASE(sorter, every_failing_call_of_the_disk_is_told_and_nothing_is_left_behind),
             OG_CASE(sorter, every_failing_allocation_is_told_and_nothing_is_left_behind))
