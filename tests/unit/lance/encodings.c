/* SPDX-License-Identifier: MIT */
/* Each encoding by itself: known bytes, round trips, and what it says to lies. */
#include "unit/og_test.h"

#include "base/env.h"
#include "lance/enc.h"

#include <stdio.h>

typedef struct world {
  og_runtime rt;
  og_error err;
  og_arena arena;
  og_ctx cx;
} world;

static void world_new(world *w)
{
  *w = (world){0};
  og_mem_init(&w->rt.mem, 0);
  og_ctx_init(&w->cx, &w->rt, &w->err, &w->arena);
}

static void world_free(world *w)
{
  og_arena_cleanup(&w->arena);
  OG_CHECK_U64(w->rt.mem.in_use, 0);
}

static uint64_t mix(uint64_t i)
{
  i = (i ^ i >> 30) * 0xBF58476D1CE4E5B9u;
  return (i ^ i >> 27) * 0x94D049BB133111EBu;
}

static void fill_words(unsigned width, unsigned bits, uint64_t seed, uint8_t *out)
{
  const uint64_t mask = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
  for (uint64_t i = 0; i < OG_LANCE__BLOCK; i++) {
    const uint64_t v = mix(seed + i) & mask;
    memcpy(out + i * width, &v, width);
  }
}

OG_TEST(bitpack, every_width_comes_back)
{
  static uint8_t values[OG_LANCE__BLOCK * 8], packed[OG_LANCE__BLOCK * 8], back[OG_LANCE__BLOCK * 8];
  for (unsigned width = 1; width <= 8; width *= 2)
    for (unsigned bits = 0; bits <= 8 * width; bits++) {
      fill_words(width, bits, bits, values);
      OG_CHECK(og_lance__bits_needed(width, values, OG_LANCE__BLOCK) <= bits);
      og_lance__pack(width, bits, values, packed);
      memset(back, 0xaa, sizeof back);
      og_lance__unpack(width, bits, packed, back);
      assert_memory_equal(values, back, (size_t)OG_LANCE__BLOCK * width);
    }
}

/* The definition, value by value: row r of lane l starts at bit r * W of the lane's stream of
 * words. */
OG_TEST(bitpack, the_layout_is_fastlanes)
{
  static const unsigned order[8] = {0, 4, 2, 6, 1, 5, 3, 7};
  static uint8_t values[OG_LANCE__BLOCK * 8], packed[OG_LANCE__BLOCK * 8];
  for (unsigned width = 1; width <= 8; width *= 2) {
    const unsigned word = 8 * width, lanes = OG_LANCE__BLOCK / word, bits = word / 2 + 1;
    fill_words(width, bits, 99, values);
    og_lance__pack(width, bits, values, packed);
    for (unsigned r = 0; r < word; r++)
      for (unsigned l = 0; l < lanes; l++) {
        const unsigned index = order[r / 8] * 16 + r % 8 * 128 + l;
        uint64_t got = 0;
        for (unsigned b = 0; b < bits; b++) {
          const unsigned at = r * bits + b;
          const uint64_t w = og_lance__uint(packed + (size_t)(at / word * lanes + l) * width, width);
          got |= (w >> at % word & 1) << b;
        }
        OG_CHECK_U64(got, og_lance__uint(values + (size_t)index * width, width));
      }
  }
}

OG_TEST(bitpack, a_short_tail_is_raw_when_that_is_smaller)
{
  world w;
  world_new(&w);
  static uint16_t values[3000], back[3000];
  for (unsigned i = 0; i < 3000; i++) values[i] = (uint16_t)(mix(i) & 7);
  for (unsigned n = 1; n <= 3000; n += 37) {
    og_buf out = {0};
    OG_CHECK_OK(&w.cx, og_lance__out_of_line_encode(&w.cx, 3, (const uint8_t *)values, n, 2, &out));
    const size_t tail = n % 1024, full = n / 1024 * 384;
    OG_CHECK_U64(out.len, full + (tail * 2 <= 384 ? tail * 2 : 384));
    OG_CHECK_OK(&w.cx, og_lance__out_of_line_decode(&w.cx, 3, og_buf_str(&out), n, 2, (uint8_t *)back));
    assert_memory_equal(values, back, n * 2);
    OG_CHECK_STATUS(&w.cx,
                    og_lance__out_of_line_decode(&w.cx, 3, og_str_from(out.data, out.len - 1), n, 2, (uint8_t *)back),
                    OG_ECORRUPT);
    og_buf_cleanup(&out);
  }
  world_free(&w);
}

OG_TEST(bitpack, an_inline_block_that_lies_about_its_bits_is_refused)
{
  world w;
  world_new(&w);
  uint32_t values[1024] = {1, 2, 3}, back[1024];
  og_buf out = {0};
  OG_CHECK_OK(&w.cx, og_lance__inline_encode(&w.cx, (const uint8_t *)values, 1024, 4, &out));
  OG_CHECK_U64(out.len, 4 + 128 * 2);
  OG_CHECK_OK(&w.cx, og_lance__inline_decode(&w.cx, og_buf_str(&out), 1024, 4, (uint8_t *)back));
  assert_memory_equal(values, back, sizeof values);
  out.data[0] = 3;
  OG_CHECK_STATUS(&w.cx, og_lance__inline_decode(&w.cx, og_buf_str(&out), 1024, 4, (uint8_t *)back), OG_ECORRUPT);
  out.data[0] = 33;
  OG_CHECK_STATUS(&w.cx, og_lance__inline_decode(&w.cx, og_buf_str(&out), 1024, 4, (uint8_t *)back), OG_ECORRUPT);
  og_buf_cleanup(&out);
  world_free(&w);
}

OG_TEST(rle, runs_longer_than_255_are_split_and_come_back)
{
  world w;
  world_new(&w);
  static const og_lance__enc flat = {.kind = OG_LANCE__ENC_FLAT, .bits = 16},
                             byte = {.kind = OG_LANCE__ENC_FLAT, .bits = 8};
  static const og_lance__enc rle = {.kind = OG_LANCE__ENC_RLE, .inner = &flat, .lengths = &byte};
  uint16_t values[1000], back[1000];
  for (unsigned i = 0; i < 1000; i++) values[i] = i < 700 ? 5 : (uint16_t)(i / 10);
  og_buf v = {0}, l = {0};
  OG_CHECK_OK(&w.cx, og_lance__rle_encode(&w.cx, (const uint8_t *)values, 1000, 2, &v, &l));
  OG_CHECK_U64(l.len, 3 + 30);
  OG_CHECK_U64(l.len, og_lance__rle_runs((const uint8_t *)values, 1000, 2));
  OG_CHECK_OK(&w.cx, og_lance__rle_decode(&w.cx, &rle, og_buf_str(&v), og_buf_str(&l), 1000, 2, (uint8_t *)back));
  assert_memory_equal(values, back, sizeof values);
  OG_CHECK_STATUS(&w.cx, og_lance__rle_decode(&w.cx, &rle, og_buf_str(&v), og_buf_str(&l), 999, 2, (uint8_t *)back),
                  OG_ECORRUPT);
  OG_CHECK_STATUS(
      &w.cx,
      og_lance__rle_decode(&w.cx, &rle, og_str_from(v.data, v.len - 2), og_buf_str(&l), 1000, 2, (uint8_t *)back),
      OG_ECORRUPT);
  og_buf_cleanup(&v);
  og_buf_cleanup(&l);
  world_free(&w);
}

OG_TEST(rle, a_block_of_values_and_lengths_is_split_only_when_it_is_whole)
{
  world w;
  world_new(&w);
  const uint8_t block[] = {2, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 'x'};
  og_str values, lengths;
  OG_CHECK_OK(&w.cx, og_lance__rle_split(&w.cx, og_str_from(block, sizeof block), &values, &lengths));
  assert_true(og_str_eq(values, OG_STR("ab")) && og_str_eq(lengths, OG_STR("x")));
  for (size_t n = 0; n < 10; n++) {
    OG_CHECK_STATUS(&w.cx, og_lance__rle_split(&w.cx, og_str_from(block, n), &values, &lengths), OG_ECORRUPT);
    og_error_clear(&w.cx);
  }
  world_free(&w);
}

OG_TEST(fsst, symbols_expand_and_an_escape_gives_one_byte)
{
  world w;
  world_new(&w);
  static uint8_t table[OG_LANCE__FSST_TABLE];
  const uint64_t header = (uint64_t)0x46535354 << 32 | 1u << 24 | 2;
  memcpy(table, &header, 8);
  memcpy(table + 8,
         "http://\0"
         "com\0\0\0\0\0",
         16);
  table[24] = 7;
  table[25] = 3;
  og_lance__fsst f;
  OG_CHECK_OK(&w.cx, og_lance__fsst_open(&w.cx, og_str_from(table, sizeof table), &f));
  uint8_t out[64];
  const size_t n = og_lance__fsst_expand(&f,
                                         OG_STR("\x00\xff"
                                                "a\xff.\x01"),
                                         out);
  OG_CHECK_STR(og_str_from(out, n), OG_STR("http://a.com"));
  OG_CHECK(og_lance__fsst_expand(&f, OG_STR("\x00\xff"), out) == SIZE_MAX);
  OG_CHECK(og_lance__fsst_expand(&f, OG_STR("\x02"), out) == SIZE_MAX);
  static const uint32_t want[] = {0, 7, UINT32_MAX, 8, UINT32_MAX, 9, 12};
  uint32_t marks[7];
  OG_CHECK(og_lance__fsst_expand_marked(&f, OG_STR("\x00\xff" "a\xff.\x01"), out, marks) == 12);
  OG_CHECK(memcmp(marks, want, sizeof want) == 0);
  OG_CHECK(og_lance__fsst_expand_marked(&f, OG_STR("\x00\x00\x00\x00\x00\xff"), out, marks) == SIZE_MAX);
  OG_CHECK(og_lance__fsst_expand_marked(&f, OG_STR("\x00\x00\x00\x02\x00"), out, marks) == SIZE_MAX);
  table[24] = 9;
  OG_CHECK_STATUS(&w.cx, og_lance__fsst_open(&w.cx, og_str_from(table, sizeof table), &f), OG_ECORRUPT);
  world_free(&w);
}

/* Kinds of strings: what number i of each is. */
static size_t make_string(int kind, uint64_t i, char *out)
{
  const uint64_t r = mix(i);
  switch (kind) {
  case 0: return (size_t)sprintf(out, "user-%06u@example.com", (unsigned)(r % 1000000));
  case 1: return (size_t)sprintf(out, "p%06u", (unsigned)(r % 100000));
  case 2: /* any bytes, zeros among them */
    for (size_t k = 0; k < r % 40; k++) out[k] = (char)(mix(i * 64 + k) >> 8 & 0xFF);
    return r % 40;
  case 3: memset(out, i % 2 ? 0 : 'a', r % 3); return r % 3; /* empty, and shorter than any hashed symbol */
  default: memset(out, 'x', r % 1000); return r % 1000;
  }
}

/* Strings [from, to) at once. */
static void check_marks(og_ctx *cx, const og_lance__fsst *f, const og_lance__slots *s, const og_lance__slots *coded,
                        uint64_t from, uint64_t to)
{
  const uint64_t first = og_lance__slots_offset(coded, from), plain = og_lance__slots_offset(s, from);
  const size_t n = (size_t)(og_lance__slots_offset(coded, to) - first);
  uint8_t *out = og_alloc(cx, 8 * n + 8);
  uint32_t *marks = og_alloc(cx, (n + 1) * sizeof *marks);
  OG_CHECK(out && marks);
  OG_CHECK(og_lance__fsst_expand_marked(f, og_str_from(coded->data.data + first, n), out, marks) ==
           og_lance__slots_offset(s, to) - plain);
  for (uint64_t i = from; i <= to; i++)
    OG_CHECK(marks[og_lance__slots_offset(coded, i) - first] == og_lance__slots_offset(s, i) - plain);
  OG_CHECK(memcmp(out, s->data.data + plain, (size_t)(og_lance__slots_offset(s, to) - plain)) == 0);
  og_free(out);
  og_free(marks);
}

OG_TEST(fsst, every_string_comes_back)
{
  static const double most[] = {0.45, 0.6, 2, 0.8, 0.2};
  for (int kind = 0; kind < 10; kind++) {
    world w;
    world_new(&w);
    og_lance__slots s, coded = {0};
    uint8_t table[OG_LANCE__FSST_TABLE];
    char text[1024];
    uint8_t back[1024 * 8], *at;
    bool pays;
    og_lance__fsst f;
    og_lance__slots_init(&s, (og_lance__shape){.form = OG_LANCE__VARBIN, .dim = 1, .wide = kind % 2 == 1});
    for (uint64_t i = 0; i < 40000; i++) {
      const size_t n = make_string(kind / 2, i, text);
      OG_CHECK_OK(&w.cx, og_lance__slots_open(&w.cx, &s, 1, n, &at));
      memcpy(at, text, n);
      og_lance__slots_set_end(&s, s.n - 1, s.data.len);
    }
    OG_CHECK_OK(&w.cx, og_lance__fsst_slots(&w.cx, &s, &coded, table, &pays));
    OG_CHECK(pays == (kind / 2 != 2)); /* random bytes cannot */
    OG_CHECK((double)coded.data.len <= most[kind / 2] * (double)s.data.len);
    OG_CHECK_OK(&w.cx, og_lance__fsst_open(&w.cx, og_str_from(table, sizeof table), &f));
    for (uint64_t i = 0; i < s.n; i++) {
      const size_t n = og_lance__fsst_expand(&f, og_lance__slots_str(&coded, i), back);
      OG_CHECK(og_str_eq(og_str_from(back, n), og_lance__slots_str(&s, i)));
    }
    for (uint64_t from = 0; from < s.n; from += 1000) check_marks(&w.cx, &f, &s, &coded, from, from + 1000);
    og_lance__slots_cleanup(&coded);
    og_lance__slots_cleanup(&s);
    world_free(&w);
  }
}

OG_TEST(general, an_lz4_buffer_that_claims_too_much_costs_no_memory)
{
  world w;
  world_new(&w);
  og_buf packed = {0}, plain = {0};
  OG_CHECK_OK(&w.cx, og_lance__lz4_encode(&w.cx, OG_STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), &packed));
  OG_CHECK_OK(&w.cx, og_lance__general_decode(&w.cx, OG_LANCE__LZ4, og_buf_str(&packed), &plain));
  OG_CHECK_STR(og_buf_str(&plain), OG_STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
  og_buf_cleanup(&plain);
  memcpy(packed.data, "\xff\xff\xff\x7f", 4);
  OG_CHECK_STATUS(&w.cx, og_lance__general_decode(&w.cx, OG_LANCE__LZ4, og_buf_str(&packed), &plain), OG_ECORRUPT);
  OG_CHECK(w.rt.mem.peak < 4096);
  OG_CHECK_STATUS(&w.cx, og_lance__general_decode(&w.cx, OG_LANCE__ZSTD, OG_STR("short"), &plain), OG_ECORRUPT);
  og_buf_cleanup(&plain);
  og_buf_cleanup(&packed);
  world_free(&w);
}

static void put_strings(world *w, og_lance__slots *s)
{
  static const char *const words[] = {"", "ada", "grace", "", "edsger"};
  for (size_t i = 0; i < OG_ARRAY_LEN(words); i++) {
    uint8_t *at;
    OG_CHECK_OK(&w->cx, og_lance__slots_open(&w->cx, s, 1, strlen(words[i]), &at));
    memcpy(at, words[i], strlen(words[i]));
    og_lance__slots_set_end(s, s->n - 1, s->data.len);
  }
}

OG_TEST(variable, chunks_and_blocks_come_back_with_narrow_and_wide_offsets)
{
  world w;
  world_new(&w);
  for (int wide = 0; wide < 2; wide++) {
    const og_lance__enc offsets = {.kind = OG_LANCE__ENC_FLAT, .bits = wide ? 64 : 32};
    const og_lance__enc e = {.kind = OG_LANCE__ENC_VARIABLE, .inner = &offsets};
    og_lance__slots s, back;
    og_buf chunk = {0}, block = {0};
    og_lance__slots_init(&s, (og_lance__shape){.form = OG_LANCE__VARBIN, .dim = 1, .wide = wide});
    og_lance__slots_init(&back, s.shape);
    put_strings(&w, &s);
    OG_CHECK_OK(&w.cx, og_lance__variable_encode(&w.cx, &s, 1, 4, &chunk));
    OG_CHECK_U64(chunk.len % (wide ? 8 : 4), 0);
    OG_CHECK_OK(&w.cx, og_lance__variable_block_encode(&w.cx, &s, &block));
    OG_CHECK_OK(&w.cx, og_lance__variable_decode(&w.cx, &e, og_buf_str(&chunk), 4, &back));
    OG_CHECK_OK(&w.cx, og_lance__variable_block_decode(&w.cx, &e, og_buf_str(&block), 5, &back));
    OG_CHECK_U64(back.n, 9);
    for (uint64_t i = 0; i < 4; i++) OG_CHECK_STR(og_lance__slots_str(&back, i), og_lance__slots_str(&s, i + 1));
    for (uint64_t i = 0; i < 5; i++) OG_CHECK_STR(og_lance__slots_str(&back, i + 4), og_lance__slots_str(&s, i));
    chunk.data[wide ? 8 : 4] = 0xff; /* the second offset now lies behind the third */
    OG_CHECK_STATUS(&w.cx, og_lance__variable_decode(&w.cx, &e, og_buf_str(&chunk), 4, &back), OG_ECORRUPT);
    OG_CHECK_STATUS(&w.cx, og_lance__variable_block_decode(&w.cx, &e, og_buf_str(&block), 500, &back), OG_ECORRUPT);
    og_buf_cleanup(&chunk);
    og_buf_cleanup(&block);
    og_lance__slots_cleanup(&s);
    og_lance__slots_cleanup(&back);
  }
  world_free(&w);
}

OG_TEST(encoding, trees_come_back_and_unknown_ones_are_named)
{
  world w;
  world_new(&w);
  static const og_lance__enc off = {.kind = OG_LANCE__ENC_FLAT, .bits = 32};
  static const og_lance__enc text = {.kind = OG_LANCE__ENC_VARIABLE, .inner = &off};
  static const og_lance__enc lz4 = {.kind = OG_LANCE__ENC_GENERAL, .scheme = OG_LANCE__LZ4, .inner = &text};
  og_buf out = {0};
  const og_lance__enc *back;
  OG_CHECK_OK(&w.cx, og_lance__enc_put(&w.cx, &out, 1, &lz4));
  /* field 1, 14 bytes: General { 1 { 1: lz4 }, 3 Variable { 1 Flat { 1: 32 } } } */
  OG_CHECK_U64(out.data[0], 0x0a);
  OG_CHECK_OK(&w.cx, og_lance__enc_parse(&w.cx, &w.arena, og_str_from(out.data + 2, out.len - 2), &back));
  OG_CHECK_U64(back->kind, OG_LANCE__ENC_GENERAL);
  OG_CHECK_U64(back->scheme, OG_LANCE__LZ4);
  OG_CHECK_U64(back->inner->kind, OG_LANCE__ENC_VARIABLE);
  OG_CHECK_U64(back->inner->inner->bits, 32);
  og_buf_cleanup(&out);
  OG_CHECK_STATUS(&w.cx, og_lance__enc_parse(&w.cx, &w.arena, OG_STR("\x3a\x00"), &back), OG_EUNSUPPORTED);
  OG_CHECK(strstr(w.err.text, "dictionary") != NULL);
  OG_CHECK_STATUS(&w.cx, og_lance__enc_parse(&w.cx, &w.arena, OG_STR("\x2a\x02\x08\x07"), &back), OG_ECORRUPT);
  world_free(&w);
}

OG_TEST_MAIN(OG_CASE(bitpack, every_width_comes_back), OG_CASE(bitpack, the_layout_is_fastlanes),
             OG_CASE(bitpack, a_short_tail_is_raw_when_that_is_smaller),
             OG_CASE(bitpack, an_inline_block_that_lies_about_its_bits_is_refused),
             OG_CASE(rle, runs_longer_than_255_are_split_and_come_back),
             OG_CASE(rle, a_block_of_values_and_lengths_is_split_only_when_it_is_whole),
             OG_CASE(fsst, symbols_expand_and_an_escape_gives_one_byte), OG_CASE(fsst, every_string_comes_back),
             OG_CASE(general, an_lz4_buffer_that_claims_too_much_costs_no_memory),
             OG_CASE(variable, chunks_and_blocks_come_back_with_narrow_and_wide_offsets),
             OG_CASE(encoding, trees_come_back_and_unknown_ones_are_named))
