/* SPDX-License-Identifier: MIT */
/* lance/page_directory.c -- where the chunks of a mini-block page lie.
 *
 * Buffers of the page: chunk words, chunks, then the dictionary and the repetition index where the layout names them.
 * A chunk word (u16, or u32 when large): low 4 bits log2 of the slots (0 in the last chunk, which has the rest), above
 * them the chunk's bytes / 8 - 1.  The repetition index has two u64 per chunk: rows that end in it, and items of a row
 * left unfinished at its end.
 *
 *  (1) Whoever wants single rows of a page will want others: the directory is kept with the open file then, so that
 *      each costs one chunk.  It never changes, and the first that is published stays, so readers share it unlocked.
 *  (2) A column is read as one type by all who open the same table; a forged table may name it under two.  Hence a
 *      directory is for those who read what it was made for.
 *  (3) All that a file keeps is bounded by a share of its size: a directory is about 1/500 of what it describes.
 */
#include "base/ctx.h"
#include "lance/page.h"

#include <inttypes.h>

#define SMALL_PAGE (64u << 10) /* fetched whole */

static void directory_free(const og_lance__directory *dir)
{
  og_lance__directory *d = (og_lance__directory *)(uintptr_t)dir; /* nobody else has it any more */
  if (!d) return;
  og_lance__slots_cleanup(&d->dictionary);
  og_free(d->chunks);
  og_free(d);
}

void og_lance__directory_drop(og_lance__page *p)
{
  directory_free(atomic_load_explicit(&p->directory, memory_order_relaxed));
}

void og_lance__directory_release(const og_lance__page_reader *r, const og_lance__directory *dir)
{
  if (dir != atomic_load_explicit(&r->page->directory, memory_order_relaxed)) directory_free(dir);
}

/* Keeps a directory if there is room, and nobody was faster. */
static void publish(og_lance__page_reader *r, const og_lance__directory *dir)
{
  const uint64_t bytes = sizeof *dir + (dir->n_chunks + 1) * sizeof *dir->chunks +
                         (dir->has_dictionary ? og_lance__slots_bytes(&dir->dictionary) : 0);
  const og_lance__directory *none = NULL;
  if (!r->kept) return;
  const uint64_t before = atomic_fetch_add_explicit(&r->kept->bytes, bytes, memory_order_relaxed);
  if (bytes <= r->kept->most && before <= r->kept->most - bytes &&
      atomic_compare_exchange_strong_explicit(&r->page->directory, &none, dir, memory_order_release,
                                              memory_order_relaxed))
    return;
  atomic_fetch_sub_explicit(&r->kept->bytes, bytes, memory_order_relaxed);
}

static og_status place_chunks(og_ctx *cx, const og_lance__page_reader *r, og_lance__directory *d, og_str words,
                              uint64_t bytes)
{
  const og_lance__layout *l = &r->layout;
  const unsigned w = l->large ? 4 : 2;
  uint64_t slot = 0, offset = 0;
  d->n_chunks = words.len / w;
  d->chunks = og_calloc(cx, (size_t)d->n_chunks + 1, sizeof *d->chunks);
  if (!d->chunks) return OG_ENOMEM;
  for (uint64_t c = 0; c < d->n_chunks; c++) {
    const uint64_t word = og_lance__uint((const uint8_t *)words.ptr + c * w, w);
    const bool last = c + 1 == d->n_chunks;
    const uint64_t slots = last ? l->n_items - slot : (uint64_t)1 << (word & 15);
    d->chunks[c] = (og_lance__chunk){.at = (uint32_t)(offset / 8), .slot = (uint32_t)slot, .row = (uint32_t)slot};
    if (slots > l->n_items - slot)
      return og_fail(cx, OG_ECORRUPT, "the chunks hold more than the page's %" PRIu64 " values", l->n_items);
    slot += slots;
    offset += ((word >> 4) + 1) * 8;
  }
  if (slot != l->n_items || offset > bytes)
    return og_fail(cx, OG_ECORRUPT,
                   "chunks of %" PRIu64 " values in %" PRIu64 " bytes; the page says %" PRIu64 " in %" PRIu64, slot,
                   offset, l->n_items, bytes);
  d->chunks[d->n_chunks] =
      (og_lance__chunk){.at = (uint32_t)(offset / 8), .slot = (uint32_t)slot, .row = (uint32_t)slot};
  return OG_OK;
}

static og_status place_rows(og_ctx *cx, const og_lance__page_reader *r, og_lance__directory *d, og_str index)
{
  const size_t pair = 8 * (size_t)(r->layout.rep_depth + 1);
  if (index.len / pair < d->n_chunks)
    return og_fail(cx, OG_ECORRUPT, "a repetition index of %zu bytes for %" PRIu64 " chunks", index.len, d->n_chunks);
  uint64_t ended = 0, open = 0;
  for (uint64_t c = 0; c < d->n_chunks; c++) {
    d->chunks[c].row = (uint32_t)(ended + (open > 0));
    d->chunks[c].goes_on = open > 0;
    const uint64_t ends = og_lance__u64(index.ptr + c * pair);
    open = og_lance__u64(index.ptr + c * pair + 8);
    if (ends > r->page->n_rows - ended)
      return og_fail(cx, OG_ECORRUPT, "the repetition index counts more than %" PRIu64 " rows", r->page->n_rows);
    ended += ends;
  }
  d->chunks[d->n_chunks].row = (uint32_t)(ended + (open > 0));
  if (d->chunks[d->n_chunks].row != r->page->n_rows)
    return og_fail(cx, OG_ECORRUPT, "the repetition index counts %u of %" PRIu64 " rows", d->chunks[d->n_chunks].row,
                   r->page->n_rows);
  return OG_OK;
}

static og_status load_dictionary(og_ctx *cx, const og_lance__page_reader *r, og_lance__directory *d, og_str bytes)
{
  const og_lance__layout *l = &r->layout;
  d->has_dictionary = true;
  if (l->dictionary_items > OG_LIMIT_PAGE_BYTES / 8)
    return og_fail(cx, OG_ECORRUPT, "a dictionary of %" PRIu64 " values", l->dictionary_items);
  OG_TRY_NOTE(cx, og_lance__block_decode(cx, l->dictionary, bytes, l->dictionary_items, &d->dictionary),
              "while reading a dictionary");
  return OG_OK;
}

static og_range page_buffer(const og_lance__page *p, uint32_t i)
{
  return (og_range){.off = p->offsets[i], .len = p->sizes[i]};
}

static og_status check_layout(og_ctx *cx, const og_lance__page_reader *r, const og_lance__leaf *out)
{
  const og_lance__layout *l = &r->layout;
  const bool lists = out->path->n_lists > 0;
  const uint32_t need = 2u + (l->dictionary != NULL) + lists;
  if (r->page->n_buffers < need)
    return og_fail(cx, OG_ECORRUPT, "a mini-block page with %u of %u buffers", r->page->n_buffers, need);
  if (lists && (!l->rep || l->rep_depth < 1 || l->rep_depth > OG_LANCE__MAX_LAYERS))
    return og_fail(cx, OG_ECORRUPT, "a list page without repetition levels or their index");
  if (!lists && l->n_items != r->page->n_rows)
    return og_fail(cx, OG_ECORRUPT, "%" PRIu64 " values for %" PRIu64 " rows", l->n_items, r->page->n_rows);
  if ((r->numbering.max_def > 0) != (l->def != NULL))
    return og_fail(cx, OG_ECORRUPT, "definition levels do not go with the page's layers");
  if (l->n_buffers < 1 || l->n_buffers > OG_LANCE__CHUNK_BUFFERS || l->n_buffers < og_lance__enc_buffers(l->values))
    return og_fail(cx, OG_ECORRUPT, "%" PRIu64 " value buffers per chunk", l->n_buffers);
  if (l->n_items > OG_LIMIT_PAGE_BYTES) return og_fail(cx, OG_ECORRUPT, "%" PRIu64 " values in a page", l->n_items);
  if (r->page->n_rows > UINT32_MAX || r->page->sizes[1] > 4 * OG_LIMIT_PAGE_BYTES)
    return og_fail(cx, OG_ELIMIT, "a mini-block page of %" PRIu64 " rows in %" PRIu64 " bytes", r->page->n_rows,
                   r->page->sizes[1]);
  return OG_OK;
}

/* Reads chunk words, dictionary and repetition index; with `together`, the chunks, too, into *all. */
static og_status read_directory(og_ctx *cx, og_lance__page_reader *r, const og_lance__leaf *out, bool together,
                                og_lance__directory *d, og_lance__fetched *all)
{
  OG_AUTO(og_lance__fetched) head = {0};
  og_lance__fetched *got = together ? all : &head;
  const og_lance__page *p = r->page;
  og_range want[4];
  size_t n = 0, at_dictionary = 0, at_index = 0, at_chunks = 0;
  uint32_t next = 2;
  want[n++] = page_buffer(p, 0);
  if (together) {
    at_chunks = n;
    want[n++] = page_buffer(p, 1);
  }
  if (r->layout.dictionary) {
    at_dictionary = n;
    want[n++] = page_buffer(p, next++);
  }
  if (out->path->n_lists) {
    at_index = n;
    want[n++] = page_buffer(p, next);
  }
  OG_TRY(og_lance__fetch(cx, r, want, n, got));
  OG_TRY(place_chunks(cx, r, d, got->views[0], p->sizes[1]));
  if (at_index) OG_TRY(place_rows(cx, r, d, got->views[at_index]));
  if (at_dictionary) OG_TRY(load_dictionary(cx, r, d, got->views[at_dictionary]));
  if (together) got->views[0] = got->views[at_chunks];
  return OG_OK;
}

static bool serves(const og_lance__directory *d, const og_lance__leaf *out)
{
  const og_lance__shape *a = &d->dictionary.shape, *b = &out->slots.shape;
  return d->n_lists == out->path->n_lists && a->form == b->form && a->width == b->width && a->dim == b->dim &&
         a->is_list == b->is_list && a->packed == b->packed && a->wide == b->wide && a->blob == b->blob;
}

og_status og_lance__directory_open(og_ctx *cx, og_lance__page_reader *r, const og_lance__leaf *out, bool whole,
                                   const og_lance__directory **dir, og_lance__fetched *all)
{
  OG_TRY(check_layout(cx, r, out));
  *dir = atomic_load_explicit(&r->page->directory, memory_order_acquire);
  if (*dir && serves(*dir, out)) return OG_OK;
  og_lance__directory *d = og_zalloc(cx, sizeof *d);
  if (!d) return OG_ENOMEM;
  d->n_lists = out->path->n_lists;
  og_lance__slots_init(&d->dictionary, out->slots.shape);
  og_status st = read_directory(cx, r, out, whole || r->page->sizes[1] <= SMALL_PAGE, d, all);
  if (st != OG_OK) {
    directory_free(d);
    return st;
  }
  *dir = d;
  if (!whole) publish(r, d);
  return OG_OK;
}
