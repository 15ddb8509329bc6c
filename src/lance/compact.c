/* SPDX-License-Identifier: MIT */
/* lance/compact.c -- which fragments a compaction takes.
 *
 *  (1) Neighbours go into one file as long as that stays within the size at which files are cut.  Fragments that the
 * same index segments cover are neighbours only, so that the segments cover what becomes of them. (2) A fragment alone
 * is taken if a tenth of its rows are deleted, or, when asked for, if its files hold columns that were dropped. (3)
 * Hence each run leaves fewer fragments or fewer deleted rows, and ends: on a table that was compacted nothing is
 * taken.
 */
#include "lance/change_impl.h"
#include "lance/index_impl.h"

#define ROWS_AT_ONCE (4u << 20)

typedef struct planner {
  og_lance_change *c;
  const og_lance_index_entry *indexes;
  size_t n_indexes;
} planner;

typedef struct run {
  uint32_t from, n;
  uint64_t rows, bytes;
} run;

static uint64_t live_rows(const og_lance_fragment_info *f)
{
  return f->physical_rows - f->deleted_rows;
}

static bool has_many_deleted(const og_lance_fragment_info *f)
{
  return f->deleted_rows > 0 && f->deleted_rows >= f->physical_rows / 10;
}

static bool are_covered_alike(const planner *p, uint64_t a, uint64_t b)
{
  for (size_t i = 0; i < p->n_indexes; i++) {
    const og_lance_index_entry *e = &p->indexes[i];
    if (og_ranges_have(e->fragments, e->n_fragments, a) != og_ranges_have(e->fragments, e->n_fragments, b))
      return false;
  }
  return true;
}

/* The fragments from `from` on that go into one file. */
static run next_run(const planner *p, uint32_t from)
{
  const og_lance_table *t = p->c->base;
  const og_lance_fragment_info first = og_lance_table_fragment(t, from);
  run r = {.from = from, .n = 1, .rows = live_rows(&first), .bytes = first.bytes};
  for (; from + r.n < og_lance_table_fragments(t); r.n++) {
    const og_lance_fragment_info f = og_lance_table_fragment(t, from + r.n);
    if (r.rows + live_rows(&f) > OG_CHANGE__FILE_ROWS || r.bytes + f.bytes > OG_CHANGE__FILE_BYTES) break;
    if (!are_covered_alike(p, first.id, f.id)) break;
    r.rows += live_rows(&f);
    r.bytes += f.bytes;
  }
  return r;
}

/* Does a file of the fragment hold a column that was dropped? */
static bool holds_dropped(const og_lance_table *t, uint32_t fragment)
{
  const og_fragment *f = &t->m.fragments[fragment];
  for (uint32_t i = 0; i < f->n_files; i++)
    for (uint32_t k = 0; k < f->files[i].n; k++)
      if (f->files[i].fields[k] >= 0 && og_lance_schema_find_id(t->m.schema, f->files[i].fields[k]) < 0) return true;
  return false;
}

static bool is_worth_it(const planner *p, const run *r)
{
  const og_lance_fragment_info f = og_lance_table_fragment(p->c->base, r->from);
  return r->n > 1 || has_many_deleted(&f) || (p->c->opts.shed && holds_dropped(p->c->base, r->from));
}

og_status og_lance_change_compact(og_ctx *cx, og_lance_change *c, uint32_t *taken)
{
  planner p = {.c = c};
  uint64_t rows = 0;
  *taken = 0;
  if (!c->base || c->opts.op != OG_LANCE_REWRITE)
    return og_fail(cx, OG_EINTERNAL, "a change of '" OG_STR_FMT "' is no compaction", OG_STR_ARG(c->at.root));
  OG_TRY(og_lance_table_indexes(cx, c->base, &p.indexes, &p.n_indexes));
  for (uint32_t at = 0; at < og_lance_table_fragments(c->base) && rows < ROWS_AT_ONCE;) {
    const run r = next_run(&p, at);
    at += r.n;
    if (!is_worth_it(&p, &r)) continue;
    OG_TRY_NOTE(cx, og_change__carry_fragments(cx, c, r.from, r.n), "while compacting '" OG_STR_FMT "'",
                OG_STR_ARG(c->at.root));
    OG_TRY(og_lance_change_cut(cx, c));
    rows += r.rows;
    *taken += r.n;
  }
  return OG_OK;
}
