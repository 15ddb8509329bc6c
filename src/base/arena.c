/* SPDX-License-Identifier: MIT */
#include "base/arena.h"
#include "base/ctx.h"

#include <stdio.h>

struct og_arena_chunk {
  og_arena_chunk *next;
  size_t size; /* bytes behind the header */
};

_Static_assert(sizeof(og_arena_chunk) == 16, "chunks keep 16-byte alignment");

#define FIRST_CHUNK ((size_t)4 << 10)
#define MAX_CHUNK   ((size_t)1 << 20)

void og_arena_cleanup(og_arena *a)
{
  for (og_arena_chunk *c = a->chunks; c;) {
    og_arena_chunk *next = c->next;
    og_free(c);
    c = next;
  }
  *a = (og_arena){0};
}

void og_arena_reset(og_arena *a)
{
  og_arena_chunk *c = a->chunks;
  if (!c) return;
  while (c->next) {
    og_arena_chunk *next = c->next;
    og_free(c);
    c = next;
  }
  a->chunks = c;
  a->at = (char *)(c + 1);
  a->end = a->at + c->size;
}

size_t og_arena_bytes(const og_arena *a)
{
  size_t bytes = 0;
  for (const og_arena_chunk *c = a->chunks; c; c = c->next) bytes += sizeof *c + c->size;
  return bytes;
}

static og_status add_chunk(og_ctx *cx, og_arena *a, size_t need)
{
  size_t size = a->next_size ? a->next_size : FIRST_CHUNK;
  if (size < need) size = need;
  size_t total;
  if (OG_ADD_OVERFLOWS(size, sizeof(og_arena_chunk), &total)) return og_fail(cx, OG_ENOMEM, "out of memory");
  og_arena_chunk *c = og_alloc(cx, total);
  if (!c) return OG_ENOMEM;
  *c = (og_arena_chunk){a->chunks, size};
  a->chunks = c;
  a->at = (char *)(c + 1);
  a->end = a->at + size;
  a->next_size = size * 2 > MAX_CHUNK ? MAX_CHUNK : size * 2;
  return OG_OK;
}

void *og_arena_alloc(og_ctx *cx, og_arena *a, size_t size)
{
  size_t need;
  if (OG_ADD_OVERFLOWS(size, (size_t)15, &need)) {
    og_fail(cx, OG_ENOMEM, "out of memory (%zu bytes)", size);
    return NULL;
  }
  need &= ~(size_t)15;
  if ((size_t)(a->end - a->at) < need || !a->at) {
    if (add_chunk(cx, a, need) != OG_OK) return NULL;
  }
  void *p = a->at;
  a->at += need;
  return p;
}

void *og_arena_zalloc(og_ctx *cx, og_arena *a, size_t size)
{
  void *p = og_arena_alloc(cx, a, size);
  if (p && size) memset(p, 0, size);
  return p;
}

void *og_arena_calloc(og_ctx *cx, og_arena *a, size_t n, size_t size)
{
  size_t total;
  if (OG_MUL_OVERFLOWS(n, size, &total)) {
    og_fail(cx, OG_ENOMEM, "out of memory (%zu x %zu bytes)", n, size);
    return NULL;
  }
  return og_arena_zalloc(cx, a, total);
}

og_status og_arena_str(og_ctx *cx, og_arena *a, og_str s, og_str *out)
{
  char *copy = og_arena_alloc(cx, a, s.len + 1);
  if (!copy) return OG_ENOMEM;
  if (s.len) memcpy(copy, s.ptr, s.len);
  copy[s.len] = '\0';
  *out = (og_str){copy, s.len};
  return OG_OK;
}

og_status og_arena_printf(og_ctx *cx, og_arena *a, og_str *out, const char *fmt, ...)
{
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, fmt, args);
  va_end(args);
  char *text = n < 0 ? NULL : og_arena_alloc(cx, a, (size_t)n + 1);
  if (text) {
    vsnprintf(text, (size_t)n + 1, fmt, again);
    *out = (og_str){text, (size_t)n};
  }
  va_end(again);
  if (n < 0) return og_fail(cx, OG_EINTERNAL, "cannot format a text");
  return text ? OG_OK : OG_ENOMEM;
}
