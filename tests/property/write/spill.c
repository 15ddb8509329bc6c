/* SPDX-License-Identifier: MIT */
/* A load whose keys do not fit into memory says and does what one does whose keys fit. */
#include "og_test.h"

#include "base/buf.h"
#include "base/env_sim.h"
#include "db/db.h"

#include <inttypes.h>

#define SMALL 3000u /* bytes: spills within the first dozens of records, and looks ids up block by block */

static const char schema[] =
    "node P {\n  k: String @key\n  u: I64? @unique\n  a: String?\n  b: String?\n  @unique(a, b)\n}\n"
    "node Q { n: I64? }\n"
    "edge E: P -> P @card(0..3) { x: I64? @unique }\n"
    "edge F: P -> Q @card(1..) { w: String? }\n";

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

static og_status load(world *w, og_str lines, og_load_mode mode, uint64_t memory, og_load_result *out)
{
  og_file *f;
  const og_env_ops *ops = w->cx.env->ops;
  OG_CHECK_OK(&w->cx, ops->file_open(&w->cx, "/in.ndjson", OG_OPEN_TRUNCATE, &f));
  OG_CHECK_OK(&w->cx, ops->file_append(&w->cx, f, lines.ptr, lines.len));
  ops->file_close(w->cx.env, f);
  const og_load_args args = {.path = "/in.ndjson", .mode = mode, .memory = memory};
  w->err = (og_error){0};
  return og_db_load(&w->cx, w->db, &args, out);
}

/* Texts that are compared outlive the worlds they come from: they belong to another, `home`. */
typedef struct text {
  og_ctx *home;
  og_buf buf;
} text;

static og_status keep(og_ctx *cx, void *arg, og_str bytes)
{
  text *t = arg;
  (void)cx;
  return og_buf_append_str(t->home, &t->buf, bytes);
}

static void export_all(world *w, text *out)
{
  og_buf_clear(&out->buf);
  OG_CHECK_OK(&w->cx, og_db_export(&w->cx, w->db, OG_STR_NONE, NULL, 0, keep, out));
}

/* ---- one of each */

typedef struct wrong {
  og_load_mode mode;
  const char *lines, *says; /* NULL: nothing is wrong */
} wrong;

static void many_nodes(world *w, og_buf *out)
{
  og_buf_clear(out);
  OG_CHECK_OK(&w->cx,
              og_buf_append_str(&w->cx, out,
                                OG_STR("{\"edge\":\"E\",\"from\":\"p007\",\"to\":\"p007\",\"data\":{\"x\":777}}\n")));
  for (int i = 0; i < 300; i++)
    OG_CHECK_OK(&w->cx,
                og_buf_printf(&w->cx, out,
                              "{\"type\":\"P\",\"data\":{\"k\":\"p%03d\",\"u\":%d,\"a\":\"%d\",\"b\":\"%d\"}}\n"
                              "{\"type\":\"Q\",\"data\":{\"id\":\"q%03d\"}}\n"
                              "{\"edge\":\"F\",\"from\":\"p%03d\",\"to\":\"q%03d\",\"data\":{\"id\":\"f%d\"}}\n",
                              i, i, i / 10, i % 10, i, i, i, i));
}

static const wrong wrongs[] = {
    {OG_LOAD_MERGE, "{\"type\":\"P\",\"data\":{\"k\":\"new\",\"u\":1000}}\n", NULL},
    {OG_LOAD_MERGE, "{\"type\":\"P\",\"data\":{\"k\":\"p007\",\"u\":7}}\n", NULL},
    {OG_LOAD_APPEND, "{\"type\":\"P\",\"data\":{\"k\":\"p007\"}}\n",
     "line 801: node type 'P', entity id 'p007': an entity"},
    {OG_LOAD_APPEND, "{\"type\":\"Q\",\"data\":{\"id\":\"q299\"}}\n",
     "line 801: node type 'Q', entity id 'q299': an entity"},
    {OG_LOAD_MERGE,
     "{\"type\":\"Q\",\"data\":{\"id\":\"q007\",\"n\":1}}\n{\"type\":\"Q\",\"data\":{\"id\":\"r007\",\"n\":2}}\n"
     "{\"type\":\"Q\",\"data\":{\"id\":\"q007\",\"n\":3}}\n{\"type\":\"Q\",\"data\":{\"id\":\"q007\",\"n\":4}}\n",
     NULL},
    {OG_LOAD_MERGE,
     "{\"edge\":\"E\",\"from\":\"nobody\",\"to\":\"y001\",\"data\":{\"id\":\"e\",\"x\":1}}\n"
     "{\"edge\":\"E\",\"from\":\"y000\",\"to\":\"y001\",\"data\":{\"id\":\"e\",\"x\":2}}\n",
     NULL},
    {OG_LOAD_MERGE,
     "{\"edge\":\"E\",\"from\":\"y000\",\"to\":\"y001\",\"data\":{\"id\":\"e\",\"x\":1}}\n"
     "{\"edge\":\"E\",\"from\":\"y000\",\"to\":\"y001\",\"data\":{\"id\":\"e\",\"x\":1}}\n",
     "line 802: @unique violation on E.x: value '1' held by 'e' and 'e'"},
    {OG_LOAD_MERGE, /* an edge of p007 has the x of the first row, which is outdone and so nobody's rival */
     "{\"edge\":\"E\",\"from\":\"y000\",\"to\":\"y001\",\"data\":{\"id\":\"e\",\"x\":777}}\n"
     "{\"edge\":\"E\",\"from\":\"y000\",\"to\":\"y001\",\"data\":{\"id\":\"e\",\"x\":2}}\n",
     NULL},
    {OG_LOAD_APPEND, "{\"type\":\"Q\",\"data\":{\"id\":\"z\"}}\n{\"type\":\"Q\",\"data\":{\"id\":\"z\"}}\n",
     "line 802: @unique violation on Q.id: value 'z' held by 'z' and 'z'"},
    {OG_LOAD_MERGE, "{\"type\":\"P\",\"data\":{\"k\":\"y001\"}}\n", "line 801: @unique violation on P.k: value 'y001'"},
    {OG_LOAD_MERGE, "{\"type\":\"P\",\"data\":{\"k\":\"z\",\"u\":12}}\n",
     "line 801: @unique violation on P.u: value '12' held by 'p012' and 'z'"},
    {OG_LOAD_MERGE, "{\"type\":\"P\",\"data\":{\"k\":\"z\",\"u\":90012}}\n",
     "line 801: @unique violation on P.u: value '90012' held by 'y012' and 'z'"},
    {OG_LOAD_MERGE, "{\"type\":\"P\",\"data\":{\"k\":\"z\",\"a\":\"2\",\"b\":\"9\"}}\n",
     "line 801: @unique violation on P.(a, b): value '2, 9' held by 'p029' and 'z'"},
    {OG_LOAD_MERGE, "{\"edge\":\"F\",\"from\":\"p001\",\"to\":\"nobody\"}\n",
     "line 801: edge F: dst 'nobody' not found in Q"},
    {OG_LOAD_MERGE, "{\"edge\":\"E\",\"from\":\"nobody\",\"to\":\"y001\"}\n",
     "line 801: edge E: src 'nobody' not found in P"},
    {OG_LOAD_MERGE,
     "{\"edge\":\"E\",\"from\":\"p001\",\"to\":\"y001\"}\n{\"edge\":\"E\",\"from\":\"p001\",\"to\":\"y002\"}\n"
     "{\"edge\":\"E\",\"from\":\"p001\",\"to\":\"y003\"}\n{\"edge\":\"E\",\"from\":\"p001\",\"to\":\"y001\"}\n",
     "@card violation on edge E: source 'p001' has 4 edges (max 3)"},
    {OG_LOAD_MERGE, "{\"edge\":\"F\",\"from\":\"p002\",\"to\":\"q001\",\"data\":{\"id\":\"f1\"}}\n",
     "@card violation on edge F: source 'p001' has 0 edges (min 1)"},
    {OG_LOAD_OVERWRITE, "{\"type\":\"Q\",\"data\":{\"id\":\"q001\"}}\n", "edge F: dst 'q000' not found in Q"},
};

/* The same load with all the memory and with none, onto the same graph. */
static void both(og_ctx *home, const wrong *x, og_str base, og_str filler)
{
  og_buf lines = {0};
  text exports[2] = {{.home = home}, {.home = home}};
  char error[sizeof((og_error){0}).text] = "";
  OG_CHECK_OK(home, og_buf_append_str(home, &lines, filler));
  OG_CHECK_OK(home, og_buf_append_str(home, &lines, og_str_of(x->lines)));
  for (int small = 0; small < 2; small++) {
    world w;
    og_load_result r;
    world_open(&w);
    OG_CHECK_OK(&w.cx, load(&w, base, OG_LOAD_MERGE, 0, &r));
    og_status st = load(&w, og_buf_str(&lines), x->mode, small ? SMALL : 0, &r);
    OG_CHECK((st == OG_OK) == !x->says);
    if (x->says && !strstr(w.err.text, x->says)) print_error("'%s' should say '%s'\n", w.err.text, x->says);
    OG_CHECK(!x->says || strstr(w.err.text, x->says));
    if (small) OG_CHECK_STR(og_str_of(w.err.text), og_str_of(error));
    memcpy(error, w.err.text, sizeof error);
    export_all(&w, &exports[small]);
    world_close(&w);
  }
  OG_CHECK_STR(og_buf_str(&exports[1].buf), og_buf_str(&exports[0].buf));
  og_buf_cleanup(&exports[0].buf);
  og_buf_cleanup(&exports[1].buf);
  og_buf_cleanup(&lines);
}

OG_TEST(spill, every_violation_is_told_in_the_same_words)
{
  world w;
  og_buf base = {0}, filler = {0};
  world_open(&w);
  many_nodes(&w, &base);
  for (int i = 0; i < 400; i++)
    OG_CHECK_OK(&w.cx, og_buf_printf(&w.cx, &filler,
                                     "{\"type\":\"P\",\"data\":{\"k\":\"y%03d\",\"u\":%d,\"a\":\"y%d\",\"b\":\"\"}}\n"
                                     "{\"type\":\"Q\",\"data\":{\"id\":\"r%03d\"}}\n",
                                     i, 90000 + i, i, i));
  for (size_t i = 0; i < OG_ARRAY_LEN(wrongs); i++) {
    bool alone = wrongs[i].mode == OG_LOAD_OVERWRITE; /* the filler's P would replace what F needs as well */
    both(&w.cx, &wrongs[i], og_buf_str(&base), alone ? OG_STR("") : og_buf_str(&filler));
  }
  og_buf_cleanup(&base);
  og_buf_cleanup(&filler);
  world_close(&w);
}

/* ---- any of them */

static uint64_t next(uint64_t *state)
{
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

/* Some records of any kind; `wide` decides how rarely two have to do with each other. */
static void some_lines(og_ctx *cx, uint64_t *seed, uint64_t wide, og_buf *out)
{
  uint64_t n = 20 + next(seed) % 150;
  og_buf_clear(out);
  for (uint64_t i = 0; i < n; i++) {
    uint64_t a = next(seed) % wide, b = next(seed) % wide;
    switch (next(seed) % 5) {
    case 0:
    case 1:
      OG_CHECK_OK(cx, og_buf_printf(cx, out, "{\"type\":\"P\",\"data\":{\"k\":\"p%" PRIu64 "\",\"u\":%" PRIu64 "}}\n",
                                    a, next(seed) % (wide * wide)));
      break;
    case 2:
      OG_CHECK_OK(
          cx, og_buf_printf(cx, out, "{\"type\":\"Q\",\"data\":{\"id\":\"q%" PRIu64 "\",\"n\":%" PRIu64 "}}\n", a, i));
      break;
    case 3:
      OG_CHECK_OK(cx, og_buf_printf(cx, out,
                                    "{\"edge\":\"E\",\"from\":\"p%" PRIu64 "\",\"to\":\"p%" PRIu64
                                    "\",\"data\":{\"id\":\"e%" PRIu64 "\"}}\n",
                                    a % (wide / 8 + 1), b % (wide / 8 + 1), next(seed) % (wide * wide)));
      break;
    default:
      OG_CHECK_OK(cx, og_buf_printf(cx, out,
                                    "{\"edge\":\"F\",\"from\":\"p%" PRIu64 "\",\"to\":\"q%" PRIu64
                                    "\",\"data\":{\"id\":\"f%" PRIu64 "\"}}\n",
                                    a % (wide / 8 + 1), b % (wide / 8 + 1), next(seed) % (wide * wide)));
    }
  }
}

/* Nodes that most edges of some_lines find. */
static void first_nodes(og_ctx *cx, uint64_t wide, og_buf *out)
{
  og_buf_clear(out);
  for (uint64_t i = 0; i <= wide / 8; i++)
    OG_CHECK_OK(cx, og_buf_printf(cx, out,
                                  "{\"type\":\"P\",\"data\":{\"k\":\"p%" PRIu64 "\"}}\n"
                                  "{\"type\":\"Q\",\"data\":{\"id\":\"q%" PRIu64 "\"}}\n",
                                  i, i));
}

/* Loads the same into both; whether it went well. */
static bool load_both(world *w, og_str lines, og_load_mode mode, uint64_t seed)
{
  og_load_result r;
  bool went[2];
  for (int k = 0; k < 2; k++) went[k] = load(&w[k], lines, mode, k ? SMALL : 0, &r) == OG_OK;
  /* Of several things wrong, another may be found first. */
  if (went[0] != went[1]) print_error("seed %" PRIu64 ": '%s' and '%s'\n", seed, w[0].err.text, w[1].err.text);
  OG_CHECK(went[0] == went[1]);
  return went[0];
}

static og_load_mode any_mode(uint64_t *seed)
{
  if (next(seed) % 8 == 0) return OG_LOAD_OVERWRITE;
  return next(seed) % 2 ? OG_LOAD_MERGE : OG_LOAD_APPEND;
}

static void one_seed(world *home, uint64_t s, unsigned *good)
{
  world w[2];
  og_buf lines = {0};
  text exports[2] = {{.home = &home->cx}, {.home = &home->cx}};
  uint64_t seed = s, wide = s % 3 ? 4000 : 120;
  for (int k = 0; k < 2; k++) world_open(&w[k]);
  first_nodes(&home->cx, wide, &lines);
  OG_CHECK(load_both(w, og_buf_str(&lines), OG_LOAD_MERGE, s));
  for (int round = 0; round < 3; round++) {
    some_lines(&home->cx, &seed, wide, &lines);
    *good += load_both(w, og_buf_str(&lines), any_mode(&seed), s);
  }
  for (int k = 0; k < 2; k++) export_all(&w[k], &exports[k]);
  OG_CHECK_STR(og_buf_str(&exports[1].buf), og_buf_str(&exports[0].buf));
  og_buf_cleanup(&lines);
  for (int k = 0; k < 2; k++) {
    og_buf_cleanup(&exports[k].buf);
    world_close(&w[k]);
  }
}

OG_TEST(spill, loads_of_any_kind_end_alike)
{
  world home;
  unsigned good = 0;
  world_open(&home);
  for (uint64_t s = 1; s <= 60; s++) one_seed(&home, s, &good);
  OG_CHECK(good > 30 && good < 150); /* of 180: both kinds were seen */
  world_close(&home);
}

OG_TEST_MAIN(OG_CASE(spill, every_violation_is_told_in_the_same_words), OG_CASE(spill, loads_of_any_kind_end_alike))
