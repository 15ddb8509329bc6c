/* SPDX-License-Identifier: MIT */
/* lance/change_render.c -- from a gathered change and a base to the next manifest; see change.c.
 *
 * Three steps.  Deletions: the offsets the change knows are those of its own base; each fragment of that base is looked
 * up in the one rendered on (same id over the same files), and where a compaction replaced it, single rows are found
 * again by their stable id.  New fragments: numbers, row ids and version runs.  The rest: flags, base paths, config,
 * transaction.
 */
#include "lance/change_impl.h"

#include "base/env.h"
#include "base/map.h"
#include "lance/deletions.h"
#include "lance/index_impl.h"
#include "lance/transaction.h"

#include <inttypes.h>

#define NOWHERE UINT32_MAX

typedef struct render {
  og_lance_change *c;
  og_lance_table *base; /* NULL: a new table */
  uint64_t version;
  og_arena *a;      /* dies with the render */
  og_manifest m;    /* what is being made; shares the base's strings */
  uint32_t *to;     /* per fragment of the change's own base: the same in `base`, or NOWHERE */
  uint8_t **bits;   /* per fragment of `base`: rows this change deletes; NULL: none */
  uint8_t **lost;   /* per new file: rows carried over that others changed meanwhile; NULL: none */
  og_vec fragments; /* og_fragment */
  og_vec updated;   /* og_fragment with new deletion files */
  og_vec removed;   /* uint64_t */
  og_vec added;     /* og_fragment */
  og_index__edit index;
  og_lance_schema *altered; /* the base's with the change's columns; NULL: the base's */
  og_vec groups;            /* og_transaction_group */
  uint32_t inherited;       /* base id of inherited files */
  bool first_touch;
} render;

static uint64_t read_version(const render *r)
{
  return r->base ? r->base->m.version : 0;
}

/* Do rows have ids of their own?  Else their addresses are their ids, and no versions of rows are kept. */
static bool has_ids(const render *r)
{
  return r->base ? og_lance_table_has_stable_ids(r->base) : !r->c->opts.no_row_ids;
}

static og_status gone(og_ctx *cx, const og_lance_change *c)
{
  return og_fail(cx, OG_ECONFLICT, "rows of '" OG_STR_FMT "' that this write changes were changed by another",
                 OG_STR_ARG(c->at.root));
}

/* ---- deletions */

/* The same fragment: same id over the same files. */
static bool same_fragment(const og_fragment *a, const og_fragment *b)
{
  if (a->id != b->id || a->rows != b->rows || a->n_files != b->n_files) return false;
  for (uint32_t i = 0; i < a->n_files; i++)
    if (!og_str_eq(a->files[i].path, b->files[i].path)) return false;
  return true;
}

static og_status map_fragments(og_ctx *cx, render *r)
{
  const og_manifest *own = &r->c->base->m, *base = &r->base->m;
  og_umap by_id;
  og_status st = OG_OK;
  r->to = og_arena_calloc(cx, r->a, (size_t)own->n_fragments + 1, sizeof *r->to);
  r->bits = og_arena_calloc(cx, r->a, (size_t)base->n_fragments + 1, sizeof(uint8_t *));
  if (!r->to || !r->bits) return OG_ENOMEM;
  og_umap_init(&by_id);
  for (uint32_t i = 0; st == OG_OK && i < base->n_fragments; i++)
    st = og_umap_put(cx, &by_id, base->fragments[i].id, i, NULL);
  for (uint32_t i = 0; st == OG_OK && i < own->n_fragments; i++) {
    uint64_t at;
    bool found = og_umap_get(&by_id, own->fragments[i].id, &at);
    r->to[i] = found && same_fragment(&own->fragments[i], &base->fragments[at]) ? (uint32_t)at : NOWHERE;
  }
  og_map_cleanup(&by_id);
  return st;
}

static og_status mark(og_ctx *cx, render *r, uint8_t **bits, uint64_t rows, uint64_t row)
{
  if (!*bits) *bits = og_arena_zalloc(cx, r->a, rows / 8 + 8);
  if (!*bits) return OG_ENOMEM;
  og_bit_set(*bits, (int64_t)row);
  return OG_OK;
}

static og_status mark_deleted(og_ctx *cx, render *r, uint32_t fragment, uint64_t row)
{
  return mark(cx, r, &r->bits[fragment], r->base->m.fragments[fragment].rows, row);
}

/* The rows at `offsets` of the change's own base, found again by id among the live rows of one fragment of `base`.
 * A row that a compaction moved keeps its last-updated version; another one means that somebody updated it. */
static og_status find_in_fragment(og_ctx *cx, render *r, uint32_t fragment, const og_umap *wanted,
                                  const uint64_t *versions, size_t *found)
{
  const og_fragment_state *s;
  const uint8_t *deleted;
  uint64_t i;
  OG_TRY(og_table__sequences(cx, r->base, fragment, &s));
  OG_TRY(og_table__deleted(cx, r->base, fragment, &deleted));
  for (uint64_t row = 0; row < r->base->m.fragments[fragment].rows; row++) {
    if (deleted && og_bit_get(deleted, (int64_t)row)) continue;
    if (!og_umap_get(wanted, og_rowids_get(&s->ids, row), &i)) continue;
    if (og_version_runs_get(&s->updated, row) != versions[i]) return gone(cx, r->c);
    OG_TRY(mark_deleted(cx, r, fragment, row));
    ++*found;
  }
  return OG_OK;
}

static og_status find_moved(og_ctx *cx, render *r, const uint64_t *offsets, size_t n)
{
  og_lance_table *own = r->c->base;
  uint64_t *versions = og_arena_calloc(cx, r->a, n + 1, sizeof *versions);
  og_umap wanted;
  size_t found = 0;
  og_status st = versions ? OG_OK : OG_ENOMEM;
  og_umap_init(&wanted);
  for (size_t i = 0; st == OG_OK && i < n; i++) {
    const og_fragment_state *s;
    uint32_t f = og_table__fragment_at(own, offsets[i]);
    uint64_t row = offsets[i] - own->first[f];
    st = og_table__sequences(cx, own, f, &s);
    if (st != OG_OK) break;
    versions[i] = og_version_runs_get(&s->updated, row);
    st = og_umap_put(cx, &wanted, og_rowids_get(&s->ids, row), i, NULL);
  }
  for (uint32_t f = 0; st == OG_OK && f < r->base->m.n_fragments; f++)
    st = find_in_fragment(cx, r, f, &wanted, versions, &found);
  og_map_cleanup(&wanted);
  if (st == OG_OK && found != n) st = gone(cx, r->c);
  return st;
}

/* Marks what this change deletes or updates. */
static og_status mark_deletions(og_ctx *cx, render *r)
{
  const og_lance_table *own = r->c->base;
  OG_AUTO(og_vec) moved = OG_VEC_INIT(uint64_t);
  for (size_t i = 0; i < r->c->deleted.len; i++) {
    uint64_t offset = OG_VEC_AT(&r->c->deleted, uint64_t, i);
    uint32_t from = og_table__fragment_at(own, offset), to = r->to[from];
    uint64_t row = offset - own->first[from];
    const uint8_t *deleted;
    if (to == NOWHERE) {
      OG_TRY(og_vec_add(cx, &moved, &offset));
      continue;
    }
    OG_TRY(og_table__deleted(cx, r->base, to, &deleted));
    if (deleted && og_bit_get(deleted, (int64_t)row)) return gone(cx, r->c);
    OG_TRY(mark_deleted(cx, r, to, row));
  }
  if (moved.len && !has_ids(r)) return gone(cx, r->c);
  return moved.len ? find_moved(cx, r, moved.data, moved.len) : OG_OK;
}

/* Carried rows of one file: their old place is deleted; where that is gone already, the new place is. */
static og_status mark_carried_in(og_ctx *cx, render *r, const og_change__file *f, uint8_t **lost)
{
  const og_lance_table *own = r->c->base;
  uint64_t row = 0;
  size_t at = 0;
  for (size_t s = 0; s < f->spans.len; s++) {
    const og_change__span *span = &OG_VEC_AT(&f->spans, og_change__span, s);
    for (uint64_t k = 0; span->kind == OG_CHANGE__CARRIED && k < span->n; k++, at++) {
      uint64_t offset = OG_VEC_AT(&f->from, uint64_t, at);
      uint32_t from = og_table__fragment_at(own, offset), to = r->to[from];
      uint64_t old = offset - own->first[from];
      const uint8_t *deleted = NULL;
      if (to != NOWHERE) OG_TRY(og_table__deleted(cx, r->base, to, &deleted));
      if (to == NOWHERE || (deleted && og_bit_get(deleted, (int64_t)old)))
        OG_TRY(mark(cx, r, lost, f->stats.rows, row + k));
      else
        OG_TRY(mark_deleted(cx, r, to, old));
    }
    row += span->n;
  }
  return OG_OK;
}

static og_status mark_carried(og_ctx *cx, render *r)
{
  const og_vec *files = &r->c->files;
  for (size_t i = 0; r->c->carried.len && i < files->len; i++)
    OG_TRY(mark_carried_in(cx, r, &OG_VEC_AT(files, og_change__file, i), &r->lost[i]));
  return OG_OK;
}

/* The id of a deletion file: milliseconds of the attempt, then random bits. */
static og_status deletion_id(og_ctx *cx, const render *r, uint64_t *out)
{
  uint32_t random;
  OG_TRY(og_random(cx, &random, sizeof random));
  *out = og_ulid_ms(&r->c->attempt) << 22 | (random & ((1u << 22) - 1));
  return OG_OK;
}

static og_status put_deletions(og_ctx *cx, render *r, og_fragment *f, const uint8_t *bits, uint64_t n)
{
  OG_AUTO(og_buf) bytes = {0};
  og_str name;
  uint64_t id;
  OG_INVARIANT(n > 0 && n < f->rows);
  OG_TRY(deletion_id(cx, r, &id));
  OG_TRY(og_deletions_encode(cx, bits, f->rows, &bytes));
  OG_TRY(og_arena_printf(cx, cx->arena, &name, "%" PRIu64 "-%" PRIu64 "-%" PRIu64 ".bin", f->id, read_version(r), id));
  OG_TRY(og_change__put(cx, r->c, "_deletions", name, og_buf_str(&bytes)));
  f->del = (og_deletion_ref){.present = true, .kind = 1, .read_version = read_version(r), .id = id, .rows = n};
  return OG_OK;
}

/* The fragment with `bits` united into its deletions; dropped when nothing is left. */
static og_status delete_rows(og_ctx *cx, render *r, og_fragment *f, uint32_t at, bool *dropped)
{
  uint8_t *bits = r->bits[at];
  const uint8_t *old;
  OG_TRY(og_table__deleted(cx, r->base, at, &old));
  for (uint64_t i = 0; old && i < (f->rows + 7) / 8; i++) bits[i] = (uint8_t)(bits[i] | old[i]);
  uint64_t n = (uint64_t)og_bits_count(bits, 0, (int64_t)f->rows);
  *dropped = n == f->rows;
  if (*dropped) return og_vec_add(cx, &r->removed, &f->id);
  OG_TRY(put_deletions(cx, r, f, bits, n));
  return og_vec_add(cx, &r->updated, f);
}

/* ---- inherited fragments */

static og_status inline_sequence(og_ctx *cx, render *r, og_sequence_ref *s)
{
  OG_AUTO(og_buf) bytes = {0};
  if (!s->external) return OG_OK;
  OG_TRY(og_table__sequence_bytes(cx, r->base, s, &bytes));
  *s = (og_sequence_ref){.present = true};
  return og_arena_str(cx, r->a, og_buf_str(&bytes), &s->bytes);
}

/* Marks what an inherited fragment names as lying under the base path of a first touch. */
static og_status inherit(og_ctx *cx, render *r, og_fragment *f)
{
  if (!r->first_touch) return OG_OK;
  og_data_file *files = og_arena_calloc(cx, r->a, (size_t)f->n_files + 1, sizeof *files);
  if (!files) return OG_ENOMEM;
  for (uint32_t i = 0; i < f->n_files; i++) {
    files[i] = f->files[i];
    if (files[i].has_base) continue;
    files[i].has_base = true;
    files[i].base = r->inherited;
  }
  f->files = files;
  if (f->del.present && !f->del.has_base) {
    f->del.has_base = true;
    f->del.base = r->inherited;
  }
  OG_TRY(inline_sequence(cx, r, &f->ids)); /* these know no base path */
  OG_TRY(inline_sequence(cx, r, &f->created));
  return inline_sequence(cx, r, &f->updated);
}

/* Values of new columns are values of the fragments they were made for, and of no others. */
static og_status check_valued(og_ctx *cx, const render *r)
{
  const uint32_t n = r->c->base->m.n_fragments;
  bool same = n == r->base->m.n_fragments;
  for (uint32_t i = 0; same && i < n; i++) same = r->to[i] != NOWHERE;
  if (same || r->c->beside.len == 0) return OG_OK;
  return og_fail(cx, OG_ECONFLICT, "rows came to '" OG_STR_FMT "' for which the new columns have no values: try again",
                 OG_STR_ARG(r->c->at.root));
}

static og_status keep_fragments(og_ctx *cx, render *r)
{
  OG_TRY(map_fragments(cx, r));
  OG_TRY(mark_deletions(cx, r));
  OG_TRY(mark_carried(cx, r));
  OG_TRY(check_valued(cx, r));
  uint32_t *own = og_arena_calloc(cx, r->a, (size_t)r->base->m.n_fragments + 1, sizeof *own);
  if (!own) return OG_ENOMEM;
  for (uint32_t i = 0; i < r->base->m.n_fragments; i++) own[i] = NOWHERE;
  for (uint32_t i = 0; i < r->c->base->m.n_fragments; i++)
    if (r->to[i] != NOWHERE) own[r->to[i]] = i;
  for (uint32_t i = 0; i < r->base->m.n_fragments; i++) {
    og_fragment f = r->base->m.fragments[i];
    bool dropped = false;
    if (r->altered) OG_TRY(og_change__alter_fragment(cx, r->a, r->c, r->altered, own[i], r->version, &f));
    OG_TRY(inherit(cx, r, &f));
    if (r->bits[i]) OG_TRY(delete_rows(cx, r, &f, i, &dropped));
    if (!dropped) OG_TRY(og_vec_add(cx, &r->fragments, &f));
  }
  return OG_OK;
}

/* ---- new fragments */

typedef struct sequences {
  og_rowids ids;
  og_version_runs created, updated;
} sequences;

static void sequences_cleanup(sequences *s)
{
  og_rowids_cleanup(&s->ids);
  og_version_runs_cleanup(&s->created);
  og_version_runs_cleanup(&s->updated);
}

static og_status number_span(og_ctx *cx, render *r, const og_change__file *f, const og_change__span *span, size_t *old,
                             size_t *carried, sequences *out)
{
  if (span->kind == OG_CHANGE__NEW) {
    OG_TRY(og_rowids_add_range(cx, &out->ids, r->m.next_row_id, span->n));
    OG_TRY(og_version_runs_add(cx, &out->created, r->version, span->n));
    if (OG_ADD_OVERFLOWS(r->m.next_row_id, span->n, &r->m.next_row_id))
      return og_fail(cx, OG_ECORRUPT, "table '" OG_STR_FMT "' claims to have used up its row ids",
                     OG_STR_ARG(r->c->at.root));
    return og_version_runs_add(cx, &out->updated, r->version, span->n);
  }
  OG_TRY(og_rowids_add_values(cx, &out->ids, &OG_VEC_AT(&f->ids, uint64_t, *old), span->n));
  bool renew = r->c->opts.renew_created && span->kind == OG_CHANGE__UPDATED;
  for (uint64_t k = 0; k < span->n; k++, ++*old)
    OG_TRY(og_version_runs_add(cx, &out->created, renew ? r->version : OG_VEC_AT(&f->created, uint64_t, *old), 1));
  if (span->kind == OG_CHANGE__UPDATED) return og_version_runs_add(cx, &out->updated, r->version, span->n);
  for (uint64_t k = 0; k < span->n; k++, ++*carried)
    OG_TRY(og_version_runs_add(cx, &out->updated, OG_VEC_AT(&f->updated, uint64_t, *carried), 1));
  return OG_OK;
}

static og_status to_arena(og_ctx *cx, render *r, og_buf *b, og_sequence_ref *out)
{
  *out = (og_sequence_ref){.present = true};
  OG_TRY(og_arena_str(cx, r->a, og_buf_str(b), &out->bytes));
  og_buf_clear(b);
  return OG_OK;
}

static og_status number_rows(og_ctx *cx, render *r, const og_change__file *nf, og_fragment *f)
{
  OG_AUTO(sequences) s = {0};
  OG_AUTO(og_buf) b = {0};
  size_t old = 0, carried = 0;
  og_rowids_init(&s.ids);
  og_version_runs_init(&s.created);
  og_version_runs_init(&s.updated);
  for (size_t i = 0; i < nf->spans.len; i++)
    OG_TRY(number_span(cx, r, nf, &OG_VEC_AT(&nf->spans, og_change__span, i), &old, &carried, &s));
  OG_INVARIANT(s.ids.len == f->rows);
  if (carried && r->c->opts.op != OG_LANCE_REWRITE)
    OG_TRY(og_version_runs_settle(cx, &s.created, &s.updated, r->version));
  OG_TRY(og_rowids_encode(cx, &s.ids, &b));
  OG_TRY(to_arena(cx, r, &b, &f->ids));
  OG_TRY(og_version_runs_encode(cx, &s.created, &b));
  OG_TRY(to_arena(cx, r, &b, &f->created));
  OG_TRY(og_version_runs_encode(cx, &s.updated, &b));
  return to_arena(cx, r, &b, &f->updated);
}

static og_status add_fragment(og_ctx *cx, render *r, const og_change__file *nf, const uint8_t *lost, uint64_t *next)
{
  const og_lance_file_stats *stats = &nf->stats;
  og_fragment f = {.id = *next, .rows = stats->rows, .n_files = 1};
  uint64_t n_lost = lost ? (uint64_t)og_bits_count(lost, 0, (int64_t)stats->rows) : 0;
  if (n_lost == stats->rows) return OG_OK; /* nothing but carried rows, all changed meanwhile */
  if (f.id > UINT32_MAX)
    return og_fail(cx, OG_ELIMIT, "table '" OG_STR_FMT "' has used up its fragment ids", OG_STR_ARG(r->c->at.root));
  f.files = og_arena_calloc(cx, r->a, 1, sizeof *f.files);
  if (!f.files) return OG_ENOMEM;
  f.files[0] = (og_data_file){.path = nf->name,
                              .fields = stats->field_ids,
                              .columns = stats->column_indices,
                              .n = stats->n_columns,
                              .major = r->c->version.major,
                              .minor = r->c->version.minor,
                              .size = stats->bytes};
  if (has_ids(r)) OG_TRY(number_rows(cx, r, nf, &f));
  if (n_lost) OG_TRY(put_deletions(cx, r, &f, lost, n_lost));
  r->m.has_max_fragment = true;
  r->m.max_fragment = (uint32_t)f.id;
  ++*next;
  OG_TRY(og_vec_add(cx, &r->added, &f));
  return og_vec_add(cx, &r->fragments, &f);
}

static og_status add_fragments(og_ctx *cx, render *r)
{
  uint64_t next = r->base ? og_lance_table_next_fragment_id(r->base) : 0;
  for (size_t i = 0; i < r->c->files.len; i++)
    OG_TRY(add_fragment(cx, r, &OG_VEC_AT(&r->c->files, og_change__file, i), r->lost[i], &next));
  return OG_OK;
}

/* ---- the rest of the manifest */

static og_status absolute_path(og_ctx *cx, const render *r, og_str *out)
{
  og_str prefix;
  OG_TRY(og_table__prefix(cx, &r->base->at, &prefix));
  return og_arena_printf(cx, r->a, out, OG_STR_FMT "/" OG_STR_FMT, OG_STR_ARG(og_store_root(r->c->at.store)),
                         OG_STR_ARG(prefix));
}

static og_status inherit_indices(og_ctx *cx, render *r)
{
  OG_AUTO(og_buf) b = {0};
  if (!r->m.index_section.ptr) return OG_OK;
  OG_TRY(og_index_section_inherit(cx, r->m.index_section, r->inherited, &b));
  return og_arena_str(cx, r->a, og_buf_str(&b), &r->m.index_section);
}

/* A base path to the folder of the version rendered on; an equal one is used again. */
static og_status add_base_path(og_ctx *cx, render *r)
{
  uint32_t n = r->base->m.n_bases, next = 0;
  og_base_path *bases = og_arena_calloc(cx, r->a, (size_t)n + 1, sizeof *bases);
  og_str path;
  if (!bases) return OG_ENOMEM;
  OG_TRY(absolute_path(cx, r, &path));
  r->m.bases = bases;
  r->m.n_bases = n;
  for (uint32_t i = 0; i < n; i++) {
    bases[i] = r->base->m.bases[i];
    if (bases[i].id >= next) next = bases[i].id + 1;
  }
  for (uint32_t i = 0; i < n; i++) {
    r->inherited = bases[i].id;
    if (bases[i].is_root && og_str_eq(bases[i].path, path)) return OG_OK;
  }
  r->inherited = next;
  bases[n] = (og_base_path){.id = next, .is_root = true, .name = r->base->at.branch, .path = path};
  r->m.n_bases = n + 1;
  return OG_OK;
}

static og_status touch_branch(og_ctx *cx, render *r)
{
  r->first_touch = r->base && !og_str_eq(r->base->at.branch, r->c->at.branch);
  if (!r->first_touch) return OG_OK;
  OG_TRY(add_base_path(cx, r));
  r->m.branch = r->c->at.branch;
  return inherit_indices(cx, r);
}

static og_status apply_config(og_ctx *cx, render *r)
{
  size_t room = r->m.n_config + r->c->config.len + 1;
  og_str *pairs = og_arena_calloc(cx, r->a, 2 * room, sizeof *pairs);
  size_t n = r->m.n_config;
  if (!pairs) return OG_ENOMEM;
  if (n) memcpy(pairs, r->m.config, 2 * n * sizeof *pairs);
  for (size_t i = 0; i < r->c->config.len; i++) {
    const og_change__config *k = &OG_VEC_AT(&r->c->config, og_change__config, i);
    size_t at = 0;
    while (at < n && !og_str_eq(pairs[2 * at], k->key)) at++;
    if (k->remove && at < n) {
      n--;
      pairs[2 * at] = pairs[2 * n];
      pairs[2 * at + 1] = pairs[2 * n + 1];
    } else if (!k->remove) {
      pairs[2 * at] = k->key;
      pairs[2 * at + 1] = k->value;
      if (at == n) n++;
    }
  }
  r->m.config = pairs;
  r->m.n_config = (uint32_t)n;
  return OG_OK;
}

static og_status writer_version(og_ctx *cx, render *r)
{
  OG_AUTO(og_buf) b = {0};
  OG_TRY(og_pb_put_str(cx, &b, 1, OG_STR("omnigraph")));
  OG_TRY(og_pb_put_str(cx, &b, 2, OG_STR("0.1.0")));
  return og_arena_str(cx, r->a, og_buf_str(&b), &r->m.writer);
}

/* An overwrite brings its columns with it; all else is about those of the version rendered on. */
static og_status choose_schema(og_ctx *cx, render *r)
{
  if (!r->base || r->c->opts.op == OG_LANCE_OVERWRITE) r->m.schema = r->c->schema;
  if (!og_change__alters(r->c)) return OG_OK;
  OG_TRY(og_change__alter(cx, r->c, r->base, &r->altered));
  r->m.schema = r->altered;
  return og_change__drop_indexes(cx, r->a, r->altered, &r->m.index_section);
}

/* The older version's rows, columns and indexes, under the counters of the newest, which never go back. */
static og_status go_back(og_ctx *cx, render *r)
{
  const og_lance_table *old = r->c->restored;
  if (!old) return OG_OK;
  const uint64_t next = r->m.next_row_id;
  const bool has_max = r->m.has_max_fragment;
  const uint32_t highest = r->m.max_fragment;
  r->m = old->m;
  r->m.arena = (og_arena){0};
  if (next > r->m.next_row_id) r->m.next_row_id = next;
  if (has_max && (!r->m.has_max_fragment || highest > r->m.max_fragment)) r->m.max_fragment = highest;
  r->m.has_max_fragment = r->m.has_max_fragment || has_max;
  for (uint32_t i = 0; i < old->m.n_fragments; i++) OG_TRY(og_vec_add(cx, &r->fragments, &old->m.fragments[i]));
  return OG_OK;
}

static og_status start_manifest(og_ctx *cx, render *r)
{
  int64_t now = og_wall_us(cx);
  if (r->base) {
    r->m = r->base->m;
    r->m.arena = (og_arena){0};
    OG_TRY(go_back(cx, r));
  } else {
    r->m.format = OG_STR("lance");
    r->m.branch = r->c->at.branch;
  }
  if (r->m.format_version.len == 0) r->m.format_version = r->c->version.minor == 1 ? OG_STR("2.1") : OG_STR("2.2");
  OG_TRY(choose_schema(cx, r));
  r->m.version = r->version;
  r->m.seconds = now / 1000000;
  r->m.nanos = (int32_t)(now % 1000000) * 1000;
  if (r->c->opts.op == OG_LANCE_OVERWRITE) r->m.index_section = OG_STR_NONE;
  OG_TRY(touch_branch(cx, r));
  OG_TRY(apply_config(cx, r));
  return writer_version(cx, r);
}

static void set_flags(render *r)
{
  uint64_t known = OG_FLAG_DELETIONS | OG_FLAG_STABLE_IDS | OG_FLAG_BASE_PATHS;
  uint64_t flags = has_ids(r) ? OG_FLAG_STABLE_IDS : 0;
  for (size_t i = 0; i < r->fragments.len; i++)
    if (OG_VEC_AT(&r->fragments, og_fragment, i).del.present) flags |= OG_FLAG_DELETIONS;
  if (r->m.n_bases) flags |= OG_FLAG_BASE_PATHS;
  r->m.reader_flags = (r->m.reader_flags & ~known) | flags;
  r->m.writer_flags = (r->m.writer_flags & ~(known | OG_FLAG_CONFIG)) | flags | (r->m.n_config ? OG_FLAG_CONFIG : 0);
}

static og_status edit_indexes(og_ctx *cx, render *r)
{
  if (r->c->opts.op != OG_LANCE_INDEX) return OG_OK;
  if (r->c->files.len || r->c->deleted.len)
    return og_fail(cx, OG_EINVALID, "a change of indexes of '" OG_STR_FMT "' also changes rows",
                   OG_STR_ARG(r->c->at.root));
  r->index.section = r->m.index_section;
  OG_TRY(og_index__rebase(cx, r->c, r->base, r->a, &r->index));
  r->m.index_section = r->index.section;
  return OG_OK;
}

/* What it is recorded as: an append removes nothing, a delete adds nothing. */
static og_lance_op recorded_op(const render *r)
{
  bool adds = r->added.len > 0, removes = r->updated.len > 0 || r->removed.len > 0;
  og_lance_op op = r->c->opts.op;
  if ((op == OG_LANCE_APPEND && removes) || (op == OG_LANCE_DELETE && adds)) return OG_LANCE_UPDATE;
  if (op == OG_LANCE_REWRITE && r->updated.len) return OG_LANCE_UPDATE; /* of fragments that did not go as a whole */
  return op;
}

static og_status list_config(og_ctx *cx, render *r, og_transaction *t)
{
  const og_vec *config = &r->c->config;
  og_transaction_pair *pairs = og_arena_calloc(cx, r->a, config->len + 1, sizeof *pairs);
  if (!pairs) return OG_ENOMEM;
  for (size_t i = 0; i < config->len; i++) {
    const og_change__config *k = &OG_VEC_AT(config, og_change__config, i);
    pairs[i].key = k->key;
    if (!k->remove) pairs[i].value = k->value.ptr ? k->value : OG_STR("");
  }
  t->config = pairs;
  t->n_config = (uint32_t)config->len;
  return OG_OK;
}

/* The record as a file and in the manifest.  Its uuid is the attempt's own, told apart by how often it was rendered. */
static og_status write_transaction(og_ctx *cx, render *r)
{
  og_lance_change *c = r->c;
  og_str uuid;
  og_transaction t = {.op = recorded_op(r),
                      .read_version = read_version(r),
                      .added = r->added.data,
                      .n_added = (uint32_t)r->added.len,
                      .updated = r->updated.data,
                      .n_updated = (uint32_t)r->updated.len,
                      .removed = r->removed.data,
                      .n_removed = (uint32_t)r->removed.len,
                      .index_added = r->index.added.data,
                      .n_index_added = (uint32_t)r->index.added.len,
                      .index_removed = r->index.removed.data,
                      .n_index_removed = (uint32_t)r->index.removed.len,
                      .schema = r->m.schema,
                      .all = r->fragments.data,
                      .n_all = (uint32_t)r->fragments.len,
                      .groups = r->groups.data,
                      .n_groups = (uint32_t)r->groups.len,
                      .restored = c->restored ? c->restored->m.version : 0,
                      .clone_branch = c->at.branch};
  OG_TRY(c->renders == 1 ? og_arena_str(cx, r->a, c->opts.tx_uuid, &uuid)
                         : og_arena_printf(cx, r->a, &uuid, OG_STR_FMT "-%u", OG_STR_ARG(c->opts.tx_uuid), c->renders));
  t.uuid = uuid;
  if (t.op == OG_LANCE_CLONE) {
    OG_TRY(absolute_path(cx, r, &t.clone_path));
    t.clone_version = read_version(r);
  }
  OG_AUTO(og_buf) bytes = {0};
  OG_TRY(list_config(cx, r, &t));
  OG_TRY(og_transaction_encode(cx, &t, &bytes));
  OG_TRY(og_arena_printf(cx, r->a, &r->m.tx_file, "%" PRIu64 "-" OG_STR_FMT ".txn", read_version(r), OG_STR_ARG(uuid)));
  OG_TRY(og_change__put(cx, c, "_transactions", r->m.tx_file, og_buf_str(&bytes)));
  return og_arena_str(cx, r->a, og_buf_str(&bytes), &r->m.transaction);
}

static og_status render_all(og_ctx *cx, render *r)
{
  og_str key;
  r->lost = og_arena_calloc(cx, r->a, r->c->files.len + 1, sizeof(uint8_t *));
  if (!r->lost) return OG_ENOMEM;
  OG_TRY(start_manifest(cx, r));
  OG_TRY(edit_indexes(cx, r));
  if (r->base && r->c->opts.op != OG_LANCE_OVERWRITE && !r->c->restored) OG_TRY(keep_fragments(cx, r));
  OG_TRY(add_fragments(cx, r));
  if (r->c->opts.op == OG_LANCE_REWRITE) {
    OG_TRY(og_change__groups(cx, r->a, r->c, r->base, &r->added, &r->groups));
    if (has_ids(r)) OG_TRY(og_change__move_indexes(cx, r->a, &r->groups, &r->m.index_section));
  }
  r->m.fragments = r->fragments.data;
  r->m.n_fragments = (uint32_t)r->fragments.len;
  set_flags(r);
  OG_TRY(write_transaction(cx, r));
  og_buf_clear(&r->c->bytes);
  OG_TRY(og_manifest_encode(cx, &r->m, &r->c->bytes));
  OG_TRY(og_lance_manifest_key(cx, &r->c->at, r->version, &key));
  return og_arena_str(cx, &r->c->arena, key, &r->c->manifest_key);
}

og_status og_lance_change_render(og_ctx *cx, og_lance_change *c, og_lance_table *base, uint64_t version)
{
  OG_AUTO(og_arena) scratch = {0};
  OG_ASSERT(c->finished && (c->base || !base));
  c->renders++;
  c->number = 0;
  render r = {.c = c,
              .base = base ? base : c->base,
              .version = version,
              .a = &scratch,
              .fragments = OG_VEC_INIT(og_fragment),
              .updated = OG_VEC_INIT(og_fragment),
              .removed = OG_VEC_INIT(uint64_t),
              .added = OG_VEC_INIT(og_fragment),
              .groups = OG_VEC_INIT(og_transaction_group),
              .index = {.added = OG_VEC_INIT(og_str), .removed = OG_VEC_INIT(og_str)}};
  og_status st = render_all(cx, &r);
  og_vec_cleanup(&r.fragments);
  og_vec_cleanup(&r.updated);
  og_vec_cleanup(&r.removed);
  og_vec_cleanup(&r.added);
  og_vec_cleanup(&r.groups);
  og_lance_schema_unref(r.altered);
  og_vec_cleanup(&r.index.added);
  og_vec_cleanup(&r.index.removed);
  if (st == OG_OK) c->number = version;
  return st;
}
