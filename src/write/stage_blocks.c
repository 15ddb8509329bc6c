/* SPDX-License-Identifier: MIT */
/* write/stage_blocks.c -- rows of a load that come as columns already (columns.c), many at a time.
 *
 *  (1) A pack of blocks is taken whole or not at all.  First everything is asked that could be wrong with its ids, and
 *      nothing is changed; then they are claimed.  A claim that meets an id twice gives back those of the pack. Whoever
 *      offered the pack then puts its rows one by one, in the order of their lines, and the stage finds out what is
 * wrong with which line, and says so as always. (2) Blocks wait in a queue until their round ends.  Then their
 * endpoints are looked up side by side among the nodes of the stage, and a task writes them to their files while the
 * next round is parsed and checked. (3) That task has the change of a table to itself while blocks of it are behind:
 * og_stage__settle waits for it before anybody else writes there.  Rows of a table are written in the order they were
 * taken. (4) An edge whose ends are both among the stage's nodes needs no further look at the end; others are
 * remembered as those of single rows are. (5) Generated ids of a block follow each other, and those of a whole load
 * continue one draw: they take no randomness, a few instructions each, and, having most characters in common, a third
 * of the space.
 */
#include "write/stage.h"

#include "base/env.h"
#include "base/pool.h"
#include "write/columns.h"

#define AT_ONCE     256
#define DIRECT_ROWS 2048 /* smaller blocks are gathered, so that a small commit folds as usual */

/* One block on its way into a pack. */
typedef struct incoming {
  og_columns_block *block;
  og_stage_table *t;
  uint64_t *offsets; /* committed rows that are replaced; NULL: none */
  og_column *ids;    /* one reference */
  size_t claimed;    /* rows whose ids are in the map */
} incoming;

/* One block in the queue. */
typedef struct og_stage_queued {
  og_stage_table *t;
  og_batch *batch; /* one reference */
  uint32_t *lines; /* one per row, from `line` on */
  uint64_t line;
  og_vec missing[2]; /* uint32_t: rows whose source or target is not known yet */
} queued;

struct og_stage_writer {
  og_ctx cx;
  og_error err;
  og_arena arena;
  og_task *task;
  og_vec blocks; /* queued */
};

static void queued_cleanup(queued *q)
{
  og_batch_unref(q->batch);
  og_free(q->lines);
  og_vec_cleanup(&q->missing[0]);
  og_vec_cleanup(&q->missing[1]);
}

static void clear_queue(og_vec *v)
{
  for (size_t i = 0; i < v->len; i++) {
    OG_VEC_AT(v, queued, i).t->behind--;
    queued_cleanup(&OG_VEC_AT(v, queued, i));
  }
  og_vec_clear(v);
}

/* ---- ids */

static og_status first_id(og_ctx *cx, og_stage *s, uint64_t n, og_ulid *out)
{
  if (og_ulid_ms(&s->bulk.last) == 0) OG_TRY(og_ulid_next(cx, &s->bulk, NULL, out)); /* the draw */
  return og_ulid_take(cx, &s->bulk, n, out);
}

/* A column of n ids that follow each other. */
static og_status generate(og_ctx *cx, og_stage *s, int64_t n, og_column **out)
{
  og_ulid first;
  OG_TRY(first_id(cx, s, (uint64_t)n, &first));
  int32_t *offsets = og_alloc_aligned(cx, ((size_t)n + 1) * sizeof *offsets);
  char *text = og_alloc_aligned(cx, (size_t)n * OG_ULID_LEN + 1);
  og_column_parts parts = {
      .type = og_type_of(OG_TYPE_UTF8), .len = n, .data = {offsets, text}, .bytes_len = (uint64_t)n * OG_ULID_LEN};
  if (!offsets || !text) {
    og_free(offsets);
    og_free(text);
    return OG_ENOMEM;
  }
  og_ulid_format_run(&first, (uint64_t)n, text);
  for (int64_t i = 0; i <= n; i++) offsets[i] = (int32_t)(i * OG_ULID_LEN);
  return og_column_adopt(cx, &parts, out);
}

/* Puts generated ids where the column has nulls. */
static og_status fill_ids(og_ctx *cx, og_stage *s, const og_column *named, og_column **out)
{
  OG_AUTO(og_builder_p) b = NULL;
  og_column *fresh;
  og_status st = OG_OK;
  const og_field field = {.name = OG_STR("id"), .type = named->type};
  OG_TRY(og_builder_new(cx, &field, &b));
  OG_TRY(generate(cx, s, named->nulls, &fresh));
  for (int64_t i = 0, used = 0; st == OG_OK && i < named->len; i++)
    st = og_column_is_null(named, i) ? og_builder_str(cx, b, og_column_str(fresh, used++))
                                     : og_builder_str(cx, b, og_column_str(named, i));
  og_column_unref(fresh);
  return st == OG_OK ? og_builder_finish(cx, b, out) : st;
}

static og_status settle_ids(og_ctx *cx, og_stage *s, incoming *in)
{
  og_column *named = in->block->columns[OG_COLUMN_ID];
  if (!named) return generate(cx, s, in->block->rows, &in->ids);
  if (named->nulls) return fill_ids(cx, s, named, &in->ids);
  in->ids = og_column_ref(named);
  return OG_OK;
}

static bool is_named(const incoming *in, int64_t i)
{
  const og_column *named = in->block->columns[OG_COLUMN_ID];
  return named && !og_column_is_null(named, i);
}

/* Committed rows of these ids.  *taken false: there is one, and a row of its own is refused. */
static og_status find_rows(og_ctx *cx, og_stage_table *t, incoming *in, og_put_mode mode, bool *taken)
{
  if (!in->block->columns[OG_COLUMN_ID] || t->late || t->replaced || t->view->rows == 0) return OG_OK;
  for (int64_t i = 0; i < in->block->rows; i++) {
    uint64_t offset;
    if (!is_named(in, i)) continue;
    OG_TRY(og_stage_find(cx, t, og_column_str(in->block->columns[OG_COLUMN_ID], i), &offset));
    if (offset == OG_NO_OFFSET) continue;
    *taken = mode == OG_PUT_UPSERT;
    if (!*taken) return OG_OK;
    if (!in->offsets) {
      in->offsets = og_push_array(cx, (size_t)in->block->rows, sizeof *in->offsets);
      if (!in->offsets) return OG_ENOMEM;
      memset(in->offsets, 0xFF, (size_t)in->block->rows * sizeof *in->offsets);
    }
    in->offsets[i] = offset;
  }
  return OG_OK;
}

/* Are the ids of a block remembered?  Generated ones of edges are not: nothing asks for them. */
static bool remembers(const incoming *in, int64_t i)
{
  return !in->t->type->is_edge || is_named(in, i);
}

static og_status claim_spilled(og_ctx *cx, incoming *in, uint64_t line)
{
  for (int64_t i = 0; i < in->block->rows; i++)
    if (remembers(in, i))
      OG_TRY(og_keys_add(cx, &in->t->ids, og_column_str(in->ids, i), line + in->block->lines[i], OG_STR_NONE));
  return OG_OK;
}

/* Into the map of ids, with keys that the stage owns. */
static og_status claim(og_ctx *cx, og_stage *s, incoming *in, uint64_t line, bool *taken)
{
  if (in->t->type->is_edge && !in->block->columns[OG_COLUMN_ID]) return OG_OK;
  if (s->spilled) return claim_spilled(cx, in, line);
  for (; *taken && in->claimed < (size_t)in->block->rows; in->claimed++) {
    int64_t i = (int64_t)in->claimed;
    og_str id = og_column_str(in->ids, i), copy;
    if (!remembers(in, i)) continue;
    if (og_map_get(&in->t->ids.map, id, NULL)) {
      *taken = false;
      return OG_OK;
    }
    OG_TRY(og_arena_str(cx, &s->arena, id, &copy));
    OG_TRY(og_map_put(cx, &in->t->ids.map, copy, line + in->block->lines[i], NULL));
    s->key_bytes += id.len + OG_STAGE_KEY_BYTES;
  }
  return OG_OK;
}

static void give_back(incoming *in)
{
  for (size_t i = 0; i < in->claimed; i++)
    if (remembers(in, (int64_t)i)) og_map_remove(&in->t->ids.map, og_column_str(in->ids, (int64_t)i));
}

/* ---- into the stage */

static og_status batch_of(og_ctx *cx, const incoming *in, og_batch **out)
{
  og_column **columns = og_push_array(cx, in->block->n_columns, sizeof(og_column *));
  if (!columns) return OG_ENOMEM;
  memcpy(columns, in->block->columns, in->block->n_columns * sizeof(og_column *));
  columns[OG_COLUMN_ID] = in->ids;
  og_schema *schema = og_lance_table_schema(in->t->view->table)->arrow;
  return og_batch_new(cx, schema, columns, in->block->n_columns, in->block->rows, out);
}

static og_status enqueue(og_ctx *cx, og_stage *s, const incoming *in, uint64_t line)
{
  OG_TRY(og_stage__flush(cx, s, in->t)); /* single rows that came before */
  OG_TRY(og_stage__open_change(cx, s, in->t));
  if (!s->queue.elem) s->queue = OG_VEC_INIT(queued);
  queued *q = og_vec_push(cx, &s->queue);
  if (!q) return OG_ENOMEM;
  *q = (queued){.t = in->t, .line = line};
  in->t->behind++;
  q->missing[0] = q->missing[1] = OG_VEC_INIT(uint32_t);
  OG_TRY(batch_of(cx, in, &q->batch));
  q->lines = in->block->lines;
  in->block->lines = NULL;
  return OG_OK;
}

/* Few rows, those that replace others, and those whose ids are looked up block by block go where single rows go. */
static og_status append(og_ctx *cx, og_stage *s, const incoming *in, uint64_t line)
{
  og_stage_table *t = in->t;
  bool was_new;
  if (t->behind) OG_TRY(og_stage__settle(cx, s)); /* rows that came before */
  for (int64_t i = 0; i < in->block->rows; i++) {
    uint64_t offset = in->offsets ? in->offsets[i] : OG_NO_OFFSET, at = line + in->block->lines[i];
    if (offset != OG_NO_OFFSET) OG_TRY(og_stage__touch(cx, t, offset, &was_new));
    OG_TRY(og_vec_add(cx, &t->offsets, &offset));
    if (t->late || t->type->is_edge) OG_TRY(og_vec_add(cx, &t->lines, &at));
  }
  for (uint32_t i = 0; i < in->block->n_columns; i++)
    OG_TRY(og_builder_copy_range(cx, t->builders[i], i == OG_COLUMN_ID ? in->ids : in->block->columns[i], 0,
                                 in->block->rows));
  return og_stage__flush_if_full(cx, s, t);
}

static og_status add_rows(og_ctx *cx, og_stage *s, const incoming *in, uint64_t line)
{
  in->t->puts += (uint64_t)in->block->rows;
  bool singly = in->offsets || in->t->late || in->block->rows < DIRECT_ROWS;
  return singly ? append(cx, s, in, line) : enqueue(cx, s, in, line);
}

static og_status open_tables(og_ctx *cx, og_stage *s, incoming *in, size_t n, og_put_mode mode, bool *taken)
{
  for (size_t i = 0; i < n; i++) {
    OG_TRY(og_stage_table_of(cx, s, in[i].block->type, &in[i].t));
    in[i].t->mode = mode;
    const og_schema *have = og_lance_table_schema(in[i].t->view->table)->arrow;
    for (uint32_t c = 0; c < have->n_fields; c++)
      *taken = *taken && og_type_eq(have->fields[c].type, in[i].block->schema->fields[c].type);
  }
  return OG_OK;
}

static og_status take_all(og_ctx *cx, og_stage *s, incoming *in, size_t n, uint64_t line, og_put_mode mode, bool *taken)
{
  OG_TRY(open_tables(cx, s, in, n, mode, taken));
  for (size_t i = 0; *taken && i < n; i++) OG_TRY(find_rows(cx, in[i].t, &in[i], mode, taken));
  for (size_t i = 0; *taken && i < n; i++) OG_TRY(settle_ids(cx, s, &in[i]));
  for (size_t i = 0; *taken && i < n; i++) OG_TRY(claim(cx, s, &in[i], line, taken));
  for (size_t i = 0; *taken && i < n; i++) OG_TRY(add_rows(cx, s, &in[i], line));
  for (size_t i = 0; !*taken && i < n; i++) give_back(&in[i]);
  return OG_OK;
}

og_status og_stage_take(og_ctx *cx, og_stage *s, og_columns_block *blocks, size_t n, uint64_t line, og_put_mode mode,
                        bool *taken)
{
  OG_AUTO(og_arena) scratch = {0};
  *taken = true;
  if (n == 0) return OG_OK;
  OG_TRY(og_stage__make_keys_fit(cx, s));
  incoming *in = og_arena_calloc(cx, &scratch, n, sizeof *in);
  if (!in) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) in[i].block = &blocks[i];
  og_arena *outer = cx->arena;
  cx->arena = &scratch;
  og_status st = take_all(cx, s, in, n, line, mode, taken);
  cx->arena = outer;
  for (size_t i = 0; i < n; i++) og_column_unref(in[i].ids);
  return st;
}

/* ---- endpoints */

/* Of the rows listed in `rows` (NULL: all of the column), those whose text is no key of the map stay, in order. */
static og_status keep_unknown(og_ctx *cx, const og_map *map, const og_column *ids, og_vec *rows, bool all)
{
  og_str keys[AT_ONCE];
  uint64_t known[AT_ONCE];
  uint32_t at[AT_ONCE];
  size_t n = all ? (size_t)ids->len : rows->len, kept = 0;
  og_str last = OG_STR_NONE;
  for (size_t i = 0; i < n;) {
    size_t m = 0;
    for (; i < n && m < AT_ONCE; i++) {
      uint32_t row = all ? (uint32_t)i : OG_VEC_AT(rows, uint32_t, i);
      og_str key = og_column_str(ids, row);
      if (all && last.ptr && og_str_eq(key, last)) continue; /* as the row before, whatever that is */
      last = key;
      keys[m] = key;
      known[m] = UINT64_MAX;
      at[m++] = row;
    }
    og_map_get_many(map, keys, m, known);
    for (size_t k = 0; k < m; k++) {
      if (known[k] != UINT64_MAX) continue;
      if (all)
        OG_TRY(og_vec_add(cx, rows, &at[k]));
      else
        OG_VEC_AT(rows, uint32_t, kept++) = at[k];
    }
  }
  if (!all) rows->len = kept;
  return OG_OK;
}

typedef struct lookup {
  og_stage *s;
  og_vec edges; /* queued * */
} lookup;

static og_stage_table *ends_of(const og_stage *s, const og_type_def *edge, bool src)
{
  const og_catalog *c = s->snapshot->catalog;
  const og_type_def *node = src ? og_edge_from(c, edge) : og_edge_to(c, edge);
  for (size_t i = 0; i < s->tables.len; i++)
    if (OG_VEC_AT(&s->tables, og_stage_table *, i)->type == node) return OG_VEC_AT(&s->tables, og_stage_table *, i);
  return NULL;
}

/* Items are pairs of a block and an end. */
static og_status look_up(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  const lookup *l = arg;
  queued *q = OG_VEC_AT(&l->edges, queued *, item / 2);
  bool src = item % 2 == 0;
  const og_column *ids = q->batch->columns[src ? OG_COLUMN_SRC : OG_COLUMN_DST];
  const og_stage_table *nodes = ends_of(l->s, q->t->type, src);
  static const og_map none = {0};
  (void)worker;
  OG_TRY(keep_unknown(cx, nodes ? &nodes->ids.map : &none, ids, &q->missing[!src], true));
  return keep_unknown(cx, src ? &q->t->need_src.map : &q->t->need_dst.map, ids, &q->missing[!src], false);
}

static og_status note_missing(og_ctx *cx, og_stage *s, const queued *q, bool src)
{
  const og_vec *rows = &q->missing[!src];
  const og_column *ids = q->batch->columns[src ? OG_COLUMN_SRC : OG_COLUMN_DST];
  for (size_t i = 0; i < rows->len; i++) {
    uint32_t row = OG_VEC_AT(rows, uint32_t, i);
    OG_TRY(og_stage__note_end(cx, s, src ? &q->t->need_src : &q->t->need_dst, og_column_str(ids, row),
                              q->line + q->lines[row]));
  }
  return OG_OK;
}

static og_status note_all(og_ctx *cx, og_stage *s, const queued *q)
{
  for (int64_t i = 0; i < q->batch->len; i++) {
    uint64_t line = q->line + q->lines[i];
    OG_TRY(og_keys_add(cx, &q->t->need_src, og_column_str(q->batch->columns[OG_COLUMN_SRC], i), line, OG_STR_NONE));
    OG_TRY(og_keys_add(cx, &q->t->need_dst, og_column_str(q->batch->columns[OG_COLUMN_DST], i), line, OG_STR_NONE));
  }
  (void)s;
  return OG_OK;
}

static og_status check_ends(og_ctx *cx, og_stage *s, const og_vec *edges)
{
  lookup l = {s, *edges};
  if (!s->spilled) OG_TRY(og_parallel(cx, 2 * edges->len, look_up, &l));
  for (size_t i = 0; i < edges->len; i++) {
    const queued *q = OG_VEC_AT(edges, queued *, i);
    if (s->spilled)
      OG_TRY(note_all(cx, s, q));
    else
      for (int end = 0; end < 2; end++) OG_TRY(note_missing(cx, s, q, end == 0));
  }
  return OG_OK;
}

static og_status check_queue(og_ctx *cx, og_stage *s)
{
  og_vec edges = OG_VEC_INIT(queued *);
  og_status st = OG_OK;
  for (size_t i = 0; st == OG_OK && i < s->queue.len; i++) {
    queued *q = &OG_VEC_AT(&s->queue, queued, i);
    if (q->t->type->is_edge) st = og_vec_add(cx, &edges, &q);
  }
  if (st == OG_OK) st = check_ends(cx, s, &edges);
  og_vec_cleanup(&edges);
  return st;
}

/* ---- the writer */

static og_status write_queue(void *arg)
{
  og_stage_writer *w = arg;
  for (size_t i = 0; i < w->blocks.len; i++) {
    const queued *q = &OG_VEC_AT(&w->blocks, queued, i);
    OG_TRY(og_ctx_poll(&w->cx));
    OG_TRY(og_lance_change_insert(&w->cx, q->t->change, q->batch));
    og_arena_reset(&w->arena);
  }
  return OG_OK;
}

static og_status join_writer(og_ctx *cx, og_stage *s)
{
  og_stage_writer *w = s->writer;
  if (!w) return OG_OK;
  if (w->task) (void)!cx->env->ops->task_join(cx, w->task);
  w->task = NULL;
  clear_queue(&w->blocks);
  if (w->err.status != OG_OK) *cx->err = w->err;
  return w->err.status;
}

og_status og_stage_write_behind(og_ctx *cx, og_stage *s)
{
  if (s->queue.len == 0) return OG_OK;
  OG_TRY(check_queue(cx, s));
  OG_TRY(join_writer(cx, s));
  if (!s->writer) {
    s->writer = og_zalloc(cx, sizeof *s->writer);
    if (!s->writer) return OG_ENOMEM;
    s->writer->blocks = OG_VEC_INIT(queued);
  }
  og_stage_writer *w = s->writer;
  og_vec swap = w->blocks;
  w->blocks = s->queue;
  s->queue = swap;
  og_ctx_child(&w->cx, cx, &w->err, &w->arena);
  if (cx->env->ops->task_start(cx, write_queue, w, &w->task) == OG_OK) return OG_OK;
  og_error_clear(cx);
  w->task = NULL; /* no thread can be had */
  (void)!write_queue(w);
  return join_writer(cx, s);
}

og_status og_stage__settle(og_ctx *cx, og_stage *s)
{
  OG_TRY(og_stage_write_behind(cx, s));
  return join_writer(cx, s);
}

void og_stage__free_queue(og_ctx *cx, og_stage *s)
{
  clear_queue(&s->queue);
  og_vec_cleanup(&s->queue);
  if (!s->writer) return;
  (void)!join_writer(cx, s);
  og_vec_cleanup(&s->writer->blocks);
  og_arena_cleanup(&s->writer->arena);
  og_free(s->writer);
}
