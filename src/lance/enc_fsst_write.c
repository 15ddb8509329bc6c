/* SPDX-License-Identifier: MIT */
/* lance/enc_fsst_write.c -- FSST: finding a table of symbols, and coding with it.
 *
 * After Boncz, Neumann, Leis: "FSST: Fast Random Access String Compression", PVLDB 13(11), 2020.  A table begins empty.
 * Each of a few rounds codes a sample with it and counts the symbols and single bytes used, and which followed which;
 * the next table has the symbols that would save most: each one's count times its length, of those there are and of all
 * neighbours joined.  Coding is greedy: the longest symbol that matches.
 *
 *  (1) Symbols of 3 to 8 bytes are found by a hash of their first three, one per slot: of two that meet, the one that
 *      saves more stays.  Symbols of one and two bytes are found by table.
 *  (2) The sample is strings taken evenly from all over, so that the same column always gets the same table.  Early
 * rounds see a share of it only; the last one joins nothing, but keeps what the table before it really used.
 */
#include "base/ctx.h"
#include "base/vec.h"
#include "lance/enc.h"

#define SAMPLE_BYTES (64u << 10)
#define SAMPLE_PIECE 512u
#define HASH_SLOTS   1024u
#define ESCAPED      256u /* codes of a sample below it: single bytes that had no symbol; above it: symbols */
#define CODES        512u
#define ESCAPE       255

typedef struct symbol {
  uint64_t bytes; /* little-endian, zero behind its end */
  uint32_t gain;
  uint8_t len;
} symbol;

typedef struct slot {
  uint64_t bytes, mask;
  uint8_t len, code; /* len 0: empty */
} slot;

/* A table as coding needs it. */
typedef struct table {
  symbol symbols[ESCAPE];
  uint32_t n;
  slot hash[HASH_SLOTS];
  uint16_t one[256];   /* length << 8 | code of a symbol of one byte; 0: none */
  uint16_t two[65536]; /* by the next two bytes: length << 8 | code of a symbol of one or two; 0: none */
} table;

struct og_lance__fsst_coder {
  table t;
  /* while training */
  uint32_t one[CODES];
  uint16_t pair[CODES][CODES];
};

static uint64_t mask_of(unsigned len)
{
  return len == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * len) - 1;
}

static uint32_t hash_of(uint64_t bytes)
{
  return (uint32_t)((bytes & 0xFFFFFF) * UINT64_C(2971215073) >> 15) % HASH_SLOTS;
}

/* The next bytes, zero behind the end. */
static uint64_t load(const uint8_t *p, size_t left)
{
  uint64_t v = 0;
  memcpy(&v, p, left < 8 ? left : 8);
  return v;
}

/* ---- a table */

static void clear(table *t)
{
  t->n = 0;
  memset(t->hash, 0, sizeof t->hash);
  memset(t->one, 0, sizeof t->one);
  memset(t->two, 0, sizeof t->two);
}

static void add_single(table *t, const symbol *s, uint8_t code)
{
  t->one[s->bytes] = (uint16_t)(1 << 8 | code);
  for (unsigned next = 0; next < 256; next++) {
    uint16_t *at = &t->two[s->bytes | next << 8];
    if (*at >> 8 != 2) *at = (uint16_t)(1 << 8 | code);
  }
}

/* False when its slot is taken. */
static bool add(table *t, const symbol *s)
{
  const uint8_t code = (uint8_t)t->n;
  if (s->len == 1) add_single(t, s, code);
  if (s->len == 2) t->two[s->bytes] = (uint16_t)(2 << 8 | code);
  if (s->len > 2) {
    slot *at = &t->hash[hash_of(s->bytes)];
    if (at->len) return false;
    *at = (slot){.bytes = s->bytes, .mask = mask_of(s->len), .len = s->len, .code = code};
  }
  t->symbols[t->n++] = *s;
  return true;
}

/* The longest symbol that `word`, of which `left` bytes are there, begins with.  *len 0: there is none. */
static inline uint8_t find(const table *t, uint64_t word, size_t left, uint8_t *len)
{
  const slot *s = &t->hash[hash_of(word)];
  if (s->len && (word & s->mask) == s->bytes && s->len <= left) {
    *len = s->len;
    return s->code;
  }
  uint16_t found = t->two[word & 0xFFFF];
  if (found >> 8 > left) found = t->one[word & 0xFF]; /* the second byte lies behind the end */
  *len = (uint8_t)(found >> 8);
  return (uint8_t)found;
}

/* ---- training */

static void count_pair(og_lance__fsst_coder *f, uint32_t a, uint32_t b)
{
  if (a < CODES && f->pair[a][b] < UINT16_MAX) f->pair[a][b]++;
}

/* Beside each symbol its first byte is counted, too, so that a shorter way of going on is not forgotten. */
static void count_piece(og_lance__fsst_coder *f, const uint8_t *p, size_t n, bool pairs)
{
  uint32_t before = CODES;
  for (size_t at = 0; at < n;) {
    uint8_t len;
    const uint8_t found = find(&f->t, load(p + at, n - at), n - at, &len);
    const uint32_t code = len ? ESCAPED + found : p[at];
    f->one[code]++;
    if (len > 1) f->one[p[at]]++;
    if (pairs) count_pair(f, before, code);
    if (pairs && len > 1) count_pair(f, before, p[at]);
    before = code;
    at += len ? len : 1;
  }
}

static og_status add_candidate(og_ctx *cx, og_vec *v, uint64_t bytes, unsigned len, uint64_t gain)
{
  const symbol s = {bytes, gain > UINT32_MAX ? UINT32_MAX : (uint32_t)gain, (uint8_t)len};
  return og_vec_add(cx, v, &s);
}

static void spell(const table *t, uint32_t code, uint64_t *bytes, unsigned *len)
{
  *bytes = code < ESCAPED ? code : t->symbols[code - ESCAPED].bytes;
  *len = code < ESCAPED ? 1 : t->symbols[code - ESCAPED].len;
}

static og_status add_joined(og_ctx *cx, const og_lance__fsst_coder *f, uint32_t a, uint32_t least, og_vec *out)
{
  uint64_t first, second;
  unsigned len, more;
  spell(&f->t, a, &first, &len);
  for (uint32_t b = 0; len < 8 && b < ESCAPED + f->t.n; b++) {
    const uint64_t count = f->pair[a][b];
    if (count < least) continue;
    spell(&f->t, b, &second, &more);
    if (len + more > 8) more = 8 - len;
    OG_TRY(add_candidate(cx, out, first | (second & mask_of(more)) << 8 * len, len + more, count * (len + more)));
  }
  return OG_OK;
}

static int by_bytes(const void *a, const void *b, void *arg)
{
  const symbol *x = a, *y = b;
  (void)arg;
  if (x->len != y->len) return x->len < y->len ? -1 : 1;
  return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static int by_gain(const void *a, const void *b, void *arg)
{
  const symbol *x = a, *y = b;
  if (x->gain != y->gain) return x->gain > y->gain ? -1 : 1;
  return by_bytes(a, b, arg);
}

/* One of each, with what all of them gain. */
static void join_equal(og_vec *v)
{
  symbol *s = v->data;
  size_t n = 0;
  for (size_t i = 0; i < v->len; i++) {
    if (n && by_bytes(&s[n - 1], &s[i], NULL) == 0)
      s[n - 1].gain += s[i].gain;
    else
      s[n++] = s[i];
  }
  v->len = n;
}

/* `least`: what was seen less often is chance. */
static og_status next_table(og_ctx *cx, og_lance__fsst_coder *f, uint32_t least, bool join, og_vec *candidates)
{
  og_vec_clear(candidates);
  for (uint32_t a = 0; a < ESCAPED + f->t.n; a++) {
    uint64_t bytes;
    unsigned len;
    if (f->one[a] < least) continue;
    spell(&f->t, a, &bytes, &len);
    /* A single byte saves its escape, and the more of them have one, the less often coding stops at them. */
    OG_TRY(add_candidate(cx, candidates, bytes, len, (uint64_t)f->one[a] * len * (len == 1 ? 8 : 1)));
    if (join) OG_TRY(add_joined(cx, f, a, least, candidates));
  }
  OG_TRY(og_sort(cx, candidates->data, candidates->len, sizeof(symbol), by_bytes, NULL));
  join_equal(candidates);
  OG_TRY(og_sort(cx, candidates->data, candidates->len, sizeof(symbol), by_gain, NULL));
  clear(&f->t);
  for (size_t i = 0; i < candidates->len && f->t.n < ESCAPE; i++) (void)add(&f->t, &OG_VEC_AT(candidates, symbol, i));
  return OG_OK;
}

/* Which strings are looked at, and how long a beginning of each. */
typedef struct sample {
  uint64_t n, step;
} sample;

static sample choose_sample(const og_lance__slots *s)
{
  const uint64_t bytes = og_lance__slots_offset(s, s->n) - og_lance__slots_offset(s, 0);
  const uint64_t mean = bytes / s->n + 1, wanted = SAMPLE_BYTES / (mean < SAMPLE_PIECE ? mean : SAMPLE_PIECE) + 1;
  const uint64_t step = s->n > wanted ? s->n / wanted : 1;
  return (sample){(s->n + step - 1) / step, step};
}

/* A share of `of` 128ths of it. */
static void count_sample(og_lance__fsst_coder *f, const og_lance__slots *s, const sample *x, uint32_t of, bool pairs)
{
  memset(f->one, 0, sizeof f->one);
  if (pairs) memset(f->pair, 0, sizeof f->pair);
  for (uint64_t i = 0; i < x->n; i++) {
    if (i * 37 % 128 >= of) continue;
    const og_str v = og_lance__slots_str(s, i * x->step);
    count_piece(f, (const uint8_t *)v.ptr, v.len < SAMPLE_PIECE ? v.len : SAMPLE_PIECE, pairs);
  }
}

og_status og_lance__fsst_train(og_ctx *cx, const og_lance__slots *s, og_lance__fsst_coder **out)
{
  static const uint32_t shares[] = {8, 38, 68, 98, 128, 128, 128};
  OG_AUTO(og_vec) candidates = OG_VEC_INIT(symbol);
  const sample x = choose_sample(s);
  og_lance__fsst_coder *f = og_zalloc(cx, sizeof *f);
  if (!f) return OG_ENOMEM;
  og_status st = OG_OK;
  for (size_t i = 0; st == OG_OK && i < OG_ARRAY_LEN(shares); i++) {
    const bool last = i + 1 == OG_ARRAY_LEN(shares); /* only what proved itself stays */
    const uint32_t least = 5 * shares[i] / 128;
    count_sample(f, s, &x, shares[i], !last);
    st = next_table(cx, f, least ? least : 1, !last, &candidates);
  }
  if (st == OG_OK)
    *out = f;
  else
    og_free(f);
  return st;
}

void og_lance__fsst_coder_free(og_lance__fsst_coder *f)
{
  og_free(f);
}

/* ---- coding */

size_t og_lance__fsst_code(const og_lance__fsst_coder *f, og_str in, const void *readable, uint8_t *out)
{
  const uint8_t *p = (const uint8_t *)in.ptr, *const end = p + in.len, *const last = (const uint8_t *)readable - 8;
  uint8_t *to = out;
  while (p < end) {
    const size_t left = (size_t)(end - p);
    uint8_t len;
    const uint64_t word = p <= last ? og_lance__u64(p) : load(p, left);
    const uint8_t code = find(&f->t, word, left, &len);
    if (len) {
      *to++ = code;
      p += len;
    } else {
      *to++ = ESCAPE;
      *to++ = *p++;
    }
  }
  return (size_t)(to - out);
}

void og_lance__fsst_table(const og_lance__fsst_coder *f, uint8_t out[OG_LANCE__FSST_TABLE])
{
  const uint64_t header = UINT64_C(0x46535354) << 32 | UINT64_C(1) << 24 | f->t.n;
  memset(out, 0, OG_LANCE__FSST_TABLE);
  memcpy(out, &header, sizeof header);
  for (uint32_t i = 0; i < f->t.n; i++) {
    memcpy(out + 8 + 8 * (size_t)i, &f->t.symbols[i].bytes, 8);
    out[8 + 8 * (size_t)f->t.n + i] = f->t.symbols[i].len;
  }
}

og_status og_lance__fsst_slots(og_ctx *cx, const og_lance__slots *s, og_lance__slots *coded,
                               uint8_t table_out[OG_LANCE__FSST_TABLE], bool *pays)
{
  og_lance__fsst_coder *f;
  const uint64_t from = og_lance__slots_offset(s, 0), to = og_lance__slots_offset(s, s->n);
  *pays = false;
  if (to - from < OG_LANCE__FSST_LEAST) return OG_OK;
  OG_TRY(og_lance__fsst_train(cx, s, &f));
  og_lance__slots_init(coded, s->shape);
  uint8_t *at = NULL;
  og_status st = og_lance__mem_reserve(cx, &coded->data, (size_t)(2 * (to - from)));
  if (st == OG_OK) st = og_lance__slots_open(cx, coded, s->n, 0, &at);
  for (uint64_t i = 0; st == OG_OK && i < s->n; i++) {
    coded->data.len +=
        og_lance__fsst_code(f, og_lance__slots_str(s, i), s->data.data + to, coded->data.data + coded->data.len);
    og_lance__slots_set_end(coded, i, coded->data.len);
  }
  og_lance__fsst_table(f, table_out);
  og_lance__fsst_coder_free(f);
  *pays = st == OG_OK && coded->data.len + OG_LANCE__FSST_TABLE < (to - from) - (to - from) / 10;
  return st;
}
