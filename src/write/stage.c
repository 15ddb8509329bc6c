/* SPDX-License-Identifier: MIT */
/* write/stage.c -- rows on their way to a commit.
 *
 *  (1) A load streams: a row is checked, appended to its type's block and forgotten; a full block goes to a data file,
 *      which nothing names before the commit.  What the end must check is kept as keys only, and those spill to disk
 *      when they outgrow the stage's budget (spilled.c).  What stays in memory per row is a bit for each committed row
 *      and, in the change, some 24 bytes for each row replaced.
 *  (2) A mutation keeps its rows, because later statements read them; they go to files when it ends.
 *  (3) A committed row is touched at most once; who touches it shadows it from then on.
 *  (4) A load streams in the order of its lines, so the last of several rows of one id cannot take an earlier one back.
 *      Where it may (a merge), the lines outdone are noted and the load reads again without them.
 *  (5) Small fragments at a table's end are folded into the new one, each step at most as large as what is gathered, so
 *      that a table has O(log commits) fragments and a commit stays small.
 */
#include "write/stage.h"

#include "base/env.h"

#include <inttypes.h>
#include <stdio.h>

#define BLOCK_ROWS  32768u
#define LATE_ROWS   262144u /* each block of a late table reads the table's ids once */
#define BLOCK_BYTES (16u << 20)
#define FOLD_ROWS   8192u      /* more are never folded inside a commit */
#define KEPT_ROWS   (1u << 20) /* ids of fewer rows are kept with their table from one write to the next */
#define SCAN_FINDS  32u        /* from here on a hash map of all ids is cheaper than scanning */
#define LATE_SHARE  400u       /* a map of ids takes some 100 bytes each, and may have a quarter of the budget */

og_status og_stage_init(og_ctx *cx, og_stage *s, og_snapshot *snapshot, uint64_t budget)
{
  *s = (og_stage){.snapshot = snapshot,
                  .streaming = budget > 0,
                  .budget = budget,
                  .keep = OG_VEC_INIT(og_column *),
                  .tables = OG_VEC_INIT(og_stage_table *),
                  .patterns = OG_VEC_INIT(void *)};
  OG_TRY(og_graph_attempt(cx, snapshot->graph, snapshot, &s->attempt));
  og_ulid_format(&s->attempt, s->attempt_text);
  s->attempt_text[OG_ULID_LEN] = '\0';
  snprintf(s->uuid_text, sizeof s->uuid_text, "omnigraph-%s", s->attempt_text);
  return OG_OK;
}

static void table_free(og_ctx *cx, og_stage_table *t)
{
  for (uint32_t i = 0; t->builders && i < t->view->n_columns; i++) og_builder_free(t->builders[i]);
  for (uint32_t i = 0; t->unique && i < t->type->n_constraints; i++) og_keys_cleanup(cx, &t->unique[i]);
  og_free(t->builders);
  og_free(t->unique);
  og_free(t->touched);
  og_vec_cleanup(&t->rows);
  og_vec_cleanup(&t->deleted);
  og_vec_cleanup(&t->offsets);
  og_vec_cleanup(&t->lines);
  og_vec_cleanup(&t->holders);
  og_keys_cleanup(cx, &t->ids);
  og_keys_cleanup(cx, &t->need_src);
  og_keys_cleanup(cx, &t->need_dst);
  og_keys_cleanup(cx, &t->sources);
  og_sorter_free(cx, t->will_be);
  og_lance_change_free(cx, t->change);
  og_view_free(t->view);
  og_free(t);
}

void og_stage__free_patterns(og_stage *s); /* constraints.c */

void og_stage_cleanup(og_ctx *cx, og_stage *s)
{
  og_error saved = *cx->err; /* freeing must not lose what went wrong */
  og_stage__free_queue(cx, s);
  for (size_t i = 0; i < s->tables.len; i++) table_free(cx, OG_VEC_AT(&s->tables, og_stage_table *, i));
  for (size_t i = 0; i < s->keep.len; i++) og_column_unref(OG_VEC_AT(&s->keep, og_column *, i));
  og_stage__free_patterns(s);
  og_vec_cleanup(&s->tables);
  og_vec_cleanup(&s->keep);
  og_vec_cleanup(&s->patterns);
  og_arena_cleanup(&s->arena);
  *cx->err = saved;
}

static og_status table_init(og_ctx *cx, og_stage *s, og_stage_table *t)
{
  OG_TRY(og_view_open(cx, s->snapshot, t->type, &t->view));
  t->builders = og_calloc(cx, t->view->n_columns + 1, sizeof(og_builder *));
  t->unique = og_calloc(cx, t->type->n_constraints + 1, sizeof(og_keys));
  if (!t->builders || !t->unique) return OG_ENOMEM;
  t->late = s->streaming && t->view->rows > s->budget / LATE_SHARE;
  const og_schema *schema = og_lance_table_schema(t->view->table)->arrow;
  for (uint32_t i = 0; i < t->view->n_columns; i++) OG_TRY(og_builder_new(cx, &schema->fields[i], &t->builders[i]));
  return s->spilled ? og_stage__spill_table(cx, s, t) : OG_OK;
}

og_status og_stage_table_of(og_ctx *cx, og_stage *s, const og_type_def *type, og_stage_table **out)
{
  for (size_t i = 0; i < s->tables.len; i++) {
    *out = OG_VEC_AT(&s->tables, og_stage_table *, i);
    if ((*out)->type == type) return OG_OK;
  }
  og_stage_table *t = og_zalloc(cx, sizeof *t);
  if (!t) return OG_ENOMEM;
  t->type = type;
  t->rows = OG_VEC_INIT(og_staged_row);
  t->deleted = t->offsets = t->lines = OG_VEC_INIT(uint64_t);
  t->holders = OG_VEC_INIT(og_stage_holder);
  og_status st = og_vec_add(cx, &s->tables, &t);
  if (st == OG_OK)
    st = table_init(cx, s, t);
  else
    og_free(t);
  *out = t;
  return st;
}

/* ---- look-ups */

static og_status scan_for(og_ctx *cx, og_stage_table *t, og_str id, uint64_t *out)
{
  const og_column *ids;
  bool found;
  if (t->view->rows <= KEPT_ROWS) {
    OG_TRY(og_lance_table_find(cx, t->view->table, OG_COLUMN_ID, id, out, &found));
    if (!found) *out = OG_NO_OFFSET;
    return OG_OK;
  }
  const og_scalar want = {.type = og_type_of(OG_TYPE_UTF8), .v.s = id};
  uint32_t *sel = og_calloc(cx, t->view->rows + 1, sizeof *sel);
  if (!sel) return OG_ENOMEM;
  og_status st = og_view_column(cx, t->view, OG_FIELD_ID, &ids);
  size_t n = st == OG_OK ? og_kernels_scalar.select_cmp(ids, OG_CMP_EQ, &want, NULL, (size_t)t->view->rows, sel) : 0;
  for (size_t i = 0; i < n && *out == OG_NO_OFFSET; i++)
    if (og_view_is_live(t->view, sel[i])) *out = sel[i];
  og_free(sel);
  return st;
}

og_status og_stage_find(og_ctx *cx, og_stage_table *t, og_str id, uint64_t *out)
{
  *out = OG_NO_OFFSET;
  if (t->replaced || t->view->rows == 0) return OG_OK;
  if (++t->finds <= SCAN_FINDS && !t->view->data->ids) {
    OG_TRY(scan_for(cx, t, id, out));
  } else {
    const og_ids *ids;
    OG_TRY(og_view_ids(cx, t->view, &ids));
    uint32_t row = og_ids_find(ids, id);
    *out = row == OG_NO_ROW ? OG_NO_OFFSET : row;
  }
  if (*out != OG_NO_OFFSET && og_stage_is_touched(t, *out)) *out = OG_NO_OFFSET;
  return OG_OK;
}

og_status og_stage__touch(og_ctx *cx, og_stage_table *t, uint64_t offset, bool *was_new)
{
  if (!t->touched && !(t->touched = og_calloc(cx, t->view->rows / 8 + 1, 1))) return OG_ENOMEM;
  *was_new = !og_bit_get(t->touched, (int64_t)offset);
  t->n_touched += *was_new;
  og_bit_set(t->touched, (int64_t)offset);
  return OG_OK;
}

/* A generated id. */
static og_status new_id(og_ctx *cx, og_stage *s, og_arena *arena, og_str *out)
{
  og_ulid id;
  char text[OG_ULID_LEN];
  OG_TRY(og_ulid_next(cx, &s->ids, NULL, &id));
  og_ulid_format(&id, text);
  return og_arena_str(cx, arena, og_str_from(text, sizeof text), out);
}

og_status og_stage_has_node(og_ctx *cx, og_stage *s, const og_type_def *type, og_str id, bool *out)
{
  og_stage_table *t;
  uint64_t offset;
  OG_TRY(og_stage_table_of(cx, s, type, &t));
  *out = og_map_get(&t->ids.map, id, NULL);
  if (*out) return OG_OK;
  OG_TRY(og_stage_find(cx, t, id, &offset)); /* touched rows are either staged, and found above, or deleted */
  *out = offset != OG_NO_OFFSET;
  return OG_OK;
}

/* ---- blocks */

og_status og_stage__open_change(og_ctx *cx, og_stage *s, og_stage_table *t)
{
  og_lance_place at;
  if (t->change) return OG_OK;
  const og_lance_change_opts opts = {.op = t->replaced ? OG_LANCE_OVERWRITE : OG_LANCE_UPDATE,
                                     .attempt = og_str_of(s->attempt_text),
                                     .tx_uuid = og_str_of(s->uuid_text)};
  OG_TRY(og_snapshot_write_place(cx, s->snapshot, t->type->key, &at));
  return og_lance_change_new(cx, &at, t->view->table, &opts, &t->change);
}

/* The rows of the block listed in `pick`, as a batch of their own. */
static og_status pick_rows(og_ctx *cx, const og_batch *block, const int64_t *pick, size_t n, og_batch **out)
{
  og_column **cols = og_calloc(cx, block->n_columns + 1, sizeof(og_column *));
  og_status st = cols ? OG_OK : OG_ENOMEM;
  for (uint32_t i = 0; st == OG_OK && i < block->n_columns; i++)
    st = og_column_take(cx, block->columns[i], pick, (int64_t)n, &cols[i]);
  if (st == OG_OK) st = og_batch_new(cx, block->schema, cols, block->n_columns, (int64_t)n, out);
  for (uint32_t i = 0; cols && i < block->n_columns; i++) og_column_unref(cols[i]);
  og_free(cols);
  return st;
}

typedef og_status (*rows_fn)(og_ctx *, og_lance_change *, const og_batch *, const uint64_t *, size_t);

static og_status insert_fn(og_ctx *cx, og_lance_change *c, const og_batch *b, const uint64_t *offsets, size_t n)
{
  (void)offsets;
  (void)n;
  return og_lance_change_insert(cx, c, b);
}

static og_status write_some(og_ctx *cx, og_stage_table *t, const og_batch *block, bool replacing)
{
  size_t n = 0, rows = t->offsets.len;
  int64_t *pick = og_calloc(cx, rows + 1, sizeof *pick);
  uint64_t *offsets = og_calloc(cx, rows + 1, sizeof *offsets);
  og_batch *some = NULL;
  og_status st = pick && offsets ? OG_OK : OG_ENOMEM;
  for (size_t i = 0; st == OG_OK && i < rows; i++) {
    uint64_t offset = OG_VEC_AT(&t->offsets, uint64_t, i);
    if ((offset != OG_NO_OFFSET) != replacing) continue;
    offsets[n] = offset;
    pick[n++] = (int64_t)i;
  }
  rows_fn fn = replacing ? og_lance_change_update : insert_fn;
  if (st == OG_OK && n == rows)
    st = fn(cx, t->change, block, offsets, n);
  else if (st == OG_OK && n) {
    st = pick_rows(cx, block, pick, n, &some);
    if (st == OG_OK) st = fn(cx, t->change, some, offsets, n);
  }
  og_batch_unref(some);
  og_free(pick);
  og_free(offsets);
  return st;
}

static og_status finish_block(og_ctx *cx, og_stage_table *t, og_batch **out)
{
  uint32_t n = t->view->n_columns;
  og_column **cols = og_calloc(cx, n + 1, sizeof(og_column *));
  og_status st = cols ? OG_OK : OG_ENOMEM;
  for (uint32_t i = 0; st == OG_OK && i < n; i++) st = og_builder_finish(cx, t->builders[i], &cols[i]);
  if (st == OG_OK)
    st = og_batch_new(cx, og_lance_table_schema(t->view->table)->arrow, cols, n, (int64_t)t->offsets.len, out);
  for (uint32_t i = 0; cols && i < n; i++) og_column_unref(cols[i]);
  og_free(cols);
  return st;
}

static og_status key_conflict(og_ctx *cx, const og_type_def *t, og_str id)
{
  og_fail(cx, OG_ECONFLICT, "%s type '" OG_STR_FMT "', entity id '" OG_STR_FMT "': an entity already has this id",
          t->is_edge ? "edge" : "node", OG_STR_ARG(t->name), OG_STR_ARG(id));
  og_detail *d = og_error_detail(cx, OG_DETAIL_KEY_CONFLICT);
  og_detail_set(d->entity_kind, sizeof d->entity_kind, t->is_edge ? OG_STR("edge") : OG_STR("node"));
  og_detail_set(d->type_name, sizeof d->type_name, t->name);
  og_detail_set(d->entity_id, sizeof d->entity_id, id);
  return OG_ECONFLICT;
}

/* A committed row has the id of row `i` of the block. */
static og_status found_late(og_ctx *cx, og_stage *s, og_stage_table *t, uint64_t i, uint64_t offset, og_str id)
{
  bool was_new;
  if (t->mode == OG_PUT_INSERT) {
    s->bad_line = OG_VEC_AT(&t->lines, uint64_t, i);
    return key_conflict(cx, t->type, id);
  }
  OG_TRY(og_stage__touch(cx, t, offset, &was_new));
  if (was_new) OG_VEC_AT(&t->offsets, uint64_t, i) = offset; /* else an earlier row of the load, found out at the end */
  return OG_OK;
}

/* Ids of the block against those of the table, which pass by once. */
static og_status match_late(og_ctx *cx, og_stage *s, og_stage_table *t, const og_map *ids)
{
  const uint32_t column = OG_COLUMN_ID;
  const og_lance_scan_opts opts = {.columns = &column, .n_columns = 1, .with_offset = true};
  og_lance_scan *scan;
  og_batch *batch = NULL;
  OG_TRY(og_lance_scan_open(cx, t->view->table, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &batch)) == OG_OK && batch) {
    const uint64_t *offsets = batch->columns[1]->data[0];
    uint64_t row;
    for (int64_t i = 0; st == OG_OK && i < batch->len; i++)
      if (og_map_get(ids, og_column_str(batch->columns[0], i), &row))
        st = found_late(cx, s, t, row, offsets[i], og_column_str(batch->columns[0], i));
    og_batch_unref(batch);
    if (st != OG_OK) break;
  }
  og_lance_scan_close(scan);
  return st;
}

static og_status look_up_late(og_ctx *cx, og_stage *s, og_stage_table *t, const og_batch *block)
{
  og_map ids;
  og_status st = OG_OK;
  if (!t->late || t->replaced) return OG_OK;
  og_map_init(&ids, false);
  for (int64_t i = 0; st == OG_OK && i < block->len; i++)
    st = og_map_put(cx, &ids, og_column_str(block->columns[OG_COLUMN_ID], i), (uint64_t)i, NULL);
  if (st == OG_OK) st = match_late(cx, s, t, &ids);
  og_map_cleanup(&ids);
  return st;
}

og_status og_stage__flush(og_ctx *cx, og_stage *s, og_stage_table *t)
{
  og_batch *block = NULL;
  if (t->offsets.len == 0) return OG_OK;
  if (t->behind) OG_TRY(og_stage__settle(cx, s));
  OG_TRY(og_stage__open_change(cx, s, t));
  OG_TRY(finish_block(cx, t, &block));
  og_status st = look_up_late(cx, s, t, block);
  if (st == OG_OK) st = og_stage_note_ends(cx, s, t, block);
  if (st == OG_OK) st = write_some(cx, t, block, true);
  if (st == OG_OK) st = write_some(cx, t, block, false);
  og_batch_unref(block);
  og_vec_clear(&t->offsets);
  og_vec_clear(&t->lines);
  s->block_bytes -= t->block_bytes;
  t->block_bytes = 0;
  return st;
}

/* All blocks together may have a quarter of a load's budget: the largest goes first. */
static og_status make_room(og_ctx *cx, og_stage *s)
{
  og_stage_table *largest = NULL;
  if (!s->streaming || s->block_bytes <= s->budget / 4) return OG_OK;
  for (size_t i = 0; i < s->tables.len; i++) {
    og_stage_table *t = OG_VEC_AT(&s->tables, og_stage_table *, i);
    if (!largest || t->block_bytes > largest->block_bytes) largest = t;
  }
  return largest ? og_stage__flush(cx, s, largest) : OG_OK;
}

og_status og_stage__flush_if_full(og_ctx *cx, og_stage *s, og_stage_table *t)
{
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < t->view->n_columns; i++) bytes += og_builder_bytes(t->builders[i]);
  s->block_bytes += bytes - t->block_bytes;
  t->block_bytes = bytes;
  bool full = t->offsets.len >= (t->late ? LATE_ROWS : BLOCK_ROWS) || bytes >= BLOCK_BYTES;
  return full ? og_stage__flush(cx, s, t) : make_room(cx, s);
}

static og_status append_row(og_ctx *cx, og_stage *s, og_stage_table *t, const og_scalar *values, uint64_t offset)
{
  for (uint32_t i = 0; i < t->view->n_columns; i++) OG_TRY(og_value_build(cx, t->builders[i], &values[i]));
  OG_TRY(og_vec_add(cx, &t->offsets, &offset));
  if (t->late || t->type->is_edge) OG_TRY(og_vec_add(cx, &t->lines, &s->line));
  return t->offsets.len % 64 ? OG_OK : og_stage__flush_if_full(cx, s, t);
}

/* ---- rows in */

static og_status copy_values(og_ctx *cx, og_stage *s, const og_stage_table *t, const og_scalar *values, og_scalar **out)
{
  og_scalar *copy = og_arena_calloc(cx, &s->arena, t->view->n_columns + 1, sizeof *copy);
  if (!copy) return OG_ENOMEM;
  for (uint32_t i = 0; i < t->view->n_columns; i++) {
    copy[i] = values[i];
    if (!values[i].is_null && og_type_is_varbin(values[i].type.id))
      OG_TRY(og_arena_str(cx, &s->arena, values[i].v.s, &copy[i].v.s));
    if (values[i].is_null || !og_type_is_nested(values[i].type.id)) continue;
    og_column *items;
    OG_TRY(og_column_slice(cx, values[i].v.list, 0, values[i].v.list->len, &items));
    og_status st = og_vec_add(cx, &s->keep, &items);
    if (st != OG_OK) og_column_unref(items);
    OG_TRY(st);
    copy[i].v.list = items;
  }
  *out = copy;
  return OG_OK;
}

/* The id a row gets.  *generated: nobody else can have it. */
static og_status settle_id(og_ctx *cx, og_stage *s, const og_stage_table *t, const og_scalar *values, og_str *id,
                           bool *generated)
{
  *generated = false;
  if (!t->type->key_fields) {
    *generated = values[0].is_null;
    if (*generated) return new_id(cx, s, s->streaming && t->type->is_edge ? cx->arena : &s->arena, id);
    return og_arena_str(cx, &s->arena, values[0].v.s, id);
  }
  OG_TRY(og_value_id(cx, t->type, values, &s->arena, id));
  if (values[0].is_null || og_str_eq(values[0].v.s, *id)) return OG_OK;
  return og_fail(cx, OG_EINVALID,
                 OG_STR_FMT ": explicit id '" OG_STR_FMT "' does not match the id '" OG_STR_FMT "' its key gives",
                 OG_STR_ARG(t->type->name), OG_STR_ARG(values[0].v.s), OG_STR_ARG(*id));
}

og_status og_stage__twice(og_ctx *cx, const og_type_def *t, og_str id)
{
  static const og_str id_name = {"id", 2};
  const og_constraint *key = t->key_fields;
  return og_stage_unique_error(cx, t, key ? key->names : &id_name, key ? key->n : 1, id, id, id);
}

static og_status stage_row(og_ctx *cx, og_stage *s, og_stage_table *t, const og_scalar *values, uint64_t offset)
{
  bool was_new;
  t->puts++;
  if (offset != OG_NO_OFFSET) OG_TRY(og_stage__touch(cx, t, offset, &was_new));
  if (s->streaming) {
    OG_TRY(og_stage_note(cx, s, t, values));
    return append_row(cx, s, t, values, offset);
  }
  og_staged_row row = {.offset = offset};
  OG_TRY(copy_values(cx, s, t, values, &row.values));
  return og_vec_add(cx, &t->rows, &row);
}

og_status og_stage__outdo(og_ctx *cx, og_stage *s, uint64_t line)
{
  char key[8];
  for (int i = 0; i < 8; i++) key[i] = (char)(line >> (56 - 8 * i)); /* sorted as bytes, read back in order */
  return og_sorter_add(cx, s->outdone, og_str_from(key, sizeof key), OG_STR_NONE);
}

bool og_stage_is_outdone(const og_stage *s)
{
  return s->outdone && og_sorter_len(s->outdone) > 0;
}

/* Keys of a load that have outgrown their share go to disk; from then on the arena holds one row's texts. */
og_status og_stage__make_keys_fit(og_ctx *cx, og_stage *s)
{
  if (s->streaming && !s->spilled && s->key_bytes > s->budget / 2) OG_TRY(og_stage__spill(cx, s));
  if (s->spilled) og_arena_reset(&s->arena);
  return OG_OK;
}

/* Edges with generated ids are left out: nothing asks for them. */
static og_status remember_id(og_ctx *cx, og_stage *s, og_stage_table *t, og_str id, bool generated)
{
  if (generated && s->streaming && t->type->is_edge) return OG_OK;
  if (s->spilled) return og_keys_add(cx, &t->ids, id, s->line, OG_STR_NONE);
  s->key_bytes += id.len + OG_STAGE_KEY_BYTES;
  return og_map_put(cx, &t->ids.map, id, s->streaming ? s->line : t->rows.len, NULL);
}

og_status og_stage_put(og_ctx *cx, og_stage *s, og_stage_table *t, const og_scalar *values, og_put_mode mode,
                       bool same_batch)
{
  og_str id;
  bool generated;
  uint64_t staged, offset = OG_NO_OFFSET;
  OG_TRY(og_stage__make_keys_fit(cx, s));
  og_scalar *row = og_push_array(cx, t->view->n_columns + 1, sizeof *row);
  if (!row) return OG_ENOMEM;
  t->mode = mode;
  OG_TRY(og_stage_check_row(cx, s, t->type, values));
  OG_TRY(settle_id(cx, s, t, values, &id, &generated));
  memcpy(row, values, t->view->n_columns * sizeof *row);
  row[0] = (og_scalar){.type = og_type_of(OG_TYPE_UTF8), .v.s = id};
  if (!generated && og_map_get(&t->ids.map, id, &staged)) {
    if (og_stage__may_repeat(s, t)) {
      OG_TRY(og_stage__outdo(cx, s, staged));
      return og_map_put(cx, &t->ids.map, id, s->line, NULL);
    }
    if (same_batch || mode == OG_PUT_INSERT) return og_stage__twice(cx, t->type, id);
    t->puts++;
    return copy_values(cx, s, t, row, &OG_VEC_AT(&t->rows, og_staged_row, staged).values);
  }
  if (!generated && !t->late) {
    OG_TRY(og_stage_find(cx, t, id, &offset));
    if (offset != OG_NO_OFFSET && mode == OG_PUT_INSERT) return key_conflict(cx, t->type, id);
  }
  OG_TRY(remember_id(cx, s, t, id, generated));
  return stage_row(cx, s, t, row, offset);
}

og_status og_stage_put_outdone(og_ctx *cx, og_stage *s, og_stage_table *t, const og_scalar *values)
{
  OG_TRY(og_stage__make_keys_fit(cx, s));
  OG_TRY(og_stage_check_row(cx, s, t->type, values));
  t->puts++;
  return og_stage__note_tuples(cx, s, t, values, OG_KEYS_OUTDONE);
}

og_status og_stage_replace(og_ctx *cx, og_stage *s, og_stage_table *t, uint64_t offset, size_t staged,
                           const og_scalar *values)
{
  og_str id;
  OG_ASSERT(!s->streaming);
  OG_TRY(og_stage_check_row(cx, s, t->type, values));
  if (offset == OG_NO_OFFSET) return copy_values(cx, s, t, values, &OG_VEC_AT(&t->rows, og_staged_row, staged).values);
  OG_TRY(og_arena_str(cx, &s->arena, values[0].v.s, &id));
  OG_TRY(og_map_put(cx, &t->ids.map, id, t->rows.len, NULL));
  return stage_row(cx, s, t, values, offset);
}

og_status og_stage_delete(og_ctx *cx, og_stage *s, og_stage_table *t, uint64_t offset, bool *was_new)
{
  (void)s;
  OG_TRY(og_stage__touch(cx, t, offset, was_new));
  return *was_new ? og_vec_add(cx, &t->deleted, &offset) : OG_OK;
}

/* ---- the end */

/* Live rows of fragment `f` that the stage leaves alone, as offsets. */
static og_status untouched(og_ctx *cx, const og_stage_table *t, uint32_t f, og_vec *out)
{
  og_lance_fragment_info info = og_lance_table_fragment(t->view->table, f);
  for (uint64_t r = info.first_offset; r < info.first_offset + info.physical_rows; r++)
    if (og_stage_is_retained(t, r)) OG_TRY(og_vec_add(cx, out, &r));
  return OG_OK;
}

static og_status carry(og_ctx *cx, og_stage_table *t, const og_vec *offsets)
{
  uint32_t *columns = og_push_array(cx, t->view->n_columns + 1, sizeof *columns);
  og_batch *rows;
  if (!columns) return OG_ENOMEM;
  if (offsets->len == 0) return OG_OK;
  for (uint32_t i = 0; i < t->view->n_columns; i++) columns[i] = i;
  OG_TRY(og_lance_table_take(cx, t->view->table, columns, t->view->n_columns, offsets->data, offsets->len, &rows));
  og_status st = og_lance_change_carry(cx, t->change, rows, offsets->data, offsets->len);
  og_batch_unref(rows);
  return st;
}

static int ascending(const void *a, const void *b, void *arg)
{
  (void)arg;
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* Takes small fragments at the end along, as long as the next is no larger than twice what is gathered. */
static og_status fold(og_ctx *cx, og_stage_table *t)
{
  uint64_t gathered = t->puts;
  og_vec offsets = OG_VEC_INIT(uint64_t);
  og_status st = OG_OK;
  if (t->replaced || gathered == 0 || gathered > FOLD_ROWS) return OG_OK;
  for (uint32_t f = og_lance_table_fragments(t->view->table); st == OG_OK && f > 0; f--) {
    og_lance_fragment_info info = og_lance_table_fragment(t->view->table, f - 1);
    if (info.physical_rows > 2 * gathered || info.physical_rows + gathered > FOLD_ROWS) break;
    st = untouched(cx, t, f - 1, &offsets);
    gathered += info.physical_rows;
  }
  if (st == OG_OK) st = og_sort(cx, offsets.data, offsets.len, sizeof(uint64_t), ascending, NULL);
  if (st == OG_OK) st = carry(cx, t, &offsets);
  og_vec_cleanup(&offsets);
  return st;
}

static og_status finish_table(og_ctx *cx, og_stage *s, og_stage_table *t)
{
  for (size_t i = 0; i < t->rows.len; i++) {
    const og_staged_row *r = &OG_VEC_AT(&t->rows, og_staged_row, i);
    OG_TRY(og_stage__check_values(cx, s, t->type, r->values));
    OG_TRY(og_stage_note(cx, s, t, r->values));
    OG_TRY(append_row(cx, s, t, r->values, r->offset));
  }
  bool carry_first = !t->change && !t->late; /* old rows before new ones: ascending row ids take a few bytes */
  if (carry_first && t->offsets.len) {
    OG_TRY(og_stage__open_change(cx, s, t));
    OG_TRY(fold(cx, t));
  }
  OG_TRY(og_stage__flush(cx, s, t));
  if (t->replaced || t->deleted.len) OG_TRY(og_stage__open_change(cx, s, t));
  if (!t->change) return OG_OK;
  if (t->deleted.len) OG_TRY(og_lance_change_delete(cx, t->change, t->deleted.data, t->deleted.len));
  if (!carry_first) OG_TRY(fold(cx, t));
  return og_lance_change_finish(cx, t->change);
}

og_status og_stage_finish(og_ctx *cx, og_stage *s)
{
  OG_TRY(og_stage__settle(cx, s));
  for (size_t i = 0; i < s->tables.len; i++) OG_TRY(finish_table(cx, s, OG_VEC_AT(&s->tables, og_stage_table *, i)));
  return s->spilled ? og_stage__validate_spilled(cx, s) : og_stage_validate(cx, s);
}

/* ---- publishing */

static og_stage_table *table_by_key(og_stage *s, og_str key)
{
  for (size_t i = 0; i < s->tables.len; i++)
    if (og_str_eq(OG_VEC_AT(&s->tables, og_stage_table *, i)->type->key, key))
      return OG_VEC_AT(&s->tables, og_stage_table *, i);
  return NULL;
}

/* `now` holds every fragment of `was`, with no row more deleted: others only added rows.  *first_new: the first added.
 */
static bool only_added(const og_lance_table *was, const og_lance_table *now, uint32_t *first_new)
{
  uint32_t n = og_lance_table_fragments(was);
  if (og_lance_table_fragments(now) < n) return false;
  for (uint32_t i = 0; i < n; i++) {
    og_lance_fragment_info a = og_lance_table_fragment(was, i), b = og_lance_table_fragment(now, i);
    if (a.id != b.id || a.deleted_rows != b.deleted_rows) return false;
  }
  *first_new = n;
  return true;
}

static bool has_unique(const og_type_def *t)
{
  for (uint32_t i = 0; i < t->n_constraints; i++)
    if (t->constraints[i].kind == OG_CON_UNIQUE) return true;
  return false;
}

/* Rows that others added are harmless, unless they are ours, or a rule spans rows of different writers. */
static og_status conflicts(og_ctx *cx, void *arg, og_str key, og_lance_table *was, og_lance_table *now, bool *out)
{
  og_stage_table *t = table_by_key(arg, key);
  uint32_t first_new;
  *out = true;
  if (!was || !now || !only_added(was, now, &first_new)) return OG_OK;
  if (!t) return OG_OK; /* read through a predicate by a cascade */
  bool spans_rows = t->replaced || t->predicate || has_unique(t->type) ||
                    (t->type->is_edge && (t->type->card_min || t->type->has_card_max));
  if (spans_rows) return OG_OK;
  *out = false;
  return og_stage__shares_ids(cx, t, now, first_new, out);
}

static og_status list_tables(og_ctx *cx, og_stage *s, og_vec *tables, og_vec *reads)
{
  for (size_t i = 0; i < s->tables.len; i++) {
    og_stage_table *t = OG_VEC_AT(&s->tables, og_stage_table *, i);
    const og_table_change c = {.key = t->type->key, .change = t->change};
    OG_TRY(t->change ? og_vec_add(cx, tables, &c) : og_vec_add(cx, reads, &t->type->key));
  }
  return OG_OK;
}

og_status og_stage_publish(og_ctx *cx, og_stage *s, og_str actor, const og_ulid *if_commit, bool *rerun, og_commit *out)
{
  og_vec tables = OG_VEC_INIT(og_table_change), reads = OG_VEC_INIT(og_str);
  og_publish_outcome outcome = OG_PUBLISHED;
  og_publication p = {.base = s->snapshot,
                      .conflict = conflicts,
                      .conflict_arg = s,
                      .attempt = s->attempt,
                      .actor = actor.len ? actor : OG_STR_NONE,
                      .if_commit = if_commit};
  og_status st = og_graph_attempt(cx, s->snapshot->graph, s->snapshot, &p.commit);
  if (st == OG_OK) st = list_tables(cx, s, &tables, &reads);
  p.tables = tables.data;
  p.n_tables = tables.len;
  p.reads = reads.data;
  p.n_reads = reads.len;
  if (st == OG_OK) st = og_graph_publish(cx, s->snapshot->graph, &p, &outcome, out);
  og_vec_cleanup(&tables);
  og_vec_cleanup(&reads);
  *rerun = st == OG_OK && outcome == OG_PUBLISH_RERUN;
  if (st == OG_ECONFLICT && cx->err->detail.kind == OG_DETAIL_NONE) { /* rows we replace were replaced by others */
    og_error_clear(cx);
    *rerun = true;
    st = OG_OK;
  }
  return st;
}
