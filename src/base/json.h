/* SPDX-License-Identifier: MIT */
/* base/json.h -- JSON in (simdjson behind C) and out (our own, round-trip exact).
 *
 * Reading gives a tree of nodes in an arena: integers exact to 64 bits, everything else numeric as double; strings
 * unescaped and checked UTF-8 (lone surrogates and U+0000 are refused); duplicate members refused when asked; depth
 * and size bounded.  Member order is kept.
 * Writing appends to an og_buf; doubles print shortest round-trip, integers exactly, non-finite as the strings
 * "NaN", "Infinity", "-Infinity".
 */
#pragma once

#include "base/buf.h"
#include "base/ctx.h"

typedef enum og_json_kind {
  OG_JSON_NULL,
  OG_JSON_BOOL,
  OG_JSON_I64, /* integer text that fits int64 */
  OG_JSON_U64, /* integer text above INT64_MAX that fits uint64 */
  OG_JSON_F64, /* any other number; integers too large for 64 bits are refused */
  OG_JSON_STRING,
  OG_JSON_ARRAY,
  OG_JSON_OBJECT
} og_json_kind;

typedef struct og_json og_json;
typedef struct og_json_member {
  og_str key;
  const og_json *value;
} og_json_member;

struct og_json {
  og_json_kind kind;
  union {
    bool boolean;
    int64_t i64;
    uint64_t u64;
    double f64;
    og_str str;
    struct {
      const og_json *items;
      size_t len;
    } array;
    struct {
      const og_json_member *members;
      size_t len;
    } object;
  } u;
};

typedef struct og_json_opts {
  unsigned max_depth; /* of nested arrays and objects, at most 1024; 0: OG_LIMIT_JSON_DEPTH */
  bool refuse_duplicates;
} og_json_opts;

/* A parser reuses its buffers from call to call: one per thread. */
typedef struct og_json_parser og_json_parser;
OG_MUST_USE og_status og_json_parser_new(og_ctx *cx, og_json_parser **out);
void og_json_parser_free(og_json_parser *p);

/* Parses one document that fills `text` (surrounding white space allowed) into arena `a`.
 * OG_EINVALID with what was wrong and the byte offset (a duplicate: its name); OG_ELIMIT when nested too deep.
 * *out borrows from the arena only. */
OG_MUST_USE og_status og_json_parse(og_ctx *cx, og_json_parser *p, og_arena *a, og_str text, const og_json_opts *opts,
                                    const og_json **out);
/* The same with a parser of its own, for rare documents. */
OG_MUST_USE og_status og_json_read(og_ctx *cx, og_arena *a, og_str text, const og_json **out);

const og_json *og_json_get(const og_json *object, og_str key); /* NULL: absent, or not an object */
/* Member as string/integer; false when absent or of another kind. */
bool og_json_get_str(const og_json *object, og_str key, og_str *out);
bool og_json_get_u64(const og_json *object, og_str key, uint64_t *out);
bool og_json_get_i64(const og_json *object, og_str key, int64_t *out);

/* Writer: a small state machine that puts commas and, when pretty, newlines and two-space indents. */
typedef struct og_json_writer {
  og_buf *out;
  bool pretty;
  unsigned depth;
  uint64_t has_items[4]; /* bit per depth; depth <= 255 */
  bool after_key;
} og_json_writer;

void og_json_writer_init(og_json_writer *w, og_buf *out, bool pretty);
OG_MUST_USE og_status og_json_begin_object(og_ctx *cx, og_json_writer *w);
OG_MUST_USE og_status og_json_end_object(og_ctx *cx, og_json_writer *w);
OG_MUST_USE og_status og_json_begin_array(og_ctx *cx, og_json_writer *w);
OG_MUST_USE og_status og_json_end_array(og_ctx *cx, og_json_writer *w);
OG_MUST_USE og_status og_json_key(og_ctx *cx, og_json_writer *w, og_str key);
OG_MUST_USE og_status og_json_str(og_ctx *cx, og_json_writer *w, og_str s);
OG_MUST_USE og_status og_json_i64(og_ctx *cx, og_json_writer *w, int64_t v);
OG_MUST_USE og_status og_json_u64(og_ctx *cx, og_json_writer *w, uint64_t v);
OG_MUST_USE og_status og_json_f64(og_ctx *cx, og_json_writer *w, double v);
OG_MUST_USE og_status og_json_f32(og_ctx *cx, og_json_writer *w, float v); /* by its double widening */
OG_MUST_USE og_status og_json_bool(og_ctx *cx, og_json_writer *w, bool v);
OG_MUST_USE og_status og_json_null(og_ctx *cx, og_json_writer *w);
OG_MUST_USE og_status og_json_raw(og_ctx *cx, og_json_writer *w, og_str json); /* one value, as is */
OG_MUST_USE og_status og_json_node(og_ctx *cx, og_json_writer *w, const og_json *node);
/* key + value in one call */
OG_MUST_USE og_status og_json_kv_str(og_ctx *cx, og_json_writer *w, const char *key, og_str s);
OG_MUST_USE og_status og_json_kv_u64(og_ctx *cx, og_json_writer *w, const char *key, uint64_t v);
OG_MUST_USE og_status og_json_kv_i64(og_ctx *cx, og_json_writer *w, const char *key, int64_t v);
OG_MUST_USE og_status og_json_kv_bool(og_ctx *cx, og_json_writer *w, const char *key, bool v);
OG_MUST_USE og_status og_json_kv_null(og_ctx *cx, og_json_writer *w, const char *key);

/* `s` quoted and escaped as JSON (the shortest legal form: \" \\ \b \f \n \r \t \u00xx). */
OG_MUST_USE og_status og_json_quote(og_ctx *cx, og_buf *out, og_str s);
