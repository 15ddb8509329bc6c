/* SPDX-License-Identifier: MIT */
/* write/constraints.c -- what must hold, row by row and at the end.
 *
 *   per row    nulls, @range, @check (values and enums are checked where a value is made); of a mutation's rows the
 * last two at the end, when no later statement can mend a row at the end @unique tuples among the rows and against
 * committed holders the stage leaves alone; endpoints of edges, and of retained edges at nodes that go; cardinality of
 * every source whose edges changed
 *
 * Only what changed is looked at, plus the committed rows it could clash with.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "write/stage.h"

#include <inttypes.h>

#define MATCH_LIMIT 1000000u /* steps of one match, and its depth: a pattern must not run away */
#define DEPTH_LIMIT 10000u

typedef struct pattern {
  const og_constraint *constraint;
  pcre2_code *code;
  pcre2_match_data *data;
  pcre2_match_context *limits;
} pattern;

void og_stage__free_patterns(og_stage *s);
void og_stage__free_patterns(og_stage *s)
{
  for (size_t i = 0; i < s->patterns.len; i++) {
    pattern *p = OG_VEC_AT(&s->patterns, pattern *, i);
    pcre2_match_data_free(p->data);
    pcre2_match_context_free(p->limits);
    pcre2_code_free(p->code);
    og_free(p);
  }
}

static og_status compile(og_ctx *cx, const og_type_def *t, const og_constraint *c, pattern *p)
{
  int code;
  PCRE2_SIZE at;
  char why[128];
  p->constraint = c;
  p->code = pcre2_compile((PCRE2_SPTR)c->pattern.ptr, c->pattern.len, PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY,
                          &code, &at, NULL);
  if (!p->code) {
    pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
    return og_fail(cx, OG_EINVALID,
                   "@check on " OG_STR_FMT "." OG_STR_FMT " has invalid regex '" OG_STR_FMT "': %s at offset %zu",
                   OG_STR_ARG(t->name), OG_STR_ARG(c->names[0]), OG_STR_ARG(c->pattern), why, (size_t)at);
  }
  p->data = pcre2_match_data_create_from_pattern(p->code, NULL);
  p->limits = pcre2_match_context_create(NULL);
  if (!p->data || !p->limits) return og_fail(cx, OG_ENOMEM, "out of memory for a pattern");
  pcre2_set_match_limit(p->limits, MATCH_LIMIT);
  pcre2_set_depth_limit(p->limits, DEPTH_LIMIT);
  return OG_OK;
}

static og_status pattern_of(og_ctx *cx, og_stage *s, const og_type_def *t, const og_constraint *c, pattern **out)
{
  for (size_t i = 0; i < s->patterns.len; i++) {
    *out = OG_VEC_AT(&s->patterns, pattern *, i);
    if ((*out)->constraint == c) return OG_OK;
  }
  pattern *p = og_zalloc(cx, sizeof *p);
  if (!p) return OG_ENOMEM;
  og_status st = og_vec_add(cx, &s->patterns, &p);
  if (st != OG_OK) {
    og_free(p);
    return st;
  }
  *out = p;
  st = compile(cx, t, c, p);
  if (st != OG_OK) p->constraint = NULL;
  return st;
}

static og_status check_pattern(og_ctx *cx, og_stage *s, const og_type_def *t, const og_constraint *c,
                               const og_scalar *v)
{
  pattern *p;
  OG_TRY(pattern_of(cx, s, t, c, &p));
  if (v->is_null) return OG_OK;
  int rc = pcre2_match(p->code, (PCRE2_SPTR)(v->v.s.ptr ? v->v.s.ptr : ""), v->v.s.len, 0, 0, p->data, p->limits);
  if (rc >= 0) return OG_OK;
  if (rc == PCRE2_ERROR_NOMATCH)
    return og_fail(cx, OG_EINVALID,
                   "@check violation on " OG_STR_FMT "." OG_STR_FMT ": value '" OG_STR_FMT
                   "' does not match '" OG_STR_FMT "'",
                   OG_STR_ARG(t->name), OG_STR_ARG(c->names[0]), OG_STR_ARG(v->v.s), OG_STR_ARG(c->pattern));
  return og_fail(cx, OG_ELIMIT, "@check on " OG_STR_FMT "." OG_STR_FMT ": matching '" OG_STR_FMT "' takes too long",
                 OG_STR_ARG(t->name), OG_STR_ARG(c->names[0]), OG_STR_ARG(c->pattern));
}

static og_status check_range(og_ctx *cx, const og_type_def *t, const og_constraint *c, const og_scalar *v)
{
  OG_AUTO(og_buf) text = {0};
  if (v->is_null) return OG_OK;
  bool is_float = v->type.id == OG_TYPE_F32 || v->type.id == OG_TYPE_F64;
  bool is_unsigned = v->type.id == OG_TYPE_U32 || v->type.id == OG_TYPE_U64;
  double d = is_float ? v->v.f : is_unsigned ? (double)v->v.u : (double)v->v.i;
  bool low = c->min.has && !(d >= c->min.f), high = c->max.has && !(d <= c->max.f);
  if (!low && !high) return OG_OK;
  const og_bound *b = low ? &c->min : &c->max;
  const og_scalar bound = {.type = og_type_of(b->is_float ? OG_TYPE_F64 : OG_TYPE_I64)};
  og_scalar shown = bound;
  if (b->is_float)
    shown.v.f = b->f;
  else
    shown.v.i = b->i;
  OG_TRY(og_value_text(cx, v, &text));
  OG_TRY(og_buf_printf(cx, &text, low ? " < min " : " > max "));
  OG_TRY(og_value_text(cx, &shown, &text));
  return og_fail(cx, OG_EINVALID, "@range violation on " OG_STR_FMT "." OG_STR_FMT ": value " OG_STR_FMT,
                 OG_STR_ARG(t->name), OG_STR_ARG(c->names[0]), OG_STR_ARG(og_buf_str(&text)));
}

static og_status check_nulls(og_ctx *cx, const og_type_def *t, const og_scalar *values)
{
  uint32_t first = og_type_first_property(t);
  for (uint32_t i = 0; i < t->n_properties; i++)
    if (!t->properties[i].type.nullable && values[first + i].is_null)
      return og_fail(cx, OG_EINVALID, OG_STR_FMT ": non-nullable property '" OG_STR_FMT "' has null or invalid values",
                     OG_STR_ARG(t->name), OG_STR_ARG(t->properties[i].name));
  return OG_OK;
}

og_status og_stage_check_row(og_ctx *cx, og_stage *s, const og_type_def *t, const og_scalar *values)
{
  OG_TRY(check_nulls(cx, t, values));
  return s->streaming ? og_stage__check_values(cx, s, t, values) : OG_OK;
}

og_status og_stage__check_values(og_ctx *cx, og_stage *s, const og_type_def *t, const og_scalar *values)
{
  for (uint32_t i = 0; i < t->n_constraints; i++) {
    const og_constraint *c = &t->constraints[i];
    if (c->kind == OG_CON_RANGE) OG_TRY(check_range(cx, t, c, &values[og_type_column(t, c->fields[0])]));
    if (c->kind == OG_CON_CHECK) OG_TRY(check_pattern(cx, s, t, c, &values[og_type_column(t, c->fields[0])]));
  }
  return OG_OK;
}

/* ---- unique */

og_status og_stage_unique_error(og_ctx *cx, const og_type_def *t, const og_str *names, uint32_t n, og_str value,
                                og_str a, og_str b)
{
  OG_AUTO(og_buf) what = {0};
  for (uint32_t i = 0; i < n; i++) {
    if (i) OG_TRY(og_buf_append_str(cx, &what, OG_STR(", ")));
    OG_TRY(og_buf_append_str(cx, &what, names[i]));
  }
  return og_fail(cx, OG_EINVALID,
                 "@unique violation on " OG_STR_FMT ".%s" OG_STR_FMT "%s: value '" OG_STR_FMT "' held by '" OG_STR_FMT
                 "' and '" OG_STR_FMT "'",
                 OG_STR_ARG(t->name), n > 1 ? "(" : "", OG_STR_ARG(og_buf_str(&what)), n > 1 ? ")" : "",
                 OG_STR_ARG(value), OG_STR_ARG(a), OG_STR_ARG(b));
}

og_status og_stage__tuple(og_ctx *cx, const og_type_def *t, const og_constraint *c, const og_scalar *values,
                          og_buf *out)
{
  og_buf_clear(out);
  for (uint32_t i = 0; i < c->n; i++) {
    const og_scalar *v = &values[og_type_column(t, c->fields[i])];
    OG_AUTO(og_buf) part = {0};
    if (v->is_null) {
      og_buf_clear(out);
      return OG_OK;
    }
    OG_TRY(og_value_text(cx, v, &part));
    OG_TRY(og_buf_printf(cx, out, "%zu:", part.len));
    OG_TRY(og_buf_append_str(cx, out, og_buf_str(&part)));
  }
  return OG_OK;
}

/* "a, b" of a tuple, for people. */
static og_status tuple_text(og_ctx *cx, og_str tuple, og_buf *out)
{
  while (tuple.len) {
    size_t colon = og_str_find(tuple, OG_STR(":"));
    uint64_t n = 0;
    og_str_to_u64(og_str_sub(tuple, 0, colon), &n);
    if (out->len) OG_TRY(og_buf_append_str(cx, out, OG_STR(", ")));
    OG_TRY(og_buf_append_str(cx, out, og_str_sub(tuple, colon + 1, colon + 1 + n)));
    tuple = og_str_sub(tuple, colon + 1 + n, tuple.len);
  }
  return OG_OK;
}

og_status og_stage__clash(og_ctx *cx, const og_type_def *t, const og_constraint *c, og_str tuple, og_str a, og_str b)
{
  OG_AUTO(og_buf) value = {0};
  OG_TRY(tuple_text(cx, tuple, &value));
  return og_stage_unique_error(cx, t, c->names, c->n, og_buf_str(&value), a, b);
}

static og_status note_unique(og_ctx *cx, og_stage *s, og_stage_table *t, uint32_t i, const og_scalar *values,
                             uint64_t number)
{
  OG_AUTO(og_buf) tuple = {0};
  uint64_t at;
  og_str key;
  OG_TRY(og_stage__tuple(cx, t->type, &t->type->constraints[i], values, &tuple));
  if (tuple.len == 0) return OG_OK;
  if (s->spilled) return og_keys_add(cx, &t->unique[i], og_buf_str(&tuple), number, values[0].v.s);
  if (og_map_get(&t->unique[i].map, og_buf_str(&tuple), &at))
    return og_stage__clash(cx, t->type, &t->type->constraints[i], og_buf_str(&tuple),
                           OG_VEC_AT(&t->holders, og_stage_holder, at).id, values[0].v.s);
  og_stage_holder holder = {.line = number};
  OG_TRY(og_arena_str(cx, &s->arena, og_buf_str(&tuple), &key));
  OG_TRY(og_arena_str(cx, &s->arena, values[0].v.s, &holder.id));
  s->key_bytes += key.len + holder.id.len + OG_STAGE_KEY_BYTES;
  OG_TRY(og_map_put(cx, &t->unique[i].map, key, t->holders.len, NULL));
  return og_vec_add(cx, &t->holders, &holder);
}

static og_status count_source(og_ctx *cx, og_stage *s, og_stage_table *t, og_str id, uint64_t by)
{
  og_str copy = id;
  if (s->spilled) return og_keys_add(cx, &t->sources, id, by, OG_STR_NONE);
  if (!og_map_get(&t->sources.map, id, NULL)) {
    OG_TRY(og_arena_str(cx, &s->arena, id, &copy));
    s->key_bytes += id.len + OG_STAGE_KEY_BYTES;
  }
  uint64_t *n = og_map_at(cx, &t->sources.map, copy, NULL);
  if (!n) return OG_ENOMEM;
  *n += by;
  return OG_OK;
}

#define ENDS_AT_ONCE 256

og_status og_stage__note_end(og_ctx *cx, og_stage *s, og_keys *need, og_str id, uint64_t line)
{
  og_str copy;
  if (og_map_get(&need->map, id, NULL)) return OG_OK;
  OG_TRY(og_arena_str(cx, &s->arena, id, &copy));
  s->key_bytes += id.len + OG_STAGE_KEY_BYTES;
  return og_map_put(cx, &need->map, copy, line, NULL);
}

static og_status note_ends(og_ctx *cx, og_stage *s, og_keys *need, const og_column *ids, const uint64_t *lines)
{
  og_str keys[ENDS_AT_ONCE];
  uint64_t known[ENDS_AT_ONCE];
  for (int64_t at = 0; at < ids->len; at += ENDS_AT_ONCE) {
    size_t n = ids->len - at < ENDS_AT_ONCE ? (size_t)(ids->len - at) : ENDS_AT_ONCE;
    for (size_t i = 0; i < n; i++) {
      keys[i] = og_column_str(ids, at + (int64_t)i);
      known[i] = UINT64_MAX;
    }
    if (!s->spilled) og_map_get_many(&need->map, keys, n, known);
    for (size_t i = 0; i < n; i++) {
      uint64_t line = lines[at + (int64_t)i];
      if (s->spilled)
        OG_TRY(og_keys_add(cx, need, keys[i], line, OG_STR_NONE));
      else if (known[i] == UINT64_MAX)
        OG_TRY(og_stage__note_end(cx, s, need, keys[i], line));
    }
  }
  return OG_OK;
}

og_status og_stage_note_ends(og_ctx *cx, og_stage *s, og_stage_table *t, const og_batch *block)
{
  const uint64_t *lines = t->lines.data;
  if (!t->type->is_edge) return OG_OK;
  OG_TRY(note_ends(cx, s, &t->need_src, block->columns[OG_COLUMN_SRC], lines));
  return note_ends(cx, s, &t->need_dst, block->columns[OG_COLUMN_DST], lines);
}

og_status og_stage__note_tuples(og_ctx *cx, og_stage *s, og_stage_table *t, const og_scalar *values, uint64_t flag)
{
  for (uint32_t i = 0; i < t->type->n_constraints; i++)
    if (t->type->constraints[i].kind == OG_CON_UNIQUE) OG_TRY(note_unique(cx, s, t, i, values, s->line | flag));
  return OG_OK;
}

og_status og_stage_note(og_ctx *cx, og_stage *s, og_stage_table *t, const og_scalar *values)
{
  OG_TRY(og_stage__note_tuples(cx, s, t, values, 0));
  return og_stage__has_card(t->type) ? count_source(cx, s, t, values[OG_COLUMN_SRC].v.s, 1) : OG_OK;
}

/* ---- at the end */

/* Tuples of committed rows the stage leaves alone, against those of its own. */
static og_status check_holders(og_ctx *cx, og_stage *s, og_stage_table *t, uint32_t i)
{
  const og_constraint *c = &t->type->constraints[i];
  const og_column **cols = og_push_array(cx, c->n + 1, sizeof(const og_column *)), *ids;
  og_scalar *values = og_push_array(cx, t->view->n_columns + 1, sizeof *values);
  OG_AUTO(og_buf) tuple = {0};
  if (!cols || !values) return OG_ENOMEM;
  if (t->unique[i].map.len == 0 || t->replaced) return OG_OK;
  for (uint32_t k = 0; k < c->n; k++) OG_TRY(og_view_column(cx, t->view, c->fields[k], &cols[k]));
  OG_TRY(og_view_column(cx, t->view, OG_FIELD_ID, &ids));
  for (uint64_t row = 0; row < t->view->rows; row++) {
    uint64_t at;
    if (!og_stage_is_retained(t, row)) continue;
    for (uint32_t k = 0; k < c->n; k++) {
      og_scalar *v = &values[og_type_column(t->type, c->fields[k])];
      *v = og_column_is_null(cols[k], (int64_t)row) ? (og_scalar){.is_null = true}
                                                    : og_scalar_at(cols[k], (int64_t)row);
    }
    OG_TRY(og_stage__tuple(cx, t->type, c, values, &tuple));
    if (tuple.len == 0 || !og_map_get(&t->unique[i].map, og_buf_str(&tuple), &at)) continue;
    const og_stage_holder *holder = &OG_VEC_AT(&t->holders, og_stage_holder, at);
    if (holder->line & OG_KEYS_OUTDONE) continue;
    s->bad_line = holder->line;
    return og_stage__clash(cx, t->type, c, og_buf_str(&tuple), og_column_str(ids, (int64_t)row), holder->id);
  }
  return OG_OK;
}

og_status og_stage__missing_end(og_ctx *cx, const og_type_def *edge, const char *end, og_str id,
                                const og_type_def *node)
{
  return og_fail(cx, OG_EINVALID, "edge " OG_STR_FMT ": %s '" OG_STR_FMT "' not found in " OG_STR_FMT,
                 OG_STR_ARG(edge->name), end, OG_STR_ARG(id), OG_STR_ARG(node->name));
}

/* Takes the ids of committed rows that stay out of `missing`: the table is too large to be asked for each. */
static og_status remove_found(og_ctx *cx, const og_stage_table *t, og_map *missing)
{
  const uint32_t column = OG_COLUMN_ID;
  const og_lance_scan_opts opts = {.columns = &column, .n_columns = 1, .with_offset = true};
  og_lance_scan *scan;
  og_batch *batch = NULL;
  OG_TRY(og_lance_scan_open(cx, t->view->table, &opts, &scan));
  og_status st;
  while ((st = og_lance_scan_next(cx, scan, &batch)) == OG_OK && batch) {
    const uint64_t *offsets = batch->columns[1]->data[0];
    for (int64_t i = 0; i < batch->len && missing->len; i++)
      if (!og_stage_is_touched(t, offsets[i])) og_map_remove(missing, og_column_str(batch->columns[0], i));
    og_batch_unref(batch);
  }
  og_lance_scan_close(scan);
  return st;
}

/* Which of the ends named are no nodes of the stage, nor of its table when that can be asked. */
static og_status find_missing(og_ctx *cx, og_stage_table *nodes, const og_map *need, og_map *missing)
{
  const og_map_entry *e;
  for (size_t pos = 0; (e = og_map_next(need, &pos));) {
    uint64_t offset = OG_NO_OFFSET;
    if (og_map_get(&nodes->ids.map, e->key, NULL)) continue;
    if (!nodes->late) OG_TRY(og_stage_find(cx, nodes, e->key, &offset)); /* touched rows are staged, or deleted */
    if (offset == OG_NO_OFFSET) OG_TRY(og_map_put(cx, missing, e->key, e->value, NULL));
  }
  return nodes->late && missing->len && !nodes->replaced ? remove_found(cx, nodes, missing) : OG_OK;
}

static og_status check_ends(og_ctx *cx, og_stage *s, og_stage_table *t, const og_keys *need, const char *end,
                            const og_type_def *node)
{
  og_stage_table *nodes;
  og_map missing;
  size_t pos = 0;
  if (need->map.len == 0) return OG_OK;
  OG_TRY(og_stage_table_of(cx, s, node, &nodes));
  og_map_init(&missing, false);
  og_status st = find_missing(cx, nodes, &need->map, &missing);
  const og_map_entry *first = og_map_next(&missing, &pos);
  if (st == OG_OK && first) {
    s->bad_line = first->value;
    st = og_stage__missing_end(cx, t->type, end, first->key, node);
  }
  og_map_cleanup(&missing);
  return st;
}

/* Does the stage take nodes of this type away? */
bool og_stage__loses_nodes(const og_stage *s, const og_type_def *node)
{
  for (size_t i = 0; i < s->tables.len; i++) {
    const og_stage_table *t = OG_VEC_AT(&s->tables, og_stage_table *, i);
    if (t->type == node) return t->replaced || t->deleted.len > 0;
  }
  return false;
}

/* Retained edges of a type must still find both their nodes. */
static og_status check_retained(og_ctx *cx, og_stage *s, const og_type_def *edge, bool src)
{
  const og_catalog *c = s->snapshot->catalog;
  const og_type_def *node = src ? og_edge_from(c, edge) : og_edge_to(c, edge);
  og_stage_table *t;
  const og_column *ends;
  if (!og_stage__loses_nodes(s, node)) return OG_OK;
  OG_TRY(og_stage_table_of(cx, s, edge, &t));
  if (t->replaced) return OG_OK;
  t->predicate = true; /* an edge added meanwhile could point at what goes */
  OG_TRY(og_view_column(cx, t->view, src ? OG_FIELD_SRC : OG_FIELD_DST, &ends));
  for (uint64_t row = 0; row < t->view->rows; row++) {
    bool there;
    og_str id;
    if (!og_stage_is_retained(t, row)) continue;
    id = og_column_str(ends, (int64_t)row);
    OG_TRY(og_stage_has_node(cx, s, node, id, &there));
    if (!there) return og_stage__missing_end(cx, edge, src ? "src" : "dst", id, node);
  }
  return OG_OK;
}

/* Former sources of edges that moved or went; their own deletion exempts them. */
static og_status note_former_sources(og_ctx *cx, og_stage *s, og_stage_table *t)
{
  const og_column *src;
  if (t->n_touched == 0 && !t->replaced) return OG_OK;
  OG_TRY(og_view_column(cx, t->view, OG_FIELD_SRC, &src));
  for (uint64_t row = 0; row < t->view->rows; row++)
    if (og_view_is_live(t->view, row) && !og_stage_is_retained(t, row))
      OG_TRY(count_source(cx, s, t, og_column_str(src, (int64_t)row), 0));
  return OG_OK;
}

og_status og_stage__card_error(og_ctx *cx, const og_type_def *edge, og_str source, uint64_t n)
{
  bool high = edge->has_card_max && n > edge->card_max;
  return og_fail(
      cx, OG_EINVALID, "@card violation on edge " OG_STR_FMT ": source '" OG_STR_FMT "' has %" PRIu64 " edges (%s %u)",
      OG_STR_ARG(edge->name), OG_STR_ARG(source), n, high ? "max" : "min", high ? edge->card_max : edge->card_min);
}

static og_status check_counts(og_ctx *cx, og_stage *s, og_stage_table *t)
{
  const og_type_def *edge = t->type, *node = og_edge_from(s->snapshot->catalog, edge);
  const og_map_entry *e;
  for (size_t pos = 0; (e = og_map_next(&t->sources.map, &pos));) {
    bool there;
    if (!og_stage__breaks_card(edge, e->value)) continue;
    OG_TRY(og_stage_has_node(cx, s, node, e->key, &there));
    if (there) return og_stage__card_error(cx, edge, e->key, e->value);
  }
  return OG_OK;
}

static og_status check_card(og_ctx *cx, og_stage *s, og_stage_table *t)
{
  const og_column *src;
  if (!og_stage__has_card(t->type)) return OG_OK;
  OG_TRY(note_former_sources(cx, s, t));
  if (t->sources.map.len == 0) return OG_OK;
  OG_TRY(og_view_column(cx, t->view, OG_FIELD_SRC, &src));
  for (uint64_t row = 0; row < t->view->rows; row++) {
    og_str id;
    if (!og_stage_is_retained(t, row)) continue;
    id = og_column_str(src, (int64_t)row);
    if (og_map_get(&t->sources.map, id, NULL)) OG_TRY(count_source(cx, s, t, id, 1));
  }
  return check_counts(cx, s, t);
}

static og_status validate_table(og_ctx *cx, og_stage *s, og_stage_table *t)
{
  const og_catalog *c = s->snapshot->catalog;
  for (uint32_t i = 0; i < t->type->n_constraints; i++)
    if (t->type->constraints[i].kind == OG_CON_UNIQUE) OG_TRY(check_holders(cx, s, t, i));
  if (!t->type->is_edge) return OG_OK;
  OG_TRY(check_ends(cx, s, t, &t->need_src, "src", og_edge_from(c, t->type)));
  OG_TRY(check_ends(cx, s, t, &t->need_dst, "dst", og_edge_to(c, t->type)));
  return check_card(cx, s, t);
}

og_status og_stage_validate(og_ctx *cx, og_stage *s)
{
  const og_catalog *c = s->snapshot->catalog;
  for (size_t i = 0; i < s->tables.len; i++) OG_TRY(validate_table(cx, s, OG_VEC_AT(&s->tables, og_stage_table *, i)));
  for (uint32_t i = 0; i < c->n_edges; i++) {
    OG_TRY(check_retained(cx, s, &c->edges[i], true));
    OG_TRY(check_retained(cx, s, &c->edges[i], false));
  }
  return OG_OK;
}
