/* SPDX-License-Identifier: MIT */
/* exec/search_text.c -- words: search(), match_text(), phrase(), fuzzy() and bm25() over rows. */
#include "exec/search_impl.h"

/* When more than this share of a table's rows has been judged one by one, the words of all are read. */
#define MANY_ROWS_SHARE 16

/* ---- what is looked for */

static og_status edits_of(og_ctx *cx, og_run *run, const og_pexpr *e, const uint64_t *slots, int64_t *out, bool *null)
{
  og_scalar v;
  *null = false;
  *out = e->text == OG_TEXT_FUZZY ? OG_EDITS_USUAL : OG_NO_EDITS;
  if (e->kind != OG_PX_TEXT || e->n_args < 3) return OG_OK;
  OG_TRY(og_run__value(cx, run, e->args[2], slots, &v));
  *null = v.is_null;
  if (v.is_null) return OG_OK;
  const bool is_unsigned = v.type.id == OG_TYPE_U32 || v.type.id == OG_TYPE_U64;
  *out = is_unsigned && v.v.u > INT64_MAX ? INT64_MAX : v.v.i;
  if (*out >= 0 && *out <= OG_TEXT_EDITS_MAX) return OG_OK;
  return og_source_fail(cx, OG_EINVALID, run->plan->source, e->span, OG_STR_NONE,
                        "execution error: fuzzy takes 0 to %d edits, not %lld", OG_TEXT_EDITS_MAX, (long long)*out);
}

static og_status terms_of(og_ctx *cx, og_run *run, const og_pexpr *e, const uint64_t *slots, og_terms *out, bool *null)
{
  og_scalar text;
  int64_t edits;
  *out = (og_terms){0};
  OG_TRY(edits_of(cx, run, e, slots, &edits, null));
  OG_TRY(og_run__value(cx, run, e->args[1], slots, &text));
  *null = *null || text.is_null;
  return *null ? OG_OK : og_terms_init(cx, text.v.s, edits, out);
}

/* ---- the words of a column */

typedef struct column_of {
  og_view *view;
  int32_t field;
} column_of;

static og_status make_postings(og_ctx *cx, void *arg, og_cached **out, uint64_t *bytes)
{
  const column_of *of = arg;
  const og_column *texts;
  og_postings *p;
  OG_TRY(og_view_column(cx, of->view, of->field, &texts));
  OG_TRY(og_postings_build(cx, texts, of->view->deleted, &p, bytes));
  *out = &p->base;
  return OG_OK;
}

/* "words", the column, and the name of that table version, which has zero bytes in it; versions of one table are a
 * family. */
static og_status cache_key(og_ctx *cx, const og_search_side *side, og_cache_key *out)
{
  const og_decoded *d = side->view->data;
  const uint32_t column = og_type_column(side->view->type, side->field);
  const size_t front = sizeof "words" + sizeof column;
  char *p = og_push(cx, front + d->name.len);
  if (!p) return OG_ENOMEM;
  memcpy(p, "words", sizeof "words");
  memcpy(p + sizeof "words", &column, sizeof column);
  memcpy(p + front, d->name.ptr, d->name.len);
  *out = (og_cache_key){og_str_from(p, front + d->name.len), front + d->family};
  return OG_OK;
}

static og_status postings_of(og_ctx *cx, og_run *run, og_search_side *side, og_postings **out)
{
  og_cache_key key;
  void *made;
  *out = atomic_load_explicit(&side->postings, memory_order_acquire);
  if (*out) return OG_OK;
  column_of of = {side->view, side->field};
  OG_TRY(cache_key(cx, side, &key));
  OG_TRY(og_cache_get(cx, og_graph_cache(run->snapshot->graph), key, make_postings, &of, &made));
  if (atomic_compare_exchange_strong(&side->postings, out, made))
    *out = made;
  else
    og_cached_unref(made); /* another thread was first: *out is what it got */
  return OG_OK;
}

static og_status find(og_ctx *cx, const og_search *s, const og_postings *p, og_hits *out)
{
  if (s->e->kind == OG_PX_BM25) return og_postings_bm25(cx, p, &s->terms, &s->bm25, out);
  if (s->e->text == OG_TEXT_PHRASE) return og_postings_phrase(cx, p, &s->terms, out);
  return og_postings_any(cx, p, &s->terms, out);
}

/* The rows that a constant search finds on one side. */
static og_status hits_of(og_ctx *cx, og_run *run, og_search *s, og_search_side *side, og_hits **out)
{
  og_postings *p;
  *out = atomic_load_explicit(&side->hits, memory_order_acquire);
  if (*out) return OG_OK;
  OG_TRY(postings_of(cx, run, side, &p));
  og_hits *h = og_zalloc(cx, sizeof *h);
  if (!h) return OG_ENOMEM;
  const og_status st = find(cx, s, p, h);
  if (st == OG_OK && atomic_compare_exchange_strong(&side->hits, out, h)) {
    *out = h;
    return OG_OK;
  }
  og_hits_cleanup(h);
  og_free(h);
  return st;
}

/* `n` more rows are to be judged by a constant search: the rows it finds, or NULL while they are few. */
static og_status hits_for(og_ctx *cx, og_run *run, og_search *s, og_search_side *side, uint64_t n, og_hits **out)
{
  const og_column *texts;
  *out = atomic_load_explicit(&side->hits, memory_order_acquire);
  if (*out) return OG_OK;
  const uint64_t asked = atomic_fetch_add_explicit(&side->asked, n, memory_order_relaxed) + n;
  if (asked <= side->view->rows / MANY_ROWS_SHARE) return OG_OK;
  OG_TRY(og_view_column(cx, side->view, side->field, &texts));
  return texts->bytes_len <= OG_POSTINGS_TEXT_MAX ? hits_of(cx, run, s, side, out) : OG_OK;
}

/* ---- open */

/* Scores need the words of all rows, whatever the query meets. */
static og_status open_bm25(og_ctx *cx, og_run *run, og_search *s)
{
  og_hits *hits;
  s->bm25.docs_of = og_push_array(cx, s->terms.n + 1, sizeof *s->bm25.docs_of);
  if (!s->bm25.docs_of) return OG_ENOMEM;
  for (uint32_t i = 0; i < s->n_sides; i++) {
    og_postings *p;
    OG_TRY(postings_of(cx, run, &s->sides[i], &p));
    if (s->constant) og_bm25_add(&s->bm25, p, &s->terms);
  }
  for (uint32_t i = 0; i < s->n_sides && s->constant; i++) OG_TRY(hits_of(cx, run, s, &s->sides[i], &hits));
  return OG_OK;
}

og_status og_search__open_text(og_ctx *cx, og_run *run, og_search *s)
{
  const og_pexpr *e = s->e;
  s->constant = og_px_is_constant(e->args[1]) && (e->n_args < 3 || og_px_is_constant(e->args[2]));
  if (s->constant) OG_TRY(terms_of(cx, run, e, NULL, &s->terms, &s->is_null));
  if (s->is_null) return OG_OK;
  return e->kind == OG_PX_BM25 ? open_bm25(cx, run, s) : OG_OK;
}

/* ---- matchers */

static og_status borrow(og_ctx *cx, og_search *s, og_matcher **out)
{
  *out = NULL;
  og_mutex_lock(&s->lock);
  if (s->idle.len) *out = OG_VEC_AT(&s->idle, og_matcher *, --s->idle.len);
  og_mutex_unlock(&s->lock);
  if (*out) return OG_OK;
  og_matcher *m = og_alloc(cx, sizeof *m);
  if (!m) return OG_ENOMEM;
  const og_status st = og_matcher_init(cx, m);
  if (st == OG_OK)
    *out = m;
  else
    og_free(m);
  return st;
}

static void give_back(og_ctx *cx, og_search *s, og_matcher *m)
{
  og_mutex_lock(&s->lock);
  const og_status st = og_vec_add(cx, &s->idle, &m);
  og_mutex_unlock(&s->lock);
  if (st == OG_OK) return;
  og_error_clear(cx); /* it is only not kept */
  og_matcher_cleanup(m);
  og_free(m);
}

static og_status match_text(og_ctx *cx, og_search *s, const og_terms *t, og_str text, bool *out)
{
  og_matcher *m;
  OG_TRY(borrow(cx, s, &m));
  const og_status st = og_matcher_text(cx, m, t, s->e->text == OG_TEXT_PHRASE, text, out);
  if (t != &s->terms) m->terms = NULL; /* these go, and others may come to lie where they were */
  give_back(cx, s, m);
  return st;
}

/* ---- one row */

static og_scalar null_of(og_type_id id)
{
  return (og_scalar){.type = og_type_of(id), .is_null = true};
}

static og_status match_other(og_ctx *cx, og_run *run, og_search *s, const uint64_t *slots, og_str text, og_scalar *out)
{
  og_terms t;
  bool null;
  og_status st = terms_of(cx, run, s->e, slots, &t, &null);
  out->is_null = null;
  if (st == OG_OK && !null) st = match_text(cx, s, &t, text, &out->v.b);
  og_terms_cleanup(&t);
  return st;
}

og_status og_search__text(og_ctx *cx, og_run *run, og_search *s, const uint64_t *slots, og_scalar *out)
{
  og_scalar text;
  *out = null_of(OG_TYPE_BOOL);
  if (s->is_null) return OG_OK;
  OG_TRY(og_run__value(cx, run, s->e->args[0], slots, &text));
  if (text.is_null) return OG_OK;
  out->is_null = false;
  if (!s->constant) return match_other(cx, run, s, slots, text.v.s, out);
  const uint64_t row = slots[s->e->args[0]->slot];
  og_hits *h;
  OG_TRY(hits_for(cx, run, s, &s->sides[og_row_type(row)], 1, &h));
  if (!h) return match_text(cx, s, &s->terms, text.v.s, &out->v.b);
  out->v.b = og_hits_has(h, og_row_offset(row));
  return OG_OK;
}

static og_status score_other(og_ctx *cx, og_run *run, og_search *s, const uint64_t *slots, uint64_t row, og_scalar *out)
{
  og_terms t;
  og_bm25 all = {0};
  og_status st = terms_of(cx, run, s->e, slots, &t, &out->is_null);
  if (st == OG_OK && !out->is_null) {
    all.docs_of = og_calloc(cx, t.n + 1, sizeof *all.docs_of);
    st = all.docs_of ? OG_OK : OG_ENOMEM;
    for (uint32_t i = 0; st == OG_OK && i < s->n_sides; i++) og_bm25_add(&all, s->sides[i].postings, &t);
    if (st == OG_OK) out->v.f = og_bm25_score(&all, s->sides[og_row_type(row)].postings, &t, og_row_offset(row));
    og_free(all.docs_of);
  }
  og_terms_cleanup(&t);
  return st;
}

og_status og_search__bm25(og_ctx *cx, og_run *run, og_search *s, const uint64_t *slots, og_scalar *out)
{
  const og_pexpr *field = s->e->args[0];
  const uint64_t row = slots[field->slot];
  *out = null_of(OG_TYPE_F64);
  if (s->is_null || row == OG_ROW_NONE) return OG_OK;
  const og_search_side *side = &s->sides[og_row_type(row)];
  if (s->constant) {
    const double *score = og_hits_score(atomic_load_explicit(&side->hits, memory_order_acquire), og_row_offset(row));
    if (score) *out = (og_scalar){.type = out->type, .v.f = *score};
    if (score) return OG_OK;
  }
  og_scalar text;
  OG_TRY(og_run__value(cx, run, field, slots, &text));
  if (text.is_null) return OG_OK;
  *out = (og_scalar){.type = out->type, .v.f = 0};
  return s->constant ? OG_OK : score_other(cx, run, s, slots, row, out);
}

/* ---- many rows */

og_status og_search__text_found(og_ctx *cx, og_run *run, og_search *s, og_search_side *side, const og_hits **out)
{
  og_hits *h = NULL;
  if (s->constant && !s->is_null) OG_TRY(hits_for(cx, run, s, side, side->view->rows + 1, &h));
  *out = h;
  return OG_OK;
}

og_status og_search__select_text(og_ctx *cx, og_run *run, og_search *s, uint32_t slot, uint32_t type, uint32_t *sel,
                                 size_t *n)
{
  og_hits *h = NULL;
  size_t kept = 0;
  if (s->is_null) *n = 0;
  if (s->constant && *n) OG_TRY(hits_for(cx, run, s, &s->sides[type], *n, &h));
  uint64_t *slots = h ? NULL : og_calloc(cx, run->plan->n_slots + 1, sizeof *slots);
  og_status st = h || slots ? OG_OK : OG_ENOMEM;
  for (size_t i = 0; st == OG_OK && i < *n; i++) {
    og_scalar v = {.v.b = h && og_hits_has(h, sel[i])};
    if (!h) {
      slots[slot] = og_row_of(type, sel[i]);
      st = og_search__text(cx, run, s, slots, &v);
    }
    if (st == OG_OK && !v.is_null && v.v.b) sel[kept++] = sel[i];
  }
  og_free(slots);
  if (st == OG_OK) *n = kept;
  return st;
}
