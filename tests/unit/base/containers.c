/* SPDX-License-Identifier: MIT */
/* Memory, arenas, buffers, vectors and maps: each against the plainest model of itself. */
#include "og_test_world.h"

#include "base/map.h"
#include "base/mem_reuse.h"
#include "base/vec.h"

#include <stdio.h>

static uint64_t next(uint64_t *state)
{
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

OG_TEST(mem, counts_limits_and_fails_the_call_it_is_told)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  const uint64_t before = w.rt.mem.in_use;
  void *p = og_alloc(cx, 1000);
  OG_CHECK(p != NULL && w.rt.mem.in_use >= before + 1000);
  w.rt.mem.limit = w.rt.mem.in_use + 500;
  OG_CHECK(og_alloc(cx, 1000) == NULL && cx->err->status == OG_ENOMEM);
  OG_CHECK(og_realloc(cx, p, 4000) == NULL);
  memset(p, 1, 1000); /* a failed realloc keeps the block */
  w.rt.mem.limit = 0;
  w.rt.mem.fail_at = w.rt.mem.calls + 2;
  void *q = og_alloc(cx, 1);
  OG_CHECK(q != NULL && og_alloc(cx, 1) == NULL);
  void *r = og_alloc(cx, 1);
  OG_CHECK(r != NULL);
  OG_CHECK(og_calloc(cx, SIZE_MAX / 2, 3) == NULL && og_alloc(cx, SIZE_MAX - 8) == NULL);
  OG_CHECK(w.rt.mem.peak >= w.rt.mem.in_use);
  og_free(p);
  og_free(q);
  og_free(r);
  og_free(NULL);
  OG_CHECK_U64(w.rt.mem.in_use, before);
  og_test_world_close(&w);
}

/* Leaks and uses after the end are the address sanitizer's to see. */
OG_TEST(mem, an_account_on_the_heap_lives_as_long_as_its_last_block)
{
  og_error err = {0};
  og_mem *m = og_mem_new(4096);
  og_ctx cx = {.err = &err, .mem = m};
  OG_CHECK(m != NULL);
  void *first = og_alloc(&cx, 100), *last = og_alloc(&cx, 200);
  OG_CHECK(first != NULL && last != NULL && og_alloc(&cx, 4096) == NULL);
  og_free(first);
  og_mem_free(m);
  OG_CHECK_U64(m->in_use, 200 + 32); /* the block that is left, with its header */
  og_free(last);
  og_mem_free(NULL);
  m = og_mem_new(0);
  cx.mem = m;
  og_free(og_alloc(&cx, 1));
  OG_CHECK(m->in_use > 0); /* itself: empty is not over */
  og_mem_free(m);
}

OG_TEST(mem, a_spent_budget_is_a_limit_by_its_name_and_its_blocks_outlive_it)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_mem *outer = NULL;
  uint64_t before = w.rt.mem.in_use;
  OG_CHECK_OK(cx, og_ctx_budget_begin(cx, 4096, "query memory", &outer));
  void *kept = og_alloc(cx, 1000);
  OG_CHECK(kept && !og_alloc(cx, 4000));
  OG_CHECK_STATUS(cx, og_ctx_budget_end(cx, outer, OG_ENOMEM), OG_ELIMIT);
  OG_CHECK(w.err.status == OG_ELIMIT && w.err.detail.kind == OG_DETAIL_RESOURCE_LIMIT);
  OG_CHECK_STR(og_str_of(w.err.detail.resource), OG_STR("query memory"));
  OG_CHECK_U64(w.err.detail.limit, 4096);
  OG_CHECK(w.err.detail.used > 4096);
  OG_CHECK(w.rt.mem.in_use > before + 1000); /* counted outside as well */
  void *after = og_alloc(cx, 4000);
  OG_CHECK(after);
  og_free(after);
  og_free(kept);
  OG_CHECK_U64(w.rt.mem.in_use, before);
  /* The outer limit is no budget of ours. */
  w.rt.mem.limit = before + 1000;
  OG_CHECK_OK(cx, og_ctx_budget_begin(cx, 1 << 20, "query memory", &outer));
  OG_CHECK(!og_alloc(cx, 4000));
  OG_CHECK_STATUS(cx, og_ctx_budget_end(cx, outer, OG_ENOMEM), OG_ENOMEM);
  OG_CHECK_U64(w.rt.mem.in_use, before);
  w.rt.mem.limit = 0;
  og_test_world_close(&w);
}

OG_TEST(mem, large_blocks_are_taken_again_up_to_a_ceiling)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_mem *m = og_mem_new(0), *was = cx->mem;
  OG_CHECK(m);
  cx->mem = m;
  for (size_t size = 1; size < (size_t)9 << 20; size += size / 3 + 1) {
    const size_t kept = og_mem_reuse_size(size);
    OG_CHECK(kept == 0 || (kept >= size && kept - size <= size / 8));
  }
  char *a = og_alloc_aligned(cx, 1 << 20), *b = og_alloc_aligned(cx, 1000);
  memset(a, 1, 1 << 20);
  og_free(a);
  og_free(b);
  if (og_mem_reuse_size(1 << 20)) { /* sanitizers switch it off */
    OG_CHECK(m->reuse->bytes > 1 << 20);
    const char *again = og_alloc_aligned(cx, (1 << 20) + 100); /* of the same class */
    OG_CHECK(again == a);
    OG_CHECK_U64(m->reuse->bytes, 0);
    og_free((void *)(uintptr_t)again);
  }
  void *many[100];
  for (int i = 0; i < 100; i++) many[i] = og_alloc_aligned(cx, 1 << 20);
  for (int i = 0; i < 100; i++) og_free(many[i]);
  OG_CHECK(m->reuse->bytes <= OG_MEM_REUSE_BYTES);
  OG_CHECK_U64(m->in_use, sizeof *m); /* what waits is nobody's */
  cx->mem = was;
  og_mem_free(m);
  og_test_world_close(&w);
}

OG_TEST(mem, blocks_are_aligned_and_aligned_ones_readable_beyond_their_end)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  for (size_t size = 0; size < 200; size += 7) {
    void *plain = og_zalloc(cx, size), *aligned = og_alloc_aligned(cx, size);
    OG_CHECK((uintptr_t)plain % 16 == 0 && (uintptr_t)aligned % 64 == 0);
    for (size_t i = 0; i < size; i++) OG_CHECK(((char *)plain)[i] == 0);
    for (size_t i = 0; i < 64; i++) OG_CHECK(((char *)aligned)[size + i] == 0);
    og_free(plain);
    og_free(aligned);
  }
  og_test_world_close(&w);
}

OG_TEST(arena, blocks_are_apart_and_reset_keeps_one_chunk)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_arena a = {0};
  char *blocks[500];
  for (unsigned round = 0; round < 3; round++) {
    for (size_t i = 0; i < 500; i++) {
      blocks[i] = og_arena_alloc(cx, &a, i);
      OG_CHECK(blocks[i] != NULL && (uintptr_t)blocks[i] % 16 == 0);
      memset(blocks[i], (int)i, i);
    }
    for (size_t i = 0; i < 500; i++)
      for (size_t k = 0; k < i; k++) OG_CHECK(blocks[i][k] == (char)i);
    og_arena_reset(&a);
  }
  og_str s;
  OG_CHECK_OK(cx, og_arena_str(cx, &a, OG_STR("abc"), &s));
  OG_CHECK(s.ptr[3] == '\0' && s.len == 3);
  OG_CHECK_OK(cx, og_arena_printf(cx, &a, &s, "%d-%s", 7, "x"));
  OG_CHECK_STR(s, OG_STR("7-x"));
  OG_CHECK(og_arena_alloc(cx, &a, SIZE_MAX - 3) == NULL);
  OG_CHECK(og_arena_calloc(cx, &a, SIZE_MAX / 2, 4) == NULL);
  og_arena_cleanup(&a);
  og_test_world_close(&w);
}

OG_TEST(buf, appends_everything_it_offers)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_buf b = {0}, c = {0};
  OG_CHECK_OK(cx, og_buf_append_u64(cx, &b, UINT64_MAX));
  OG_CHECK_OK(cx, og_buf_append_byte(cx, &b, ' '));
  OG_CHECK_OK(cx, og_buf_append_i64(cx, &b, INT64_MIN));
  OG_CHECK_OK(cx, og_buf_append_i64(cx, &b, 0));
  OG_CHECK_OK(cx, og_buf_printf(cx, &b, "%03d%s", 7, "!"));
  OG_CHECK_STR(og_buf_str(&b), OG_STR("18446744073709551615 -92233720368547758080007!"));
  og_buf_clear(&b);
  OG_CHECK_OK(cx, og_buf_put_u16(cx, &b, 0x0201));
  OG_CHECK_OK(cx, og_buf_put_u32(cx, &b, 0x06050403));
  OG_CHECK_OK(cx, og_buf_put_u64(cx, &b, 0x0e0d0c0b0a090807));
  OG_CHECK_U64(b.len, 14);
  for (size_t i = 0; i < 14; i++) OG_CHECK_U64(b.data[i], i + 1);
  OG_CHECK_OK(cx, og_buf_pad(cx, &b, 8));
  OG_CHECK_OK(cx, og_buf_pad(cx, &b, 8)); /* already there */
  OG_CHECK(b.len == 16 && b.data[14] == 0 && b.data[15] == 0);
  OG_CHECK_STATUS(cx, og_buf_reserve(cx, &b, SIZE_MAX - 4), OG_ENOMEM);
  OG_CHECK_OK(cx, og_buf_append_str(cx, &c, OG_STR("old")));
  og_buf_move(&c, &b);
  OG_CHECK(c.len == 16 && b.data == NULL && b.len == 0 && b.cap == 0);
  og_buf_cleanup(&c);
  og_test_world_close(&w);
}

static int by_key(const void *a, const void *b, void *arg)
{
  const uint32_t x = *(const uint32_t *)a >> 20, y = *(const uint32_t *)b >> 20;
  ++*(size_t *)arg;
  return x < y ? -1 : x > y;
}

OG_TEST(vec, grows_removes_in_order_and_sorts_stably)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_vec v = OG_VEC_INIT(uint32_t);
  uint64_t state = 3;
  for (uint32_t n = 0; n < 300; n += 1 + n / 8) {
    size_t calls = 0;
    og_vec_clear(&v);
    for (uint32_t i = 0; i < n; i++) { /* 16 keys; the low bits remember the order */
      const uint32_t x = (uint32_t)(next(&state) % 16) << 20 | i;
      OG_CHECK_OK(cx, og_vec_add(cx, &v, &x));
    }
    OG_CHECK_OK(cx, og_sort(cx, v.data, v.len, v.elem, by_key, &calls));
    for (uint32_t i = 1; i < n; i++) OG_CHECK(OG_VEC_AT(&v, uint32_t, i - 1) < OG_VEC_AT(&v, uint32_t, i));
    OG_CHECK(calls <= (size_t)n * 9);
  }
  og_vec_clear(&v);
  for (uint32_t i = 0; i < 10; i++) {
    uint32_t *at = og_vec_push(cx, &v);
    OG_CHECK(at != NULL && *at == 0);
    *at = i;
  }
  og_vec_remove(&v, 9);
  og_vec_remove(&v, 0);
  og_vec_remove(&v, 3);
  static const uint32_t left[] = {1, 2, 3, 5, 6, 7, 8};
  OG_CHECK(v.len == 7 && memcmp(v.data, left, sizeof left) == 0);
  OG_CHECK_STATUS(cx, og_vec_reserve(cx, &v, SIZE_MAX / 2), OG_ENOMEM);
  og_vec_cleanup(&v);
  og_test_world_close(&w);
}

#define KEYS 700

OG_TEST(map, agrees_with_an_array_and_iterates_in_insertion_order)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_map m;
  og_umap u;
  uint64_t state = 5, value, model[KEYS] = {0}, turn[KEYS] = {0}; /* 0: absent; turn: when it was inserted */
  og_map_init(&m, true);
  og_umap_init(&u);
  for (uint64_t step = 1; step < 40000; step++) {
    const uint64_t k = next(&state) % KEYS;
    char text[8] = {'k', (char)('0' + k / 100), (char)('0' + k / 10 % 10), (char)('0' + k % 10)};
    const og_str key = og_str_from(text, 4);
    bool was_new = false;
    if (next(&state) % 3) {
      OG_CHECK_OK(cx, og_map_put(cx, &m, key, step, &was_new));
      OG_CHECK(was_new == !model[k]);
      OG_CHECK_OK(cx, og_umap_put(cx, &u, k << 40, step, &was_new));
      OG_CHECK(was_new == !model[k]);
      if (was_new) turn[k] = step;
      model[k] = step;
    } else {
      OG_CHECK(og_map_remove(&m, key) == !!model[k] && og_umap_remove(&u, k << 40) == !!model[k]);
      model[k] = 0;
    }
    OG_CHECK(og_map_get(&m, key, &value) == !!model[k] && (!model[k] || value == model[k]));
    OG_CHECK(og_umap_get(&u, k << 40, &value) == !!model[k] && (!model[k] || value == model[k]));
  }
  size_t pos = 0, upos = 0, n = 0;
  uint64_t last = 0;
  for (const og_map_entry *e; (e = og_map_next(&m, &pos)) != NULL; n++) {
    const uint64_t k = (uint64_t)(e->key.ptr[1] - '0') * 100 + (uint64_t)(e->key.ptr[2] - '0') * 10 +
                       (uint64_t)(e->key.ptr[3] - '0');
    const og_map_entry *ue = og_map_next(&u, &upos);
    OG_CHECK(e->value == model[k] && turn[k] > last && ue && ue->num == k << 40 && ue->value == model[k]);
    last = turn[k];
  }
  OG_CHECK(n == m.len && n == u.len && og_map_next(&u, &upos) == NULL);
  for (size_t k = 0; k < KEYS; k++) n -= model[k] != 0;
  OG_CHECK_U64(n, 0);
  og_map_clear(&m);
  OG_CHECK(m.len == 0 && !og_map_get(&m, OG_STR("k001"), NULL));
  OG_CHECK_OK(cx, og_map_put(cx, &m, OG_STR(""), 9, NULL)); /* the empty key is a key */
  OG_CHECK(og_map_get(&m, OG_STR(""), &value) && value == 9);
  og_map_cleanup(&m);
  og_map_cleanup(&u);
  og_test_world_close(&w);
}

OG_TEST(map, is_empty_after_every_clear_however_large_it_was)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_umap u;
  uint64_t state = 9, value;
  og_umap_init(&u);
  for (int round = 0; round < 300; round++) {
    uint64_t n = round == 0 ? 5000 : next(&state) % (round % 10 ? 40 : 4000);
    for (uint64_t i = 0; i < n; i++) {
      uint64_t key = next(&state) % 10000;
      OG_CHECK_OK(cx, og_umap_put(cx, &u, key, (uint64_t)round, NULL));
      if (i % 7 == 0) OG_CHECK(og_umap_remove(&u, key));
    }
    for (uint64_t k = 0; k < 10000; k += 1 + k % 3) OG_CHECK(!og_umap_get(&u, k, &value) || value == (uint64_t)round);
    og_map_clear(&u);
    OG_CHECK(u.len == 0);
    for (size_t i = 0; i < u.n_slots; i++) OG_CHECK(u.slots[i] == 0);
  }
  og_map_cleanup(&u);
  og_test_world_close(&w);
}

OG_TEST(map, stays_whole_when_growing_fails)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  for (uint64_t nth = 1, failed = 1; failed; nth++) {
    og_umap u;
    uint64_t value, n = 0;
    og_umap_init(&u);
    failed = 0;
    w.rt.mem.fail_at = w.rt.mem.calls + nth;
    for (; n < 200 && !failed; n++) failed = og_umap_put(cx, &u, n, n * 2, NULL) != OG_OK;
    if (failed) n--; /* that one is not in it */
    OG_CHECK_U64(u.len, n);
    for (uint64_t k = 0; k < 200; k++) OG_CHECK(og_umap_get(&u, k, &value) == (k < n) && (k >= n || value == k * 2));
    OG_CHECK_OK(cx, og_umap_put(cx, &u, 1000, 1, NULL)); /* and usable */
    og_map_cleanup(&u);
    og_error_clear(cx);
  }
  w.rt.mem.fail_at = 0;
  og_test_world_close(&w);
}

OG_TEST(map, looks_many_keys_up_as_one_by_one)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_map m;
  static char texts[2000][8];
  og_str keys[2000];
  uint64_t values[2000];
  og_map_init(&m, true);
  og_map_get_many(&m, keys, 0, values);
  for (size_t i = 0; i < 2000; i++) {
    keys[i] = og_str_from(texts[i], (size_t)snprintf(texts[i], sizeof texts[i], "k%zu", i));
    values[i] = UINT64_MAX;
    if (i % 3 == 0) OG_CHECK_OK(cx, og_map_put(cx, &m, keys[i], i, NULL));
  }
  OG_CHECK(og_map_remove(&m, keys[999]));
  og_map_get_many(&m, keys, 2000, values);
  for (size_t i = 0; i < 2000; i++) OG_CHECK_U64(values[i], i % 3 == 0 && i != 999 ? i : UINT64_MAX);
  og_map_cleanup(&m);
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(mem, counts_limits_and_fails_the_call_it_is_told),
             OG_CASE(mem, an_account_on_the_heap_lives_as_long_as_its_last_block),
             OG_CASE(mem, a_spent_budget_is_a_limit_by_its_name_and_its_blocks_outlive_it),
             OG_CASE(mem, large_blocks_are_taken_again_up_to_a_ceiling),
             OG_CASE(mem, blocks_are_aligned_and_aligned_ones_readable_beyond_their_end),
             OG_CASE(arena, blocks_are_apart_and_reset_keeps_one_chunk), OG_CASE(buf, appends_everything_it_offers),
             OG_CASE(vec, grows_removes_in_order_and_sorts_stably),
             OG_CASE(map, agrees_with_an_array_and_iterates_in_insertion_order),
             OG_CASE(map, is_empty_after_every_clear_however_large_it_was),
             OG_CASE(map, stays_whole_when_growing_fails), OG_CASE(map, looks_many_keys_up_as_one_by_one))
