/* SPDX-License-Identifier: MIT */
/* lance/fields_alter.c -- a schema without some columns, with others, and with other names.  Fields keep their ids,
 * which is why no data file has to be written again. */
#include "lance/fields_impl.h"

#include "base/ctx.h"

static bool is_dropped(const og_lance_alteration *a, int32_t id)
{
  for (size_t i = 0; i < a->n_dropped; i++)
    if (a->dropped[i] == id) return true;
  return false;
}

static og_status copy_pairs(og_ctx *cx, og_arena *a, const og_str *from, uint32_t n, const og_str **out)
{
  og_str *copy = og_arena_calloc(cx, a, (size_t)n + 1, 2 * sizeof *copy);
  if (!copy) return OG_ENOMEM;
  for (size_t i = 0; i < 2 * (size_t)n; i++) OG_TRY(og_arena_str(cx, a, from[i], &copy[i]));
  *out = copy;
  return OG_OK;
}

static og_status copy_field(og_ctx *cx, og_lance_schema *s, const og_lance_field *from)
{
  og_lance_field *f = &s->fields[s->n_fields++];
  *f = *from;
  OG_TRY(og_arena_str(cx, &s->arena, from->name, &f->name));
  OG_TRY(og_arena_str(cx, &s->arena, from->logical_type, &f->logical_type));
  OG_TRY(og_arena_str(cx, &s->arena, from->unknown, &f->unknown));
  return copy_pairs(cx, &s->arena, from->meta, from->n_meta, &f->meta);
}

static og_status copy_kept(og_ctx *cx, og_lance_schema *s, const og_lance_schema *from, const og_lance_alteration *a)
{
  bool keep = true;
  for (uint32_t i = 0; i < from->n_fields; i++) {
    const og_lance_field *f = &from->fields[i];
    if (f->parent == -1) keep = !is_dropped(a, f->id);
    if (keep) OG_TRY(copy_field(cx, s, f));
  }
  for (uint32_t i = 0; a->added && i < a->added->n_fields; i++) OG_TRY(copy_field(cx, s, &a->added->fields[i]));
  return OG_OK;
}

static og_status rename_fields(og_ctx *cx, og_lance_schema *s, const og_lance_alteration *a)
{
  for (size_t i = 0; i < a->n_renamed; i++) {
    const int at = og_lance_schema_find_id(s, a->renamed[i].id);
    if (at < 0) continue;
    if (a->renamed[i].name.len == 0) return og_fail(cx, OG_EINVALID, "a column cannot have an empty name");
    OG_TRY(og_arena_str(cx, &s->arena, a->renamed[i].name, &s->fields[at].name));
  }
  return OG_OK;
}

/* A top-level field and what hangs below it. */
typedef struct branch {
  og_str name; /* first: it is what by_branch_name compares */
  uint32_t from, n;
} branch;

static int by_branch_name(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(*(const og_str *)a, *(const og_str *)b);
}

static og_status sort_fields(og_ctx *cx, og_lance_schema *s, uint32_t fixed)
{
  OG_AUTO(og_arena) scratch = {0};
  branch *list = og_arena_calloc(cx, &scratch, (size_t)s->n_fields + 1, sizeof *list);
  og_lance_field *sorted = og_arena_calloc(cx, &s->arena, (size_t)s->n_fields + 1, sizeof *sorted);
  uint32_t n = 0, m = 0;
  if (!list || !sorted) return OG_ENOMEM;
  for (uint32_t i = 0; i < s->n_fields; i++) {
    if (s->fields[i].parent == -1) list[n++] = (branch){.name = s->fields[i].name, .from = i};
    list[n - 1].n++;
  }
  if (n > fixed) OG_TRY(og_sort(cx, list + fixed, n - fixed, sizeof *list, by_branch_name, NULL));
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t k = 0; k < list[i].n; k++) sorted[m++] = s->fields[list[i].from + k];
  s->fields = sorted;
  return OG_OK;
}

static og_status check_names(og_ctx *cx, const og_lance_schema *s)
{
  for (uint32_t i = 0; i < s->n_fields; i++)
    if (s->fields[i].parent == -1 && og_lance_schema_find(s, s->fields[i].name) != (int)i)
      return og_fail(cx, OG_EINVALID, "there would be two columns '" OG_STR_FMT "'", OG_STR_ARG(s->fields[i].name));
  return s->n_fields ? OG_OK : og_fail(cx, OG_EINVALID, "no column would be left");
}

static og_status alter(og_ctx *cx, const og_lance_schema *from, const og_lance_alteration *a, og_lance_schema *s)
{
  const size_t n = (size_t)from->n_fields + (a->added ? a->added->n_fields : 0);
  s->fields = og_arena_calloc(cx, &s->arena, n + 1, sizeof *s->fields);
  if (!s->fields) return OG_ENOMEM;
  OG_TRY(copy_kept(cx, s, from, a));
  OG_TRY(rename_fields(cx, s, a));
  OG_TRY(check_names(cx, s));
  if (a->by_name) OG_TRY(sort_fields(cx, s, a->fixed));
  s->n_meta = from->n_meta;
  OG_TRY(copy_pairs(cx, &s->arena, from->meta, from->n_meta, &s->meta));
  return og_fields__complete(cx, s);
}

og_status og_lance_schema_alter(og_ctx *cx, const og_lance_schema *from, const og_lance_alteration *a,
                                og_lance_schema **out)
{
  og_lance_schema *s = og_fields__alloc(cx);
  if (!s) return OG_ENOMEM;
  og_status st = alter(cx, from, a, s);
  if (st != OG_OK)
    og_lance_schema_unref(s);
  else
    *out = s;
  return st;
}
