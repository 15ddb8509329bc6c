/* SPDX-License-Identifier: MIT */
#include "base/vec.h"
#include "base/ctx.h"

void og_vec_init(og_vec *v, size_t elem)
{
  *v = (og_vec){NULL, 0, 0, elem};
}

void og_vec_cleanup(og_vec *v)
{
  og_free(v->data);
  *v = (og_vec){NULL, 0, 0, v->elem};
}

void og_vec_clear(og_vec *v)
{
  v->len = 0;
}

og_status og_vec_reserve(og_ctx *cx, og_vec *v, size_t more)
{
  OG_ASSERT(v->elem > 0);
  size_t need, bytes;
  if (OG_ADD_OVERFLOWS(v->len, more, &need)) return og_fail(cx, OG_ENOMEM, "out of memory");
  if (need <= v->cap) return OG_OK;
  size_t cap = v->cap < SIZE_MAX / 2 ? v->cap * 2 : need;
  if (cap < need) cap = need;
  if (cap < 8) cap = 8;
  if (OG_MUL_OVERFLOWS(cap, v->elem, &bytes)) return og_fail(cx, OG_ENOMEM, "out of memory");
  void *p = og_realloc(cx, v->data, bytes);
  if (!p) return OG_ENOMEM;
  v->data = p;
  v->cap = cap;
  return OG_OK;
}

void *og_vec_push(og_ctx *cx, og_vec *v)
{
  if (OG_UNLIKELY(v->len == v->cap) && og_vec_reserve(cx, v, 1) != OG_OK) return NULL;
  void *p = (char *)v->data + v->len * v->elem;
  memset(p, 0, v->elem);
  v->len++;
  return p;
}

og_status og_vec_add(og_ctx *cx, og_vec *v, const void *elem)
{
  if (OG_UNLIKELY(v->len == v->cap)) OG_TRY(og_vec_reserve(cx, v, 1));
  memcpy((char *)v->data + v->len * v->elem, elem, v->elem);
  v->len++;
  return OG_OK;
}

void og_vec_remove(og_vec *v, size_t i)
{
  OG_ASSERT(i < v->len);
  char *at = (char *)v->data + i * v->elem;
  memmove(at, at + v->elem, (v->len - i - 1) * v->elem);
  v->len--;
}

/* Bottom-up merge sort: stable, O(n log n) whatever the input, two buffers. */
og_status og_sort(og_ctx *cx, void *data, size_t n, size_t elem, int (*cmp)(const void *a, const void *b, void *arg),
                  void *arg)
{
  if (n < 2) return OG_OK;
  size_t bytes;
  if (OG_MUL_OVERFLOWS(n, elem, &bytes)) return og_fail(cx, OG_ENOMEM, "out of memory");
  char *scratch = og_alloc(cx, bytes);
  if (!scratch) return OG_ENOMEM;
  char *src = data, *dst = scratch;
  for (size_t width = 1; width < n; width *= 2) {
    for (size_t lo = 0; lo < n; lo += 2 * width) {
      size_t mid = lo + width < n ? lo + width : n, hi = lo + 2 * width < n ? lo + 2 * width : n;
      size_t a = lo, b = mid, out = lo;
      while (a < mid && b < hi) {
        bool take_b = cmp(src + b * elem, src + a * elem, arg) < 0;
        memcpy(dst + out++ * elem, src + (take_b ? b++ : a++) * elem, elem);
      }
      memcpy(dst + out * elem, src + a * elem, (mid - a) * elem);
      out += mid - a;
      memcpy(dst + out * elem, src + b * elem, (hi - b) * elem);
    }
    char *t = src;
    src = dst;
    dst = t;
  }
  if (src != (char *)data) memcpy(data, src, bytes);
  og_free(scratch);
  return OG_OK;
}
