/* SPDX-License-Identifier: MIT */
/* history/changes.c -- from deltas to changes that can be shown, in an order that never changes.
 *
 *  (1) The order depends on nothing but the two states: for commits nodes, edges; then the type's opaque id; then the
 *      entity's id.  So a page can say where it ended, and the next one needs no memory of it.
 *  (2) Values that compare equal are no change (delta/table.c): there are no false updates, and a commit that only
 * moved rows has none. (3) Images are read a few hundred rows at a time, so that memory does not follow the size of the
 * difference; a delta itself keeps the ids of what changed.
 */
#include "history/changes.h"

#include "arrow/json.h"
#include "graph/tables.h"
#include "history/digest.h"

#define ROWS_AT_ONCE 256

typedef struct source {
  og_delta_table table;
  const og_type_def *type; /* as it is called now; else, as it was */
  char token[OG_TYPE_TOKEN];
  og_delta delta;
  bool is_open;
} source;

struct og_changes {
  og_snapshot *from, *to; /* borrowed */
  og_changes_kind kind;
  bool kinds[2], ops[3]; /* wanted; of nodes, edges */
  og_vec sources;        /* source */
  size_t at;             /* the source being read */
  size_t row;            /* the next row of its delta */
  og_batch *before, *after;
  const og_delta_row *loaded[ROWS_AT_ONCE];
  int64_t in_before[ROWS_AT_ONCE], in_after[ROWS_AT_ONCE];
  size_t n_loaded, next;
  og_buf before_text, after_text;
};

/* ---- filters */

static const char *const kind_names[] = {"node", "edge"};

static bool one_of(og_str s, const char *const *names, size_t n, size_t *at)
{
  for (size_t i = 0; i < n; i++)
    if (og_str_eq(s, og_str_of(names[i]))) {
      *at = i;
      return true;
    }
  return false;
}

static og_status take_filter(og_ctx *cx, const og_change_filter *f, bool kinds[2], bool ops[3])
{
  static const char *const op_names[] = {"insert", "update", "delete"};
  size_t at;
  for (int i = 0; i < 2; i++) kinds[i] = f->n_kinds == 0;
  for (int i = 0; i < 3; i++) ops[i] = f->n_ops == 0;
  for (size_t i = 0; i < f->n_kinds; i++) {
    if (!one_of(f->kinds[i], kind_names, 2, &at))
      return og_fail(cx, OG_EINVALID, "a kind is node or edge, not '" OG_STR_FMT "'", OG_STR_ARG(f->kinds[i]));
    kinds[at] = true;
  }
  for (size_t i = 0; i < f->n_ops; i++) {
    if (!one_of(f->ops[i], op_names, 3, &at))
      return og_fail(cx, OG_EINVALID, "an operation is insert, update or delete, not '" OG_STR_FMT "'",
                     OG_STR_ARG(f->ops[i]));
    ops[at] = true;
  }
  return OG_OK;
}

og_status og_change_filter_check(og_ctx *cx, const og_change_filter *f)
{
  bool kinds[2], ops[3];
  return take_filter(cx, f, kinds, ops);
}

static bool wants_type(const og_change_filter *f, og_str name)
{
  for (size_t i = 0; i < f->n_types; i++)
    if (og_str_eq(f->types[i], name)) return true;
  return f->n_types == 0;
}

/* ---- boundaries */

static og_status boundary(og_ctx *cx, const og_changes *c, const og_type_def *type)
{
  char text[OG_ULID_LEN];
  og_ulid_format(&c->to->fold->head, text);
  og_fail(cx, OG_ECONFLICT,
          "%s type '" OG_STR_FMT "' has other properties before and after: its changes cannot be told as changes of "
          "entities",
          type->is_edge ? "edge" : "node", OG_STR_ARG(type->name));
  og_detail *d = og_error_detail(cx, OG_DETAIL_DIFF_REFUSAL);
  og_detail_set(d->resource, sizeof d->resource, OG_STR("schema_boundary"));
  og_detail_set(d->entity_id, sizeof d->entity_id, og_str_from(text, sizeof text));
  og_detail_set(d->type_name, sizeof d->type_name, type->name);
  return OG_ECONFLICT;
}

static bool has_rows(const og_table_state *t)
{
  return t && t->rows > 0;
}

static const og_type_def *same_type(const og_catalog *c, const og_type_def *t)
{
  const og_type_def *types = t->is_edge ? c->edges : c->nodes;
  const uint32_t n = t->is_edge ? c->n_edges : c->n_nodes;
  for (uint32_t i = 0; i < n; i++)
    if (types[i].id == t->id && types[i].incarnation == t->incarnation) return &types[i];
  return NULL;
}

static og_status check_type(og_ctx *cx, const og_changes *c, const og_type_def *is)
{
  const og_type_def *was = same_type(c->from->catalog, is);
  const og_table_state *a = og_fold_table(c->from->fold, is->id, is->incarnation),
                       *b = og_fold_table(c->to->fold, is->id, is->incarnation);
  if (was && !og_delta_same_shape(was, is) && (has_rows(a) || has_rows(b))) return boundary(cx, c, is);
  if (!was && c->kind == OG_CHANGES_OF_COMMIT && has_rows(b)) return boundary(cx, c, is);
  return OG_OK;
}

static og_status check_types(og_ctx *cx, const og_changes *c, const og_change_filter *f)
{
  const og_catalog *is = c->to->catalog, *was = c->from->catalog;
  for (uint32_t i = 0; i < is->n_nodes + is->n_edges; i++) {
    const og_type_def *t = i < is->n_nodes ? &is->nodes[i] : &is->edges[i - is->n_nodes];
    if (c->kinds[t->is_edge] && wants_type(f, t->name)) OG_TRY(check_type(cx, c, t));
  }
  for (uint32_t i = 0; i < was->n_nodes + was->n_edges; i++) {
    const og_type_def *t = i < was->n_nodes ? &was->nodes[i] : &was->edges[i - was->n_nodes];
    const bool went = !same_type(is, t) && has_rows(og_fold_table(c->from->fold, t->id, t->incarnation));
    if (went && c->kind == OG_CHANGES_OF_COMMIT && c->kinds[t->is_edge] && wants_type(f, t->name))
      return boundary(cx, c, t);
  }
  return OG_OK;
}

/* ---- opening */

/* Domain, type, incarnation: the same wherever the graph is copied to, and whatever the type is called. */
static og_status make_token(og_ctx *cx, const og_ulid *domain, const og_delta_table *t, char out[OG_TYPE_TOKEN])
{
  OG_AUTO(og_buf) b = {0};
  char text[OG_ULID_LEN];
  uint8_t digest[32];
  og_ulid_format(domain, text);
  OG_TRY(og_buf_append(cx, &b, text, sizeof text));
  OG_TRY(og_buf_append_byte(cx, &b, 0x1f));
  OG_TRY(og_buf_put_u64(cx, &b, t->id));
  OG_TRY(og_buf_append_byte(cx, &b, 0x1f));
  OG_TRY(og_buf_put_u64(cx, &b, t->incarnation));
  OG_TRY(og_digest(cx, og_buf_str(&b), digest));
  og_type_token(digest, out);
  return OG_OK;
}

void og_type_token(const uint8_t digest[32], char out[OG_TYPE_TOKEN])
{
  og_base64url(digest, 32, out);
}

static int frozen_order(const void *a, const void *b, void *arg)
{
  (void)arg;
  const source *x = a, *y = b;
  if (x->type->is_edge != y->type->is_edge) return x->type->is_edge ? 1 : -1;
  return memcmp(x->token, y->token, OG_TYPE_TOKEN);
}

static og_status add_sources(og_ctx *cx, og_changes *c, const og_change_filter *f)
{
  og_vec tables = OG_VEC_INIT(og_delta_table);
  og_status st = og_delta_snapshots(cx, c->from, c->to, &tables);
  for (size_t i = 0; st == OG_OK && i < tables.len; i++) {
    source s = {.table = OG_VEC_AT(&tables, og_delta_table, i)};
    s.type = s.table.is ? s.table.is : s.table.was;
    if (!s.type || !c->kinds[s.type->is_edge] || !wants_type(f, s.type->name)) continue;
    st = make_token(cx, &c->to->catalog->domain, &s.table, s.token);
    if (st == OG_OK) st = og_vec_add(cx, &c->sources, &s);
  }
  og_vec_cleanup(&tables);
  if (st == OG_OK && c->kind == OG_CHANGES_OF_COMMIT)
    st = og_sort(cx, c->sources.data, c->sources.len, sizeof(source), frozen_order, NULL);
  return st;
}

og_status og_changes_open(og_ctx *cx, og_snapshot *from, og_snapshot *to, og_changes_kind kind,
                          const og_change_filter *filter, og_changes **out)
{
  og_changes *c = og_zalloc(cx, sizeof *c);
  if (!c) return OG_ENOMEM;
  *c = (og_changes){.from = from, .to = to, .kind = kind, .sources = OG_VEC_INIT(source)};
  og_status st = take_filter(cx, filter, c->kinds, c->ops);
  if (st == OG_OK) st = check_types(cx, c, filter);
  if (st == OG_OK) st = add_sources(cx, c, filter);
  if (st != OG_OK)
    og_changes_close(c);
  else
    *out = c;
  return st;
}

static void drop_loaded(og_changes *c)
{
  og_batch_unref(c->before);
  og_batch_unref(c->after);
  c->before = c->after = NULL;
  c->n_loaded = c->next = 0;
}

void og_changes_close(og_changes *c)
{
  if (!c) return;
  drop_loaded(c);
  for (size_t i = 0; i < c->sources.len; i++) og_delta_cleanup(&OG_VEC_AT(&c->sources, source, i).delta);
  og_vec_cleanup(&c->sources);
  og_buf_cleanup(&c->before_text);
  og_buf_cleanup(&c->after_text);
  og_free(c);
}

/* ---- reading */

static og_status open_source(og_ctx *cx, og_changes *c, source *s)
{
  if (s->is_open) return OG_OK;
  s->is_open = true;
  return og_delta_open(cx, c->from, c->to, &s->table, &s->delta);
}

static og_status take(og_ctx *cx, og_lance_table *t, const uint64_t *offsets, size_t n, og_batch **out)
{
  if (n == 0) return OG_OK;
  const uint32_t n_columns = og_lance_table_schema(t)->arrow->n_fields;
  uint32_t *columns = og_calloc(cx, (size_t)n_columns + 1, sizeof *columns);
  if (!columns) return OG_ENOMEM;
  for (uint32_t i = 0; i < n_columns; i++) columns[i] = i;
  og_status st = og_lance_table_take(cx, t, columns, n_columns, offsets, n, out);
  og_free(columns);
  return st;
}

/* Images of the next wanted rows of the source. */
static og_status load(og_ctx *cx, og_changes *c, const source *s)
{
  uint64_t from[ROWS_AT_ONCE], to[ROWS_AT_ONCE];
  size_t n_from = 0, n_to = 0;
  drop_loaded(c);
  for (; c->row < s->delta.n_rows && c->n_loaded < ROWS_AT_ONCE; c->row++) {
    const og_delta_row *r = &s->delta.rows[c->row];
    if (!c->ops[r->op]) continue;
    c->in_before[c->n_loaded] = (int64_t)n_from;
    c->in_after[c->n_loaded] = (int64_t)n_to;
    if (r->from != OG_DELTA_NOWHERE) from[n_from++] = r->from;
    if (r->to != OG_DELTA_NOWHERE) to[n_to++] = r->to;
    c->loaded[c->n_loaded++] = r;
  }
  OG_TRY(og_ctx_poll(cx));
  OG_TRY(take(cx, s->delta.from, from, n_from, &c->before));
  return take(cx, s->delta.to, to, n_to, &c->after);
}

static og_status write_image(og_ctx *cx, const og_type_def *type, const og_batch *rows, int64_t i, og_buf *out)
{
  og_json_writer w;
  og_buf_clear(out);
  og_json_writer_init(&w, out, false);
  OG_TRY(og_json_begin_object(cx, &w));
  if (type->is_edge) {
    OG_TRY(og_json_key(cx, &w, OG_STR("endpoints")));
    OG_TRY(og_json_begin_object(cx, &w));
    OG_TRY(og_json_kv_str(cx, &w, "from", og_column_str(rows->columns[OG_COLUMN_SRC], i)));
    OG_TRY(og_json_kv_str(cx, &w, "to", og_column_str(rows->columns[OG_COLUMN_DST], i)));
    OG_TRY(og_json_end_object(cx, &w));
  }
  OG_TRY(og_json_key(cx, &w, OG_STR("properties")));
  OG_TRY(og_json_begin_object(cx, &w));
  for (uint32_t k = og_type_first_property(type); k < rows->n_columns; k++) {
    OG_TRY(og_json_key(cx, &w, rows->schema->fields[k].name));
    OG_TRY(og_column_json(cx, &w, rows->columns[k], i));
  }
  OG_TRY(og_json_end_object(cx, &w));
  return og_json_end_object(cx, &w);
}

static og_status give(og_ctx *cx, og_changes *c, const source *s, og_change *out)
{
  const og_delta_row *r = c->loaded[c->next];
  *out = (og_change){.is_edge = s->type->is_edge,
                     .type_name = s->type->name,
                     .type_id = og_str_from(s->token, OG_TYPE_TOKEN),
                     .id = r->id,
                     .op = r->op};
  if (r->from != OG_DELTA_NOWHERE) {
    OG_TRY(write_image(cx, s->type, c->before, c->in_before[c->next], &c->before_text));
    out->before = og_buf_str(&c->before_text);
  }
  if (r->to != OG_DELTA_NOWHERE) {
    OG_TRY(write_image(cx, s->type, c->after, c->in_after[c->next], &c->after_text));
    out->after = og_buf_str(&c->after_text);
  }
  c->next++;
  return OG_OK;
}

og_status og_changes_next(og_ctx *cx, og_changes *c, og_change *out, bool *more)
{
  for (*more = false; c->at < c->sources.len; c->at++, c->row = 0) {
    source *s = &OG_VEC_AT(&c->sources, source, c->at);
    OG_TRY(open_source(cx, c, s));
    if (c->next == c->n_loaded) OG_TRY(load(cx, c, s));
    *more = c->next < c->n_loaded;
    if (*more) return give(cx, c, s, out);
    og_delta_cleanup(&s->delta);
  }
  return OG_OK;
}

/* ---- going on behind a place */

static og_status is_place(og_ctx *cx, const og_delta_row *r, const og_change_place *p, bool *out)
{
  char hex[64];
  *out = og_str_eq(r->id, p->id);
  if (!p->digest.ptr || r->id.len <= p->id.len) return OG_OK;
  OG_TRY(og_digest_hex(cx, r->id, hex));
  *out = og_str_starts_with(r->id, p->id) && og_str_eq(p->digest, og_str_from(hex, sizeof hex));
  return OG_OK;
}

static og_status seek_row(og_ctx *cx, og_changes *c, const source *s, const og_change_place *p)
{
  for (c->row = 0; c->row < s->delta.n_rows; c->row++) {
    const og_delta_row *r = &s->delta.rows[c->row];
    bool here = false;
    if (og_str_cmp(r->id, p->id) < 0) continue;
    if (!p->digest.ptr && !og_str_eq(r->id, p->id)) return OG_OK; /* it is no more: go on with what comes next */
    OG_TRY(is_place(cx, r, p, &here));
    if (!here) continue;
    c->row++;
    return OG_OK;
  }
  return OG_OK;
}

og_status og_changes_seek(og_ctx *cx, og_changes *c, const og_change_place *place)
{
  drop_loaded(c);
  for (c->at = 0, c->row = 0; c->at < c->sources.len; c->at++) {
    source *s = &OG_VEC_AT(&c->sources, source, c->at);
    if (!og_str_eq(og_str_from(s->token, OG_TYPE_TOKEN), place->type_id)) continue;
    OG_TRY(open_source(cx, c, s));
    return seek_row(cx, c, s, place);
  }
  return og_fail(cx, OG_EINVALID, "change cursor rejected: it names a type that has no changes here");
}

og_status og_changes_count(og_ctx *cx, og_changes *c, og_vec *out)
{
  for (size_t i = 0; i < c->sources.len; i++) {
    source *s = &OG_VEC_AT(&c->sources, source, i);
    og_change_count n = {.is_edge = s->type->is_edge};
    uint64_t *const by_op[] = {&n.inserted, &n.updated, &n.deleted};
    OG_TRY(open_source(cx, c, s));
    for (size_t k = 0; k < s->delta.n_rows; k++)
      if (c->ops[s->delta.rows[k].op]) ++*by_op[s->delta.rows[k].op];
    if (n.inserted + n.updated + n.deleted == 0) continue;
    OG_TRY(og_arena_str(cx, cx->arena, s->type->name, &n.type_name));
    OG_TRY(og_vec_add(cx, out, &n));
  }
  return OG_OK;
}
