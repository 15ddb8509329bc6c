/* SPDX-License-Identifier: MIT */
/* base/json_read.c -- a JSON text as a tree in an arena.
 *
 *  (1) The text is copied once into the parser's padded buffer, so callers need not pad.
 *  (2) UTF-8 and surrogates are checked below; U+0000 is refused here; integers outside 64 bits are refused there
 *      rather than rounded.  What is refused is looked for again by json_where.c, so that the error can name the byte.
 *  (3) The tree is filled top down: `frames` holds, per open array or object, where the next value goes.
 */
#include "base/json.h"

#include "base/json_simd.h"
#include "base/json_where.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/vec.h"

#include <math.h>

struct og_json_parser {
  og_simd_parser *simd;
  og_buf padded;
  og_vec frames; /* frame */
};

typedef struct frame {
  og_json *node;
  size_t at;
} frame;

typedef struct reader {
  og_ctx *cx;
  og_str text;
  og_arena *a;
  og_vec *frames;
  og_json root;
  bool refuse_duplicates;
} reader;

static const og_json_member *members_of(const og_json *o)
{
  return o->u.object.members;
}

/* Where the value that comes now belongs; fills in its parent's count. */
static og_json *place(reader *r)
{
  if (r->frames->len == 0) return &r->root;
  frame *f = &OG_VEC_AT(r->frames, frame, r->frames->len - 1);
  size_t i = f->at++;
  return f->node->kind == OG_JSON_ARRAY ? (og_json *)(uintptr_t)&f->node->u.array.items[i]
                                        : (og_json *)(uintptr_t)members_of(f->node)[i].value;
}

static int duplicate(reader *r, og_str key)
{
  og_fail(r->cx, OG_EINVALID, "invalid JSON: duplicate member \"" OG_STR_FMT "\"", OG_STR_ARG(key));
  return 1;
}

/* Few members: each with those before; many: a map. */
static int check_duplicates(reader *r, const og_json *object)
{
  const og_json_member *m = members_of(object);
  size_t n = object->u.object.len;
  int bad = 0;
  if (n <= 16) {
    for (size_t i = 1; i < n; i++)
      for (size_t k = 0; k < i; k++)
        if (og_str_eq(m[i].key, m[k].key)) return duplicate(r, m[i].key);
    return 0;
  }
  og_map seen;
  og_map_init(&seen, false);
  for (size_t i = 0; !bad && i < n; i++) {
    bool was_new = true;
    bad = og_map_put(r->cx, &seen, m[i].key, i, &was_new) != OG_OK;
    if (!bad && !was_new) bad = duplicate(r, m[i].key);
  }
  og_map_cleanup(&seen);
  return bad;
}

/* Closes what is full, up to an array or object that still waits for values. */
static int close_full(reader *r)
{
  while (r->frames->len) {
    frame *f = &OG_VEC_AT(r->frames, frame, r->frames->len - 1);
    bool is_array = f->node->kind == OG_JSON_ARRAY;
    if (f->at < (is_array ? f->node->u.array.len : f->node->u.object.len)) return 0;
    if (!is_array && r->refuse_duplicates && check_duplicates(r, f->node)) return 1;
    r->frames->len--;
  }
  return 0;
}

static int open_frame(reader *r, og_json *node)
{
  frame *f = og_vec_push(r->cx, r->frames);
  if (!f) return 1;
  f->node = node;
  return close_full(r); /* at once, when it is empty */
}

static int on_array(void *arg, size_t n)
{
  reader *r = arg;
  og_json *node = place(r), *items = og_arena_calloc(r->cx, r->a, n + 1, sizeof *items);
  if (!items) return 1;
  node->kind = OG_JSON_ARRAY;
  node->u.array.items = items;
  node->u.array.len = n;
  return open_frame(r, node);
}

static int on_object(void *arg, size_t n)
{
  reader *r = arg;
  og_json *node = place(r), *values = og_arena_calloc(r->cx, r->a, n + 1, sizeof *values);
  og_json_member *m = og_arena_calloc(r->cx, r->a, n + 1, sizeof *m);
  if (!values || !m) return 1;
  for (size_t i = 0; i < n; i++) m[i].value = &values[i];
  node->kind = OG_JSON_OBJECT;
  node->u.object.members = m;
  node->u.object.len = n;
  return open_frame(r, node);
}

/* Refuses the text at its first wrong byte; `why` is for the case that only the fast reader finds one. */
static og_status refuse(og_ctx *cx, og_str text, const char *why)
{
  size_t at;
  const char *what = og_json__where(text, &at);
  if (!what) return og_fail(cx, OG_EINVALID, "invalid JSON: %s", why);
  return og_fail(cx, OG_EINVALID, "invalid JSON at byte %zu: %s", at, what);
}

static int copy_text(reader *r, const char *s, size_t n, og_str *out)
{
  if (memchr(s, 0, n)) return refuse(r->cx, r->text, "a string contains U+0000") != OG_OK;
  return og_arena_str(r->cx, r->a, og_str_from(s, n), out) != OG_OK;
}

static int on_key(void *arg, const char *s, size_t n)
{
  reader *r = arg;
  frame *f = &OG_VEC_AT(r->frames, frame, r->frames->len - 1);
  og_json_member *m = (og_json_member *)(uintptr_t)&members_of(f->node)[f->at];
  return copy_text(r, s, n, &m->key);
}

static int on_string(void *arg, const char *s, size_t n)
{
  reader *r = arg;
  og_json *node = place(r);
  node->kind = OG_JSON_STRING;
  return copy_text(r, s, n, &node->u.str) || close_full(r);
}

static int on_i64(void *arg, int64_t v)
{
  og_json *node = place(arg);
  node->kind = OG_JSON_I64;
  node->u.i64 = v;
  return close_full(arg);
}

static int on_u64(void *arg, uint64_t v)
{
  og_json *node = place(arg);
  node->kind = OG_JSON_U64;
  node->u.u64 = v;
  return close_full(arg);
}

static int on_f64(void *arg, double v)
{
  og_json *node = place(arg);
  node->kind = OG_JSON_F64;
  node->u.f64 = v;
  return close_full(arg);
}

static int on_bool(void *arg, int v)
{
  og_json *node = place(arg);
  node->kind = OG_JSON_BOOL;
  node->u.boolean = v != 0;
  return close_full(arg);
}

static int on_null(void *arg)
{
  place(arg)->kind = OG_JSON_NULL;
  return close_full(arg);
}

static const og_simd_events events = {.array = on_array,
                                      .object = on_object,
                                      .key = on_key,
                                      .string = on_string,
                                      .i64 = on_i64,
                                      .u64 = on_u64,
                                      .f64 = on_f64,
                                      .boolean = on_bool,
                                      .null = on_null};

og_status og_json_parser_new(og_ctx *cx, og_json_parser **out)
{
  og_json_parser *p = og_zalloc(cx, sizeof *p);
  if (!p) return OG_ENOMEM;
  og_vec_init(&p->frames, sizeof(frame));
  p->simd = og_simd_new();
  if (!p->simd) {
    og_free(p);
    return og_fail(cx, OG_ENOMEM, "out of memory for a JSON parser");
  }
  *out = p;
  return OG_OK;
}

void og_json_parser_free(og_json_parser *p)
{
  if (!p) return;
  og_simd_free(p->simd);
  og_buf_cleanup(&p->padded);
  og_vec_cleanup(&p->frames);
  og_free(p);
}

static og_status pad(og_ctx *cx, og_buf *b, og_str text)
{
  og_buf_clear(b);
  OG_TRY(og_buf_reserve(cx, b, text.len + og_simd_padding()));
  OG_TRY(og_buf_append_str(cx, b, text));
  memset(b->data + b->len, 0, og_simd_padding());
  return OG_OK;
}

static og_status too_deep(og_ctx *cx, unsigned max)
{
  og_fail(cx, OG_ELIMIT, "invalid JSON: nested more than %u levels deep", max);
  og_detail *d = og_error_detail(cx, OG_DETAIL_RESOURCE_LIMIT);
  og_detail_set(d->resource, sizeof d->resource, OG_STR("json nesting"));
  d->limit = max;
  d->used = (uint64_t)max + 1; /* where reading stopped */
  return OG_ELIMIT;
}

og_status og_json_parse(og_ctx *cx, og_json_parser *p, og_arena *a, og_str text, const og_json_opts *opts,
                        const og_json **out)
{
  unsigned depth = opts && opts->max_depth ? opts->max_depth : OG_LIMIT_JSON_DEPTH;
  const char *why = "";
  OG_ASSERT(depth <= OG_SIMD_MAX_DEPTH);
  if (text.len > UINT32_MAX / 2)
    return og_fail(cx, OG_ELIMIT, "invalid JSON: %zu bytes are more than can be read at once", text.len);
  OG_TRY(pad(cx, &p->padded, text));
  og_vec_clear(&p->frames);
  reader r = {
      .cx = cx, .text = text, .a = a, .frames = &p->frames, .refuse_duplicates = opts && opts->refuse_duplicates};
  switch (og_simd_parse(p->simd, (const char *)p->padded.data, text.len, depth, &events, &r, &why)) {
  case OG_SIMD_OK: break;
  case OG_SIMD_STOPPED: return cx->err->status;
  case OG_SIMD_NOMEM: return og_fail(cx, OG_ENOMEM, "out of memory while reading JSON");
  case OG_SIMD_DEEP: return too_deep(cx, depth);
  default: return refuse(cx, text, why);
  }
  og_json *root = og_arena_alloc(cx, a, sizeof *root);
  if (!root) return OG_ENOMEM;
  *root = r.root;
  *out = root;
  return OG_OK;
}

og_status og_json_read(og_ctx *cx, og_arena *a, og_str text, const og_json **out)
{
  og_json_parser *p = NULL;
  const og_json_opts opts = {.refuse_duplicates = true};
  OG_TRY(og_json_parser_new(cx, &p));
  og_status st = og_json_parse(cx, p, a, text, &opts, out);
  og_json_parser_free(p);
  return st;
}

const og_json *og_json_get(const og_json *object, og_str key)
{
  if (!object || object->kind != OG_JSON_OBJECT) return NULL;
  for (size_t i = 0; i < object->u.object.len; i++)
    if (og_str_eq(object->u.object.members[i].key, key)) return object->u.object.members[i].value;
  return NULL;
}

bool og_json_get_str(const og_json *object, og_str key, og_str *out)
{
  const og_json *v = og_json_get(object, key);
  if (!v || v->kind != OG_JSON_STRING) return false;
  *out = v->u.str;
  return true;
}

bool og_json_get_u64(const og_json *object, og_str key, uint64_t *out)
{
  const og_json *v = og_json_get(object, key);
  if (v && v->kind == OG_JSON_U64) {
    *out = v->u.u64;
    return true;
  }
  if (!v || v->kind != OG_JSON_I64 || v->u.i64 < 0) return false;
  *out = (uint64_t)v->u.i64;
  return true;
}

bool og_json_get_i64(const og_json *object, og_str key, int64_t *out)
{
  const og_json *v = og_json_get(object, key);
  if (!v || v->kind != OG_JSON_I64) return false;
  *out = v->u.i64;
  return true;
}
