/* SPDX-License-Identifier: MIT */
/* Lines that go into columns mean what they mean as records, and what is wrong with them is said in the same words.
 *
 * Each input is loaded twice: as it is, and with an escape in the first key of every line, which makes it a record.
 * Status, message and what is stored afterwards must be the same. */
#include "og_test.h"

#include "base/buf.h"
#include "base/env_sim.h"
#include "db/db.h"

#include <inttypes.h>
#include <stdio.h>

static const char schema[] = "node T {\n  k: String @key\n  s: String?\n  e: enum(red, green)?\n  b: Bool?\n  i: I32?\n"
                             "  l: I64?\n  u: U32?\n  w: U64?\n  f: F32?\n  d: F64?\n  day: Date?\n  at: DateTime?\n"
                             "  v: Vector(2)?\n  ss: [String]?\n  ds: [F64]?\n  days: [Date]?\n}\n"
                             "node N { n: I64 @key  must: Bool }\n"
                             "node C { a: String  b: I32  @key(a, b) }\n"
                             "node Q { x: String? }\n"
                             "node R { r: I32? @range(r, 0..5) }\n"
                             "edge E: T -> T { w: F64? }\n"
                             "edge Link: Q -> N\n";

typedef struct world {
  og_sim *sim;
  og_ctx cx;
  og_error err;
  og_arena arena;
  og_db *db;
} world;

static void world_open(world *w)
{
  *w = (world){.sim = og_sim_new(1)};
  OG_CHECK(w->sim != NULL);
  og_sim_ctx_init(og_sim_process_new(w->sim), &w->cx, &w->err, &w->arena);
  OG_CHECK_OK(&w->cx, og_db_init(&w->cx, OG_STR("/g"), og_str_of(schema), OG_STR("s.pg"), false, OG_STR_NONE));
  OG_CHECK_OK(&w->cx, og_db_open(&w->cx, OG_STR("/g"), false, &w->db));
}

static void world_close(world *w)
{
  og_db_close(w->db);
  og_arena_cleanup(&w->arena);
  og_sim_free(w->sim);
}

/* ---- inputs */

static uint64_t next(uint64_t *state)
{
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

/* Of each property's values the right ones come first, `right` many. */
typedef struct values {
  const char *name;
  int right;
  const char *texts[16];
} values;

static const values of_t[] = {
    {"s",
     9,
     {"\"\"", "\"plain\"", "\"a\\\"b\\\\c\\/\\b\\f\\n\\r\\t\"", "\"\\u00e9\\uD83D\\uDE00x\"", "\"gr\303\274n\"",
      "\"seven77\"", "\"eight888\"", "null", "\"\360\237\230\200 and more of it\"", "\"\\uD83D\"", "\"\\u0000\"",
      "\"\303\"", "\"tab\there\"", "\"\\x\"", "1"}},
    {"e", 3, {"\"red\"", "\"green\"", "null", "\"blue\"", "\"\"", "true"}},
    {"b", 3, {"true", "false", "null", "tru", "0", "\"true\""}},
    {"i",
     5,
     {"0", "-1", "2147483647", "-2147483648", "null", "2147483648", "1.0", "-0", "01", "1e2", "+1", "\"1\"", "-"}},
    {"l",
     6,
     {"123456789012345678", "9223372036854775807", "\"-9223372036854775808\"", "-5", "-0", "null",
      "9223372036854775808", "\"1x\"", "1.5", "- 1"}},
    {"u", 3, {"4294967295", "0", "null", "4294967296", "-1", "1.0"}},
    {"w", 4, {"18446744073709551615", "999999999999999999", "\"77\"", "null", "18446744073709551616", "-1"}},
    {"f", 7, {"1", "0.1", "-0.0", "3.4e38", "1e-50", "-7", "null", "1e39", "1.", ".5", "1e", "\"1\""}},
    {"d",
     8,
     {"1e300", "0.30000000000000004", "-0", "-0.0", "4.9e-324", "123456789012345678901", "2.5E+3", "null", "1e400",
      "nan", "1.e3", "00.1"}},
    {"day", 3, {"\"2024-02-29\"", "19000", "null", "\"2023-02-29\"", "\"2024-2-9\"", "1.5"}},
    {"at", 4, {"\"2024-02-29T12:30:00Z\"", "\"1969-12-31\"", "1700000000000", "null", "\"noon\"", "true"}},
    {"v",
     3,
     {"[1,2.5]", "[ -1 , 1e3 ]", "null", "[1]", "[1,2,3]", "[1,\"2\"]", "[1,null]", "[1e39,0]", "[1 2]", "[1,]"}},
    {"ss",
     4,
     {"[]", "[\"x\",\"\",\"\303\251\"]", "[ \"\\n\" ]", "null", "[null]", "[1]", "[\"a\" \"b\"]", "\"x\"", "[,]"}},
    {"ds", 3, {"[1,2,0.5]", "[ ]", "null", "[true]", "[1,", "[[1]]"}},
    {"days", 2, {"[\"2024-01-01\",\"2024-01-02\"]", "null", "[\"x\"]", "[1,\"2024-01-01\"]"}},
    {"zzz", 0, {"1"}},
    {"id", 1, {"null", "\"other\"", "7"}},
};

typedef struct maker {
  og_ctx *cx;
  og_buf *out;
  uint64_t state;
  unsigned wrong; /* in how many of 1,000 places something is wrong */
  unsigned keys;  /* how many there are */
} maker;

static unsigned below(maker *m, unsigned n)
{
  return (unsigned)(next(&m->state) % n);
}

static bool goes_wrong(maker *m)
{
  return below(m, 1000) < m->wrong;
}

static void put(maker *m, const char *s)
{
  OG_CHECK_OK(m->cx, og_buf_append_str(m->cx, m->out, og_str_of(s)));
}

static void space(maker *m)
{
  static const char *const spaces[] = {"", "", "", "", "", " ", "  ", "\t"};
  put(m, spaces[below(m, 8)]);
}

static void put_key(maker *m, const char *prefix)
{
  char text[32];
  snprintf(text, sizeof text, "\"%s%u\"", prefix, below(m, m->keys));
  put(m, text);
}

static void member(maker *m, const char *name)
{
  space(m);
  put(m, "\"");
  put(m, name);
  put(m, "\"");
  space(m);
  put(m, ":");
  space(m);
}

static void t_data(maker *m)
{
  member(m, "k");
  put_key(m, "t");
  unsigned from = below(m, OG_ARRAY_LEN(of_t)), n = below(m, OG_ARRAY_LEN(of_t));
  for (unsigned i = 0; i < n; i++) {
    const values *v = &of_t[(from + i) % OG_ARRAY_LEN(of_t)];
    bool wrong = goes_wrong(m);
    int all = 0;
    while (all < 16 && v->texts[all]) all++;
    if (!wrong && v->right == 0) continue;
    put(m, ",");
    member(m, v->name);
    put(m, v->texts[below(m, (unsigned)(wrong ? all : v->right))]);
    space(m);
  }
  if (goes_wrong(m)) put(m, ",\"k\":\"twice\"");
}

static void node(maker *m, const char *type)
{
  put(m, "\"type\":\"");
  put(m, type);
  put(m, "\"");
  space(m);
  put(m, ",");
  member(m, "data");
  put(m, "{");
  switch (*type) {
  case 'T': t_data(m); break;
  case 'N':
    member(m, "n");
    OG_CHECK_OK(m->cx, og_buf_printf(m->cx, m->out, "%u", below(m, m->keys)));
    put(m, goes_wrong(m) ? "" : ",\"must\":true");
    break;
  case 'C':
    OG_CHECK_OK(m->cx, og_buf_printf(m->cx, m->out, "\"a\":\"x\\\"%u\",\"b\":%u", below(m, m->keys), below(m, 100)));
    break;
  default:
    put(m, "\"id\":");
    put_key(m, "q");
    if (*type == 'R') OG_CHECK_OK(m->cx, og_buf_printf(m->cx, m->out, ",\"r\":%u", goes_wrong(m) ? 6u : 5u));
  }
  put(m, "}");
}

static void edge(maker *m, bool link)
{
  put(m, link ? "\"edge\":\"link\"," : "\"edge\":\"E\",");
  member(m, "from");
  put_key(m, link ? "q" : "t");
  put(m, ",");
  member(m, "to");
  put_key(m, link ? "" : "t");
  put(m, ",\"data\":{\"id\":");
  put_key(m, "e");
  put(m, goes_wrong(m) ? ",\"w\":true}" : !link && below(m, 2) ? ",\"w\":0.5}" : "}");
  if (goes_wrong(m)) put(m, ",\"from\":\"again\"");
}

static void line(maker *m)
{
  static const char *const types[] = {"T", "T", "T", "T", "N", "C", "Q", "R"};
  if (below(m, 40) == 0) put(m, " \n");
  space(m);
  put(m, "{");
  unsigned kind = below(m, 12);
  if (kind < 8)
    node(m, types[kind]);
  else
    edge(m, kind == 8);
  if (goes_wrong(m)) put(m, ",\"more\":1");
  put(m, goes_wrong(m) ? "" : "}");
  space(m);
  put(m, goes_wrong(m) ? "x\n" : below(m, 9) ? "\n" : "\r\n");
}

/* The same with an escape in the first key. */
static void make_records(og_ctx *cx, og_str lines, og_buf *out)
{
  for (size_t i = 0; i < lines.len; i++) {
    bool first = i >= 2 && (lines.ptr[i] == 't' || lines.ptr[i] == 'e') && lines.ptr[i - 1] == '"' &&
                 lines.ptr[i - 2] == '{' && (i == 2 || lines.ptr[i - 3] != ':');
    if (first)
      OG_CHECK_OK(cx, og_buf_printf(cx, out, "\\u%04x", (unsigned)(unsigned char)lines.ptr[i]));
    else
      OG_CHECK_OK(cx, og_buf_append_byte(cx, out, (uint8_t)lines.ptr[i]));
  }
}

/* ---- comparing */

typedef struct outcome {
  og_status status;
  og_error err;
  uint64_t total;
  og_buf rows;
} outcome;

static og_status keep(og_ctx *cx, void *arg, og_str bytes)
{
  return og_buf_append_str(cx, arg, bytes);
}

static void load_one(world *w, og_str lines, og_load_mode mode, uint64_t memory, outcome *out)
{
  const og_load_args args = {.bytes = lines, .mode = mode, .memory = memory};
  og_load_result r = {0};
  w->err = (og_error){0};
  out->status = og_db_load(&w->cx, w->db, &args, &r);
  out->err = w->err;
  out->total = r.total;
  og_buf_clear(&out->rows);
  w->err = (og_error){0};
  OG_CHECK_OK(&w->cx, og_db_export(&w->cx, w->db, OG_STR_NONE, NULL, 0, keep, &out->rows));
}

/* Bytes count from the line, in which the escape takes five more.  Where keys are spilled, what is wrong with them is
 * found at the end, and which of several errors is told depends on when that was: then `any_error` will do. */
static void compare(const outcome *a, const outcome *b, bool any_error, og_str lines)
{
  bool same = (a->status == b->status || (any_error && a->status && b->status)) && a->total == b->total &&
              og_str_eq(og_buf_str(&a->rows), og_buf_str(&b->rows));
  bool by_bytes = strstr(a->err.text, " at byte ") != NULL;
  const char *colon = strstr(a->err.text, " at byte ");
  size_t n = by_bytes ? (size_t)(colon - a->err.text) : strlen(a->err.text);
  same = same && (any_error || (strncmp(a->err.text, b->err.text, n) == 0 && (by_bytes || strlen(b->err.text) == n)));
  if (!same)
    fprintf(stderr, "%.*s\nas columns: %s\nas records: %s\n", (int)lines.len, lines.ptr, a->err.text, b->err.text);
  OG_CHECK(same);
}

static unsigned play(uint64_t seed, unsigned wrong)
{
  static const og_load_mode modes[] = {OG_LOAD_APPEND, OG_LOAD_MERGE, OG_LOAD_MERGE, OG_LOAD_OVERWRITE};
  world a, b;
  og_buf lines = {0}, records = {0};
  outcome x = {0}, y = {0};
  unsigned accepted = 0;
  world_open(&a);
  world_open(&b);
  maker m = {.cx = &a.cx, .out = &lines, .state = seed, .wrong = wrong, .keys = 1 + (unsigned)(seed % 400)};
  for (int round = 0; round < 6; round++) {
    unsigned n = 1 + below(&m, round % 2 ? 4 : 120);
    og_load_mode mode = modes[below(&m, 4)];
    uint64_t memory = below(&m, 3) ? 0 : 4096;
    og_buf_clear(&lines);
    og_buf_clear(&records);
    for (unsigned i = 0; i < n; i++) line(&m);
    make_records(&a.cx, og_buf_str(&lines), &records);
    load_one(&a, og_buf_str(&lines), mode, memory, &x);
    load_one(&b, og_buf_str(&records), mode, memory, &y);
    compare(&x, &y, memory != 0, og_buf_str(&lines));
    accepted += x.status == OG_OK;
  }
  og_buf_cleanup(&lines);
  og_buf_cleanup(&records);
  og_buf_cleanup(&x.rows);
  og_buf_cleanup(&y.rows);
  world_close(&a);
  world_close(&b);
  return accepted;
}

OG_TEST(columns, mean_what_records_mean)
{
  unsigned accepted = 0;
  for (uint64_t seed = 0; seed < 150; seed++)
    accepted += play(seed * 7919 + 11, seed % 3 == 0 ? 0 : (unsigned)(seed % 20));
  OG_CHECK(accepted > 150); /* not only errors are compared */
}

/* Blocks that go to files without being gathered, with rows of other kinds between them. */
OG_TEST(columns, of_many_rows_are_stored_alike)
{
  for (unsigned variant = 0; variant < 6; variant++) {
    world a, b;
    og_buf lines = {0}, records = {0};
    outcome x = {0}, y = {0};
    world_open(&a);
    world_open(&b);
    for (unsigned i = 0; i < 9000; i++) {
      unsigned from = variant == 1 ? i + 1 : i; /* 1: the last source is nobody */
      OG_CHECK_OK(&a.cx, og_buf_printf(&a.cx, &lines, "{\"type\":\"T\",\"data\":{\"k\":\"t%u\",\"i\":%u}}\n", i, i));
      OG_CHECK_OK(&a.cx, og_buf_printf(&a.cx, &lines,
                                       "{\"edge\":\"E\",\"from\":\"t%u\",\"to\":\"t%u\",\"data\":{\"id\":\"e%u\"}}\n",
                                       from, i / 3, variant == 2 && i == 8999 ? 0 : i));
      if (variant == 3 && i % 2000 == 0)
        OG_CHECK_OK(&a.cx, og_buf_printf(&a.cx, &lines, "{\"type\":\"T\",\"data\":{\"k\":\"x%u\",\"l\":\"5\"}}\n", i));
    }
    make_records(&a.cx, og_buf_str(&lines), &records);
    uint64_t memory = variant == 4 ? 300000 : 0;                   /* 4: keys are spilled on the way */
    for (int round = 0; round < (variant == 5 ? 2 : 1); round++) { /* 5: and replaced by themselves */
      og_load_mode mode = variant == 5 ? OG_LOAD_MERGE : OG_LOAD_APPEND;
      load_one(&a, og_buf_str(&lines), mode, memory, &x);
      load_one(&b, og_buf_str(&records), mode, memory, &y);
      compare(&x, &y, false, OG_STR("many rows"));
      OG_CHECK((x.status == OG_OK) == (variant != 1 && variant != 2));
    }
    og_buf_cleanup(&lines);
    og_buf_cleanup(&records);
    og_buf_cleanup(&x.rows);
    og_buf_cleanup(&y.rows);
    world_close(&a);
    world_close(&b);
  }
}

OG_TEST_MAIN(OG_CASE(columns, mean_what_records_mean), OG_CASE(columns, of_many_rows_are_stored_alike))
