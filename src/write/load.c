/* SPDX-License-Identifier: MIT */
/* write/load.c -- strict NDJSON.
 *
 *   {"type":"T","data":{…}}            a node
 *   {"edge":"E","from":"a","to":"b","data":{…}}
 *
 * One object per line, in any order.  Most lines come as columns (ahead.c, columns.c) and are staged many at a time
 * (stage_blocks.c); a line that is wrong, odd, or of a type with rules over single rows goes through here as a record.
 * Endpoints are checked at the end, when all nodes are known.  Every error that one line causes names it.  A lost race
 * reads the file again; so does a merge that met an id twice where the last line wins (stage.c), and then leaves the
 * others out.
 */
#include "write/write.h"

#include "base/env.h"
#include "base/limits.h"
#include "write/ahead.h"
#include "write/stage.h"

#include <inttypes.h>

/* Lines that later ones outdo: found in one reading, left out in the next. */
typedef struct outdone {
  og_sorter *lines; /* NULL: no line may outdo another */
  bool known;       /* sorted; a line that is not among them is an error now */
} outdone;

typedef struct loader {
  const og_load *load;
  og_sorted *outdone; /* NULL: none is known */
  uint64_t next_outdone;
  og_stage stage;
  og_arena line_arena;
  og_vec keep; /* list items of the current line */
  uint64_t line, records;
} loader;

/* ---- one record */

static og_status put_property(og_ctx *cx, loader *l, const og_type_def *t, const og_json_member *m, og_scalar *row)
{
  static const char *const reserved[] = {"src",
                                         "dst",
                                         "_tombstone",
                                         "_rowid",
                                         "_rowaddr",
                                         "_rowoffset",
                                         "_row_created_at_version",
                                         "_row_last_updated_at_version"};
  if (og_str_eq(m->key, OG_STR("id"))) {
    if (m->value->kind == OG_JSON_NULL) return OG_OK;
    if (m->value->kind != OG_JSON_STRING) return og_fail(cx, OG_EINVALID, "id must be a string");
    row[0] = (og_scalar){.type = og_type_of(OG_TYPE_UTF8), .v.s = m->value->u.str};
    return OG_OK;
  }
  int32_t p = og_type_property(t, m->key);
  if (p >= 0) {
    og_scalar *v = &row[og_type_first_property(t) + (uint32_t)p];
    return og_value_from_json(cx, t, &t->properties[p], m->value, &l->line_arena, &l->keep, v);
  }
  for (size_t i = 0; i < OG_ARRAY_LEN(reserved); i++)
    if (og_str_eq(m->key, og_str_of(reserved[i])))
      return og_fail(cx, OG_EINVALID, "'" OG_STR_FMT "' is a reserved name", OG_STR_ARG(m->key));
  og_str near = og_type_suggest_property(t, m->key);
  return og_fail(cx, OG_EINVALID, "unknown property '" OG_STR_FMT "' of " OG_STR_FMT "%s" OG_STR_FMT "%s",
                 OG_STR_ARG(m->key), OG_STR_ARG(t->name), near.ptr ? "; did you mean '" : "", OG_STR_ARG(near),
                 near.ptr ? "'?" : "");
}

static og_status put_data(og_ctx *cx, loader *l, const og_type_def *t, const og_json *data, og_scalar *row)
{
  og_field item;
  uint32_t first = og_type_first_property(t);
  row[0].is_null = true;
  for (uint32_t i = 0; i < t->n_properties; i++)
    row[first + i] = (og_scalar){.type = og_prop_arrow_type(&t->properties[i].type, &item), .is_null = true};
  if (!data) return OG_OK;
  if (data->kind != OG_JSON_OBJECT) return og_fail(cx, OG_EINVALID, "'data' must be an object");
  for (size_t i = 0; i < data->u.object.len; i++) OG_TRY(put_property(cx, l, t, &data->u.object.members[i], row));
  return OG_OK;
}

static og_status put_end(og_ctx *cx, const og_json *record, const char *name, og_scalar *out)
{
  const og_json *v = og_json_get(record, og_str_of(name));
  if (!v) return og_fail(cx, OG_EINVALID, "an edge needs '%s'", name);
  if (v->kind != OG_JSON_STRING) return og_fail(cx, OG_EINVALID, "'%s' must be a string", name);
  *out = (og_scalar){.type = og_type_of(OG_TYPE_UTF8), .v.s = v->u.str};
  return OG_OK;
}

static og_status check_members(og_ctx *cx, const og_json *record, bool edge)
{
  static const char *const node_names[] = {"type", "data"}, *const edge_names[] = {"edge", "from", "to", "data"};
  const char *const *names = edge ? edge_names : node_names;
  size_t n = edge ? 4 : 2;
  for (size_t i = 0; i < record->u.object.len; i++) {
    bool known = false;
    for (size_t k = 0; k < n; k++) known = known || og_str_eq(record->u.object.members[i].key, og_str_of(names[k]));
    if (!known)
      return og_fail(cx, OG_EINVALID, "unknown field '" OG_STR_FMT "'; properties go inside \"data\"",
                     OG_STR_ARG(record->u.object.members[i].key));
  }
  return OG_OK;
}

static og_status type_of(og_ctx *cx, const loader *l, const og_json *record, const og_type_def **out)
{
  const og_catalog *c = l->stage.snapshot->catalog;
  og_str name;
  if (record->kind != OG_JSON_OBJECT) return og_fail(cx, OG_EINVALID, "a record must be an object");
  bool edge = og_json_get(record, OG_STR("edge")) != NULL;
  if (!og_json_get_str(record, edge ? OG_STR("edge") : OG_STR("type"), &name))
    return og_fail(cx, OG_EINVALID, "a record needs a \"type\" or an \"edge\" that is a string");
  OG_TRY(check_members(cx, record, edge));
  *out = edge ? og_catalog_edge(c, name) : og_catalog_node(c, name);
  if (*out) return OG_OK;
  og_str near = edge ? og_catalog_suggest_edge(c, name) : og_catalog_suggest_node(c, name);
  return og_fail(cx, OG_EINVALID, "unknown %s type '" OG_STR_FMT "'%s" OG_STR_FMT "%s", edge ? "edge" : "node",
                 OG_STR_ARG(name), near.ptr ? "; did you mean '" : "", OG_STR_ARG(near), near.ptr ? "'?" : "");
}

/* The next line to leave out; they come in order. */
static og_status next_outdone(og_ctx *cx, loader *l)
{
  og_record r;
  bool more;
  OG_TRY(og_sorted_next(cx, l->outdone, &r, &more));
  l->next_outdone = 0;
  for (size_t i = 0; more && i < r.key.len; i++) l->next_outdone = l->next_outdone << 8 | (unsigned char)r.key.ptr[i];
  return OG_OK;
}

static og_status put_row(og_ctx *cx, loader *l, og_stage_table *table, const og_scalar *row)
{
  og_put_mode mode = l->load->mode == OG_LOAD_APPEND ? OG_PUT_INSERT : OG_PUT_UPSERT;
  if (!l->outdone || l->line != l->next_outdone) return og_stage_put(cx, &l->stage, table, row, mode, true);
  OG_TRY(og_stage_put_outdone(cx, &l->stage, table, row));
  return next_outdone(cx, l);
}

static og_status put_record(og_ctx *cx, loader *l, const og_json *record)
{
  const og_type_def *t;
  og_stage_table *table;
  OG_TRY(type_of(cx, l, record, &t));
  OG_TRY(og_stage_table_of(cx, &l->stage, t, &table));
  if (l->load->mode == OG_LOAD_OVERWRITE) table->replaced = true;
  og_scalar *row = og_arena_calloc(cx, &l->line_arena, table->view->n_columns + 1, sizeof *row);
  if (!row) return OG_ENOMEM;
  OG_TRY(put_data(cx, l, t, og_json_get(record, OG_STR("data")), row));
  if (t->is_edge) {
    OG_TRY(put_end(cx, record, "from", &row[OG_COLUMN_SRC]));
    OG_TRY(put_end(cx, record, "to", &row[OG_COLUMN_DST]));
  }
  return put_row(cx, l, table, row);
}

/* Puts the line in front of the message. */
static og_status at_line(og_ctx *cx, og_status st, uint64_t line)
{
  if (st == OG_OK || st == OG_ENOMEM || st == OG_EIO || st == OG_ECANCELLED) return st;
  og_error e = *cx->err;
  og_fail(cx, st, "line %" PRIu64 ": %s", line, e.text);
  cx->err->detail = e.detail;
  return st;
}

static og_status take_record(og_ctx *cx, loader *l, const og_ahead_record *record)
{
  l->stage.line = l->line = record->line;
  l->stage.bad_line = 0;
  l->records++;
  og_arena *outer = cx->arena;
  cx->arena = &l->line_arena; /* what a row needs for a moment dies with its line */
  og_status st = put_record(cx, l, record->json);
  cx->arena = outer;
  for (size_t i = 0; i < l->keep.len; i++) og_column_unref(OG_VEC_AT(&l->keep, og_column *, i));
  og_vec_clear(&l->keep);
  og_arena_reset(&l->line_arena);
  return at_line(cx, st, l->stage.bad_line ? l->stage.bad_line : l->line);
}

/* Rows that are columns already; *taken false: they must be put one by one. */
static og_status take_blocks(og_ctx *cx, loader *l, const og_ahead_part *part, const og_ahead_pack *pack, bool *taken)
{
  og_put_mode mode = l->load->mode == OG_LOAD_APPEND ? OG_PUT_INSERT : OG_PUT_UPSERT;
  og_arena *outer = cx->arena;
  if (l->load->mode == OG_LOAD_OVERWRITE)
    for (size_t i = 0; i < pack->n_blocks; i++) {
      og_stage_table *table;
      OG_TRY(og_stage_table_of(cx, &l->stage, pack->blocks[i].type, &table));
      table->replaced = true;
    }
  l->stage.bad_line = 0;
  cx->arena = &l->line_arena;
  og_status st = og_stage_take(cx, &l->stage, pack->blocks, pack->n_blocks, part->line, mode, taken);
  cx->arena = outer;
  og_arena_reset(&l->line_arena);
  if (st != OG_OK) return l->stage.bad_line ? at_line(cx, st, l->stage.bad_line) : st;
  for (size_t i = 0; *taken && i < pack->n_blocks; i++) l->records += (uint64_t)pack->blocks[i].rows;
  return OG_OK;
}

static og_status take_singly(og_ctx *cx, loader *l, og_ahead *input, const og_ahead_pack *pack)
{
  og_vec records = OG_VEC_INIT(og_ahead_record);
  og_status st = og_ahead_records(cx, input, pack, &records);
  for (size_t i = 0; st == OG_OK && i < records.len; i++)
    st = take_record(cx, l, &OG_VEC_AT(&records, og_ahead_record, i));
  og_vec_cleanup(&records);
  return st;
}

/* Blocks first: they turn out right as a whole or not at all, and then nothing about them can be wrong any more. */
static og_status take_pack(og_ctx *cx, loader *l, og_ahead *input, const og_ahead_part *part, const og_ahead_pack *pack)
{
  bool taken;
  OG_TRY(take_blocks(cx, l, part, pack, &taken));
  if (!taken) return take_singly(cx, l, input, pack);
  for (size_t i = 0; i < pack->n_records; i++) OG_TRY(take_record(cx, l, &pack->records[i]));
  return OG_OK;
}

static void tell(const loader *l, uint64_t done, uint64_t size)
{
  if (l->load->progress) l->load->progress(l->load->progress_arg, done, size, l->records);
}

static og_status take_parts(og_ctx *cx, loader *l, og_ahead *input, uint64_t size)
{
  for (;;) {
    const og_ahead_part *parts;
    size_t n;
    uint64_t line;
    og_status st = og_ahead_next(cx, input, &parts, &n, &line);
    if (st != OG_OK) return at_line(cx, st, line);
    for (size_t i = 0; i < n; i++) {
      for (size_t k = 0; k < parts[i].n_packs; k++) OG_TRY(take_pack(cx, l, input, &parts[i], &parts[i].packs[k]));
      tell(l, parts[i].end, size);
    }
    OG_TRY(og_stage_write_behind(cx, &l->stage));
    if (n > 0) continue;
    tell(l, size, size); /* the end, with all records */
    return OG_OK;
  }
}

/* `f` NULL: the input is in memory. */
static og_status read_input(og_ctx *cx, loader *l, og_file *f, uint64_t size)
{
  og_ahead *input;
  const og_catalog *catalog = l->outdone ? NULL : l->stage.snapshot->catalog; /* lines are left out one by one */
  OG_TRY(og_ahead_open(cx, catalog, f, size, l->load->bytes, l->stage.budget, &input));
  og_status st = take_parts(cx, l, input, size);
  og_ahead_close(cx, input);
  return st;
}

static og_status read_file(og_ctx *cx, loader *l, og_file *f)
{
  og_file_info info;
  OG_TRY(cx->env->ops->file_info(cx, f, &info));
  return read_input(cx, l, f, info.size);
}

static og_status read_all(og_ctx *cx, loader *l)
{
  og_file *f;
  if (l->load->file) return read_file(cx, l, l->load->file);
  if (!l->load->path) return read_input(cx, l, NULL, l->load->bytes.len);
  OG_TRY_NOTE(cx, cx->env->ops->file_open(cx, l->load->path, OG_OPEN_READ_USER, &f), "while opening the data to load");
  og_status st = read_file(cx, l, f);
  cx->env->ops->file_close(cx->env, f);
  return st;
}

static int by_name(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(((const og_load_count *)a)->name, ((const og_load_count *)b)->name);
}

static og_status counts(og_ctx *cx, const loader *l, bool edges, og_load_count **out, uint32_t *n)
{
  *out = og_push_array(cx, l->stage.tables.len + 1, sizeof **out);
  if (!*out) return OG_ENOMEM;
  for (size_t i = 0; i < l->stage.tables.len; i++) {
    const og_stage_table *t = OG_VEC_AT(&l->stage.tables, og_stage_table *, i);
    if (t->type->is_edge != edges || t->puts == 0) continue;
    OG_TRY(og_arena_str(cx, cx->arena, t->type->name, &(*out)[*n].name));
    (*out)[(*n)++].loaded = t->puts;
  }
  return og_sort(cx, *out, *n, sizeof **out, by_name, NULL);
}

static og_status load_once(og_ctx *cx, loader *l, bool *rerun, og_loaded *out)
{
  *out = (og_loaded){0};
  OG_TRY(read_all(cx, l));
  og_status st = og_stage_is_outdone(&l->stage) ? OG_OK : og_stage_finish(cx, &l->stage);
  if (st != OG_OK) return l->stage.bad_line ? at_line(cx, st, l->stage.bad_line) : st;
  *rerun = og_stage_is_outdone(&l->stage);
  if (*rerun) return OG_OK;
  OG_TRY(counts(cx, l, false, &out->nodes, &out->n_nodes));
  OG_TRY(counts(cx, l, true, &out->edges, &out->n_edges));
  out->total = l->records;
  return og_stage_publish(cx, &l->stage, l->load->actor, NULL, rerun, &out->commit); /* nothing may fail behind it */
}

static og_status open_outdone(og_ctx *cx, loader *l, outdone *o)
{
  if (!o->known) {
    l->stage.outdone = o->lines;
    return OG_OK;
  }
  OG_TRY(og_sorted_open(cx, o->lines, &l->outdone));
  return next_outdone(cx, l);
}

static og_status load_try(og_ctx *cx, og_graph *g, og_str branch, const og_load *load, outdone *o, bool *rerun,
                          og_loaded *out)
{
  og_snapshot *snapshot;
  loader l = {.load = load, .keep = OG_VEC_INIT(og_column *)};
  OG_TRY(og_graph_snapshot(cx, g, branch, &snapshot));
  og_status st = og_stage_init(cx, &l.stage, snapshot, load->memory ? load->memory : OG_LIMIT_LOAD_MEMORY);
  if (st == OG_OK) st = open_outdone(cx, &l, o);
  if (st == OG_OK) st = load_once(cx, &l, rerun, out);
  og_sorted_close(l.outdone);
  og_vec_cleanup(&l.keep);
  og_arena_cleanup(&l.line_arena);
  og_stage_cleanup(cx, &l.stage);
  og_snapshot_unref(snapshot);
  return st;
}

static og_status load_until(og_ctx *cx, og_graph *g, og_str branch, const og_load *load, outdone *o, og_loaded *out)
{
  for (unsigned i = 0; i < OG_LIMIT_REEXECUTIONS; i++) {
    bool rerun = false;
    OG_TRY(load_try(cx, g, branch, load, o, &rerun, out));
    if (!rerun) return OG_OK;
    if (!o->lines || o->known || og_sorter_len(o->lines) == 0) continue; /* it lost a race */
    OG_TRY(og_sorter_sort(cx, o->lines));
    o->known = true;
  }
  return og_fail(cx, OG_ECONFLICT, "the load lost against other writers %d times; try again when it is quieter",
                 OG_LIMIT_REEXECUTIONS);
}

og_status og_write_load(og_ctx *cx, og_graph *g, og_str branch, const og_load *load, og_loaded *out)
{
  outdone o = {0};
  uint64_t memory = load->memory ? load->memory : OG_LIMIT_LOAD_MEMORY;
  if (load->mode == OG_LOAD_MERGE) OG_TRY(og_sorter_new(cx, (size_t)(memory / 16), &o.lines));
  og_status st = load_until(cx, g, branch, load, &o, out);
  og_sorter_free(cx, o.lines);
  return st;
}
