/* SPDX-License-Identifier: MIT */
/* db/public_call.c -- the edge of the library: strings and options in, strings out, errors to whom they belong. */
#include "db/public.h"

#include "base/env.h"

const char *og_version(void)
{
  return OG_VERSION;
}

/* ---- cancelling */

og_status og_cancel_new(og_cancel **out, og_error *err)
{
  og_call c;
  og_runtime rt = {0};
  og_mem *mem = og_mem_new(0);
  og_ctx *cx = og_db__call_bare(&c, mem, &rt, err);
  if (!mem) return og_fail(cx, OG_ENOMEM, "out of memory (a cancel flag)");
  og_cancel *cancel = og_zalloc(cx, sizeof *cancel);
  og_mem_free(mem); /* the flag keeps its account */
  if (cancel) *out = cancel;
  return og_db__call_end(&c, cancel ? OG_OK : OG_ENOMEM);
}

void og_cancel_raise(og_cancel *cancel)
{
  atomic_store_explicit(&cancel->raised, true, memory_order_relaxed);
}

void og_cancel_free(og_cancel *cancel)
{
  og_free(cancel);
}

/* ---- a call */

og_ctx *og_db__call_bare(og_call *c, og_mem *mem, og_runtime *rt, og_error *err)
{
  c->scratch = (og_arena){0};
  og_ctx_init(&c->cx, rt, err ? err : &c->own, &c->scratch);
  c->cx.mem = mem;
  return &c->cx;
}

og_ctx *og_db__call_begin(og_call *c, og_session *s, og_error *err)
{
  return og_db__call_bare(c, s->mem, &s->rt, err);
}

void og_db__call_bound(og_call *c, uint64_t timeout_ms, const og_cancel *cancel)
{
  uint64_t ns;
  c->cx.cancel = cancel ? &cancel->raised : NULL;
  if (timeout_ms == 0) return;
  if (OG_MUL_OVERFLOWS(timeout_ms, UINT64_C(1000000), &ns) ||
      OG_ADD_OVERFLOWS(ns, og_mono_ns(&c->cx), &c->cx.deadline_ns))
    c->cx.deadline_ns = 0; /* centuries: none */
}

og_status og_db__call_end(og_call *c, og_status st)
{
  og_arena_cleanup(&c->scratch);
  if (st == OG_OK) *c->cx.err = (og_error){0}; /* nothing of a failure that was dealt with */
  return st;
}

/* ---- options and strings */

og_status og_db__opts_take(og_ctx *cx, void *opts, size_t known, const void *given)
{
  size_t size;
  if (!given) return OG_OK;
  memcpy(&size, given, sizeof size);
  if (size < sizeof size || size > known)
    return og_fail(cx, OG_EINVALID,
                   "the options have size %zu, at most %zu is known here: call their _init function, and run with the "
                   "library you compiled for, or a newer one",
                   size, known);
  memcpy(opts, given, size);
  return OG_OK;
}

og_status og_db__text_take(og_ctx *cx, const char *given, const char *what, og_str *out)
{
  og_str s = og_str_of(given);
  size_t bad = og_utf8_check(s);
  if (bad != SIZE_MAX) return og_fail(cx, OG_EINVALID, "'%s' is not UTF-8 at byte %zu", what, bad);
  *out = s;
  return OG_OK;
}

og_status og_db__text_need(og_ctx *cx, const char *given, const char *what, og_str *out)
{
  if (!given) return og_fail(cx, OG_EINVALID, "'%s' must be given, it is NULL", what);
  return og_db__text_take(cx, given, what, out);
}

og_status og_db__text_give(og_ctx *cx, og_arena *a, og_str s, bool or_null, const char **out)
{
  og_str copy;
  *out = NULL;
  if (s.len == 0 && or_null) return OG_OK;
  OG_TRY(og_arena_str(cx, a, s, &copy));
  *out = copy.ptr;
  return OG_OK;
}

typedef struct owned_text {
  og_text text; /* what the caller sees */
  og_buf bytes;
} owned_text;
_Static_assert(offsetof(owned_text, text) == 0, "og_text_free takes one for the other");

og_status og_db__text_new(og_ctx *cx, og_buf *buf, og_text **out)
{
  OG_TRY(og_buf_append_byte(cx, buf, '\0'));
  owned_text *t = og_zalloc(cx, sizeof *t);
  if (!t) return OG_ENOMEM;
  og_buf_move(&t->bytes, buf);
  t->text = (og_text){.data = (const char *)t->bytes.data, .len = t->bytes.len - 1};
  *out = &t->text;
  return OG_OK;
}

void og_text_free(og_text *text)
{
  owned_text *t = (owned_text *)text;
  if (!t) return;
  og_buf_cleanup(&t->bytes);
  og_free(t);
}

/* ---- lists */

/* In front of every list. */
typedef struct list_head {
  og_arena arena;
} list_head;
_Static_assert(sizeof(list_head) % _Alignof(max_align_t) == 0, "the list behind it is aligned");

void *og_db__list_new(og_ctx *cx, og_arena *a, size_t size)
{
  list_head *head = og_arena_zalloc(cx, a, sizeof *head + size);
  return head ? head + 1 : NULL;
}

bool og_db__list_keep(og_status st, void *list, og_arena *a)
{
  if (st == OG_OK)
    ((list_head *)list - 1)->arena = *a;
  else
    og_arena_cleanup(a);
  return st == OG_OK;
}

void og_db__list_free(void *list)
{
  if (!list) return;
  og_arena a = ((list_head *)list - 1)->arena;
  og_arena_cleanup(&a);
}
