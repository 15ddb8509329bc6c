/* SPDX-License-Identifier: MIT */
/* write/ahead.c -- two batches: the records of one are given out while a task fills the other.
 *
 *  (1) A batch is some blocks of the input, cut behind the last line end in it; what is left belongs to the next batch
 *      and is copied there.  A line longer than a block takes as many blocks as it needs.
 *  (2) The task writes to the batch that is not given out, and reads only the rest of the one that is, which nobody
 *      changes.  They change places when both sides are done: `current` is written between a join and a start.
 *  (3) A batch ends with the first line that is wrong.  Its error is told when all records before it were taken, so
 *      that errors come in the order of the lines, whoever finds them.
 */
#include "write/ahead.h"

#include "base/limits.h"
#include "base/vec.h"

#include <inttypes.h>

#define READ_BLOCK ((size_t)512 << 10)

typedef struct batch {
  og_buf text;
  size_t rest;    /* where the line that goes on in the next batch begins */
  og_arena arena; /* of the records */
  og_vec records; /* og_ahead_record */
  uint64_t end;   /* of the input's bytes read so far */
  uint64_t line;  /* the last one that was looked at */
  og_error err;   /* of that line, or of reading */
} batch;

struct og_ahead {
  og_file *file;
  og_str bytes;
  uint64_t size;
  og_json_parser *parser; /* the task's */
  batch batches[2];
  unsigned current; /* the one given out */
  size_t at;        /* the record to give out next */
  og_task *task;
  og_ctx task_cx;
};

/* ---- filling, on the task */

static og_status too_long(og_ctx *cx, const char *resource, uint64_t limit, uint64_t used)
{
  og_fail(cx, OG_ELIMIT, "the line is over the limit: %s is %" PRIu64 ", at most %" PRIu64, resource, used, limit);
  og_detail *d = og_error_detail(cx, OG_DETAIL_RESOURCE_LIMIT);
  og_detail_set(d->resource, sizeof d->resource, og_str_of(resource));
  d->limit = limit;
  d->used = used;
  return OG_ELIMIT;
}

/* Structural characters outside strings: what a parser's memory depends on. */
static uint64_t count_slots(og_str line)
{
  uint64_t n = 0;
  bool in_string = false;
  for (size_t i = 0; i < line.len; i++) {
    char c = line.ptr[i];
    if (in_string && c == '\\')
      i++;
    else if (c == '"')
      in_string = !in_string;
    else if (!in_string)
      n += c == '{' || c == '}' || c == '[' || c == ']' || c == ',' || c == ':';
  }
  return n;
}

static og_status parse_line(og_ctx *cx, og_ahead *a, batch *b, og_str line)
{
  static const og_json_opts strict = {.refuse_duplicates = true};
  og_ahead_record record = {.line = ++b->line};
  if (og_str_trim(line).len == 0) return OG_OK;
  if (record.line == 1 && og_str_starts_with(line, OG_STR("\xef\xbb\xbf")))
    return og_fail(cx, OG_EINVALID, "a byte order mark stands before the first record; save the data without one");
  if (line.len > OG_LIMIT_NDJSON_LINE) return too_long(cx, "graph_batch_line_bytes", OG_LIMIT_NDJSON_LINE, line.len);
  if (line.len > OG_LIMIT_NDJSON_SLOTS) { /* a shorter line cannot have so many */
    uint64_t slots = count_slots(line);
    if (slots > OG_LIMIT_NDJSON_SLOTS)
      return too_long(cx, "graph_batch_json_structural_slots", OG_LIMIT_NDJSON_SLOTS, slots);
  }
  OG_TRY(og_json_parse(cx, a->parser, &b->arena, line, &strict, &record.json));
  return og_vec_add(cx, &b->records, &record);
}

static og_status read_block(og_ctx *cx, const og_ahead *a, batch *b)
{
  size_t n = a->size - b->end < READ_BLOCK ? (size_t)(a->size - b->end) : READ_BLOCK;
  OG_TRY(og_ctx_poll(cx));
  if (a->file) {
    OG_TRY(og_buf_reserve(cx, &b->text, n));
    OG_TRY(cx->env->ops->file_read(cx, a->file, b->end, b->text.data + b->text.len, n));
    b->text.len += n;
  } else {
    OG_TRY(og_buf_append(cx, &b->text, a->bytes.ptr + b->end, n));
  }
  b->end += n;
  return OG_OK;
}

/* Blocks until there is a line end in them. */
static og_status read_lines(og_ctx *cx, const og_ahead *a, batch *b)
{
  for (bool whole = false; !whole && b->end < a->size;) {
    size_t looked_at = b->text.len;
    OG_TRY(read_block(cx, a, b));
    whole = memchr(b->text.data + looked_at, '\n', b->text.len - looked_at) != NULL;
    if (whole || b->text.len <= OG_LIMIT_NDJSON_LINE) continue;
    b->line++;
    return too_long(cx, "graph_batch_line_bytes", OG_LIMIT_NDJSON_LINE, b->text.len); /* or more */
  }
  return OG_OK;
}

static og_status fill_batch(og_ctx *cx, og_ahead *a, const batch *before, batch *b)
{
  og_buf_clear(&b->text);
  og_arena_reset(&b->arena);
  og_vec_clear(&b->records);
  b->rest = 0;
  b->end = before->end;
  b->line = before->line;
  OG_TRY(og_buf_append_str(cx, &b->text, og_str_sub(og_buf_str(&before->text), before->rest, before->text.len)));
  OG_TRY(read_lines(cx, a, b));
  og_str text = og_buf_str(&b->text);
  while (b->rest < text.len) {
    const char *end = memchr(text.ptr + b->rest, '\n', text.len - b->rest);
    if (!end && b->end < a->size) return OG_OK;
    size_t stop = end ? (size_t)(end - text.ptr) : text.len;
    OG_TRY(parse_line(cx, a, b, og_str_sub(text, b->rest, stop)));
    b->rest = end ? stop + 1 : stop;
  }
  return OG_OK;
}

static og_status fill(void *arg)
{
  og_ahead *a = arg;
  return fill_batch(&a->task_cx, a, &a->batches[a->current], &a->batches[!a->current]);
}

/* ---- giving out */

static bool is_last(const og_ahead *a, const batch *b)
{
  return b->err.status != OG_OK || (b->end == a->size && b->rest == b->text.len);
}

/* Lets the other batch be filled; where no thread can be had, before going on. */
static void start(og_ctx *cx, og_ahead *a)
{
  batch *b = &a->batches[!a->current];
  og_ctx_child(&a->task_cx, cx, &b->err, &b->arena);
  if (cx->env->ops->task_start(cx, fill, a, &a->task) == OG_OK) return;
  og_error_clear(cx);
  a->task = NULL;
  (void)!fill(a); /* b->err holds its error */
}

static void join(og_ctx *cx, og_ahead *a)
{
  if (a->task) (void)!cx->env->ops->task_join(cx, a->task); /* the batch holds its error */
  a->task = NULL;
}

og_status og_ahead_open(og_ctx *cx, og_file *file, uint64_t size, og_str bytes, og_ahead **out)
{
  og_ahead *a = og_zalloc(cx, sizeof *a);
  if (!a) return OG_ENOMEM;
  *a = (og_ahead){.file = file, .size = size, .bytes = bytes};
  for (int i = 0; i < 2; i++) a->batches[i].records = OG_VEC_INIT(og_ahead_record);
  og_status st = og_json_parser_new(cx, &a->parser);
  if (st != OG_OK) {
    og_free(a);
    return st;
  }
  if (!is_last(a, &a->batches[a->current])) start(cx, a);
  *out = a;
  return OG_OK;
}

og_status og_ahead_next(og_ctx *cx, og_ahead *a, og_ahead_record *out)
{
  batch *b = &a->batches[a->current];
  while (a->at == b->records.len && !is_last(a, b)) {
    join(cx, a);
    a->current = !a->current;
    a->at = 0;
    b = &a->batches[a->current];
    if (!is_last(a, b)) start(cx, a);
  }
  if (a->at < b->records.len) {
    *out = OG_VEC_AT(&b->records, og_ahead_record, a->at++);
    return OG_OK;
  }
  *out = (og_ahead_record){.line = b->line};
  if (b->err.status != OG_OK) *cx->err = b->err;
  return b->err.status;
}

uint64_t og_ahead_done(const og_ahead *a)
{
  return a->batches[a->current].end;
}

void og_ahead_close(og_ctx *cx, og_ahead *a)
{
  if (!a) return;
  join(cx, a);
  for (int i = 0; i < 2; i++) {
    og_buf_cleanup(&a->batches[i].text);
    og_arena_cleanup(&a->batches[i].arena);
    og_vec_cleanup(&a->batches[i].records);
  }
  og_json_parser_free(a->parser);
  og_free(a);
}
