/* SPDX-License-Identifier: MIT */
/* fuzz_arrow_import: hostile structures of the Arrow C data interface.
 *
 * The input spells a schema and a batch, member by member, lies included: counts, offsets, nesting, what the buffers
 * hold, what is missing.  The interface does not say how long buffers are, so a producer's length has to be believed:
 * the buffers here are as long as the structures claim, to the byte, and the sanitizers see whoever reads more.  What
 * is imported passes the column check, and is the same when it is exported and imported again. */
#include "fuzz/fuzz_world.h"

#include "arrow/c_data.h"

#define MAX_NODES  64
#define MAX_BYTES  65536 /* of one buffer */
#define MAX_LENGTH 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the input as a stream; zeros behind its end */

typedef struct stream {
  const uint8_t *at, *end;
} stream;

static uint8_t byte(stream *s)
{
  return s->at < s->end ? *s->at++ : 0;
}

static void bytes(stream *s, void *out, size_t n)
{
  size_t have = (size_t)(s->end - s->at) < n ? (size_t)(s->end - s->at) : n;
  memset(out, 0, n);
  if (have) memcpy(out, s->at, have);
  s->at += have;
}

/* Mostly small; now and then anything at all. */
static int64_t number(stream *s)
{
  uint8_t b = byte(s);
  int64_t v;
  if (b < 250) return b % 50;
  bytes(s, &v, sizeof v);
  return b == 255 ? v : v & 0xfff;
}

/* ---- structures: everything is malloc'ed and hangs on one list */

typedef struct owned {
  void *p[MAX_NODES * 12];
  size_t n;
} owned;

static void *own(owned *o, size_t n)
{
  void *p = malloc(n ? n : 1);
  if (!p || o->n == OG_ARRAY_LEN(o->p)) abort();
  memset(p, 0, n);
  o->p[o->n++] = p;
  return p;
}

static void free_owned(owned *o)
{
  for (size_t i = 0; i < o->n; i++) free(o->p[i]);
}

static void release_schema(struct ArrowSchema *s)
{
  s->release = NULL;
}

static void release_array(struct ArrowArray *a)
{
  a->release = NULL;
}

static const char *const formats[] = {
    "n",       "b",     "c",   "s",   "i",  "l",  "C",   "S",    "I",    "L",    "e",
    "f",       "g",     "u",   "U",   "z",  "Z",  "tdD", "tdm",  "tss:", "tsm:", "tsu:",
    "tsn:UTC", "tts",   "ttu", "tDn", "+l", "+L", "+s",  "+w:1", "+w:3", "+w:0", "+w:2147483647",
    "+m",      "d:10,2"};

static char *text(stream *s, owned *o, size_t max)
{
  size_t n = byte(s) % (max + 1);
  char *t = own(o, n + 1);
  bytes(s, t, n);
  return t;
}

/* {"k": "v"} as the interface packs it, or a lie about its lengths that still lies inside the bytes. */
static char *metadata(stream *s, owned *o)
{
  char *m = own(o, 32);
  int32_t pairs = 1, key = byte(s) % 9, value = byte(s) % 9;
  if (byte(s) == 255) pairs = -1;
  if (byte(s) == 255) value = -value;
  memcpy(m, &pairs, 4);
  memcpy(m + 4, &key, 4);
  bytes(s, m + 8, (size_t)key);
  memcpy(m + 8 + key, &value, 4);
  return m;
}

/* How a schema of this format is made and read: what the array builder goes by. */
typedef struct shape {
  struct ArrowSchema *s;
  int64_t n_children;
  struct shape *children[4];
} shape;

static shape *make_schema(stream *s, owned *o, unsigned depth, unsigned *nodes)
{
  shape *me = own(o, sizeof *me);
  uint8_t pick = byte(s), flags = byte(s);
  me->s = own(o, sizeof *me->s);
  ++*nodes;
  me->s->format = depth == 0 ? "+s" : formats[pick % OG_ARRAY_LEN(formats)];
  if (pick >= 250) me->s->format = pick == 255 ? NULL : text(s, o, 8);
  me->s->name = flags & 1 ? text(s, o, 8) : "f";
  if (flags & 2) me->s->metadata = metadata(s, o);
  me->s->flags = flags & 4 ? 0 : ARROW_FLAG_NULLABLE;
  me->s->release = flags >= 254 ? NULL : release_schema;
  if (flags >= 252 && flags < 254) me->s->dictionary = me->s;
  bool nests = me->s->format && me->s->format[0] == '+';
  bool is_struct = nests && strcmp(me->s->format, "+s") == 0;
  int64_t n = !nests || depth > 40 ? 0 : is_struct ? byte(s) % 4 : 1;
  me->s->children = own(o, 4 * sizeof *me->s->children);
  for (; me->n_children < n && *nodes < MAX_NODES; me->n_children++) {
    me->children[me->n_children] = make_schema(s, o, depth + 1, nodes);
    me->s->children[me->n_children] = me->children[me->n_children]->s;
  }
  me->s->n_children = flags == 251 ? me->n_children - 1 : me->n_children;
  return me;
}

/* Bytes of one value of a fixed format; 0: bits, or none. */
static size_t width_of(const char *f)
{
  static const struct {
    char c;
    size_t n;
  } widths[] = {{'c', 1}, {'C', 1}, {'s', 2}, {'S', 2}, {'e', 2}, {'i', 4},
                {'I', 4}, {'f', 4}, {'l', 8}, {'L', 8}, {'g', 8}};
  for (size_t i = 0; i < OG_ARRAY_LEN(widths); i++)
    if (f[0] == widths[i].c) return widths[i].n;
  if (strcmp(f, "tdD") == 0 || strcmp(f, "tts") == 0 || strcmp(f, "ttm") == 0) return 4;
  return f[0] == 't' ? 8 : 0;
}

static void *buffer(stream *s, owned *o, int64_t n)
{
  if (n < 0 || n > MAX_BYTES) n = 0;
  void *b = own(o, (size_t)n);
  bytes(s, b, (size_t)n);
  return b;
}

/* Ascending offsets of `n` rows, one of which may lie.  *last: what the buffer behind them must hold. */
static void *offsets(stream *s, owned *o, int64_t n, bool wide, int64_t *last)
{
  size_t w = wide ? 8 : 4;
  char *b = own(o, (size_t)(n + 1) * w);
  int64_t at = byte(s) % 8, max = 0, lie = byte(s) == 255 ? number(s) : -1;
  for (int64_t i = 0; i <= n; i++) {
    int64_t v = i == lie ? (int64_t)(int8_t)byte(s) : at;
    memcpy(b + (size_t)i * w, &v, w);
    if (v > max) max = v;
    at += byte(s) % 9;
  }
  *last = max;
  return b;
}

static struct ArrowArray *make_array(stream *s, owned *o, const shape *f, int64_t need);

static void fill_buffers(stream *s, owned *o, const shape *f, struct ArrowArray *a)
{
  const char *t = f->s->format && f->s->format[0] ? f->s->format : "n";
  int64_t rows = a->length + a->offset, child_rows = rows;
  bool varbin = strchr("uUzZ", t[0]) != NULL, list = strcmp(t, "+l") == 0 || strcmp(t, "+L") == 0;
  const void **b = a->buffers = own(o, 3 * sizeof *b);
  a->n_buffers = t[0] == 'n' ? 0 : varbin ? 3 : t[0] == '+' && !list ? 1 : 2;
  if (byte(s) % 2) b[0] = buffer(s, o, (rows + 7) / 8);
  a->null_count = byte(s) % 4 == 3 ? 0 : -1;
  if (varbin || list) {
    b[1] = offsets(s, o, rows, t[0] == 'U' || t[0] == 'Z' || t[1] == 'L', &child_rows);
    if (varbin) b[2] = buffer(s, o, child_rows);
  } else if (t[0] != '+' && t[0] != 'n') {
    size_t width = width_of(t);
    b[1] = buffer(s, o, width ? rows * (int64_t)width : (rows + 7) / 8);
  }
  if (strncmp(t, "+w:", 3) == 0) child_rows = t[3] == '3' ? rows * 3 : rows;
  a->n_children = f->n_children;
  a->children = own(o, 4 * sizeof *a->children);
  for (int64_t i = 0; i < f->n_children; i++) a->children[i] = make_array(s, o, f->children[i], child_rows);
}

/* An array of at least `need` rows, then perhaps spoilt in a way that its buffers still cover. */
static struct ArrowArray *make_array(stream *s, owned *o, const shape *f, int64_t need)
{
  struct ArrowArray *a = own(o, sizeof *a);
  uint8_t spoil = byte(s);
  a->release = release_array;
  a->offset = byte(s) % 4 ? 0 : byte(s) % 10;
  a->length = need > MAX_LENGTH ? MAX_LENGTH : need;
  fill_buffers(s, o, f, a);
  switch (spoil) {
  case 255: a->n_buffers = number(s) % 4 - 1; break;
  case 254: a->n_children--; break;
  case 253: a->release = NULL; break;
  case 252: a->dictionary = a; break;
  case 251: a->buffers[byte(s) % 3] = NULL; break;
  case 250: a->null_count = number(s); break;
  case 249: a->length -= 1 + byte(s) % 8; break;
  case 248: a->offset = -1; break;
  case 247: a->buffers = NULL; break;
  case 246: a->offset = INT64_MAX; break;
  default: break;
  }
  return a;
}

/* ---- checks */

static void round_trip(og_ctx *cx, og_batch *b)
{
  struct ArrowSchema s;
  struct ArrowArray a;
  og_schema *schema;
  og_batch *again;
  fuzz_expect(og_arrow_export_schema(cx, b->schema, &s) == OG_OK);
  fuzz_expect(og_arrow_export_batch(cx, b, &a) == OG_OK);
  fuzz_expect(og_arrow_import_schema(cx, &s, &schema) == OG_OK);
  fuzz_expect(og_arrow_import_batch(cx, &a, schema, &again) == OG_OK && again->len == b->len);
  for (uint32_t i = 0; i < b->n_columns; i++) {
    fuzz_expect(og_field_eq(&schema->fields[i], &b->schema->fields[i], true));
    for (int64_t k = 0; k < b->len; k++) fuzz_expect(og_column_value_eq(b->columns[i], k, again->columns[i], k));
  }
  og_batch_unref(again);
  og_schema_unref(schema);
}

static void run(og_ctx *cx, stream *s, owned *o)
{
  unsigned nodes = 0;
  og_schema *schema;
  og_batch *b;
  shape *top = make_schema(s, o, 0, &nodes);
  og_status st = og_arrow_import_schema(cx, top->s, &schema);
  fuzz_expect_error(cx, st);
  fuzz_expect(!top->s->release);
  if (st != OG_OK) return;
  struct ArrowArray *a = make_array(s, o, top, byte(s));
  st = og_arrow_import_batch(cx, a, schema, &b);
  fuzz_expect_error(cx, st);
  fuzz_expect(!a->release);
  if (st == OG_OK) {
    for (uint32_t i = 0; i < b->n_columns; i++)
      fuzz_expect(og_column_check(cx, b->columns[i], OG_EINVALID) == OG_OK && b->columns[i]->len == b->len);
    round_trip(cx, b);
    og_batch_unref(b);
  }
  og_schema_unref(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  owned o = {.n = 0};
  stream s = {data, data + size};
  og_ctx *cx = fuzz_open(&w);
  run(cx, &s, &o);
  fuzz_close(&w);
  free_owned(&o);
  return 0;
}
