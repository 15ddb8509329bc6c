/* SPDX-License-Identifier: MIT */
/* write/ahead.c -- two texts: the lines of one are parsed on all threads, while one of them fills the other.
 *
 *  (1) A text is some blocks of the input, cut behind the last line end in it; what is left belongs to the next text
 * and is copied there.  A line longer than a block takes as many blocks as it needs. (2) Filling writes to the text
 * that is not being parsed, and reads only the rest of the one that is, which nobody changes.  They change places
 * between two rounds. (3) A text is cut into parts at line ends, where does not depend on the number of threads.  Each
 * part is parsed for itself and counts its lines; line numbers are added up when all are done. (4) A line goes into
 * columns (columns.c) or becomes a record.  A record of a type that has no columns joins the pack that is open; one for
 * another reason ends it and makes a pack of its own, so that the rows of each table stay in the order of their lines.
 * After ODD_LINES of those the rest of the part is records only. (5) A part ends with the first line that is wrong, and
 * with it the input.  Its error is told when all lines before it were given, so that errors come in the order of the
 * lines, whoever finds them.
 */
#include "write/ahead.h"

#include "base/limits.h"
#include "base/pool.h"
#include "base/vec.h"

#include <inttypes.h>

#define READ_BLOCK ((size_t)512 << 10)
#define TEXT_MAX   ((uint64_t)4 << 20) /* about so much is parsed in one round */
#define PART_BYTES ((size_t)256 << 10)
#define ODD_LINES  64u

/* A part while it is parsed. */
typedef struct piece {
  const og_ahead *a;
  og_str text;
  uint64_t lines;         /* counted so far */
  og_columns *columns;    /* NULL: all lines are records */
  og_json_parser *parser; /* made when first needed */
  og_arena arena;         /* of the records */
  og_vec packs;           /* pack */
  og_ahead_part out;
  og_error err; /* of line `lines`, which ends the input */
} piece;

typedef struct pack {
  og_str text;
  uint64_t line;  /* of the piece, from 0 */
  og_vec blocks;  /* og_columns_block */
  og_vec records; /* og_ahead_record */
} pack;

typedef struct text {
  og_buf bytes;
  size_t whole; /* lines that are whole */
  uint64_t end; /* of the input's bytes read so far */
  og_error err; /* of reading it: told behind its lines */
} text;

struct og_ahead {
  const og_catalog *catalog;
  og_file *file;
  og_str input;
  uint64_t size;
  size_t text_bytes;
  text texts[2];
  unsigned current; /* the one being parsed */
  bool started;
  uint64_t line; /* number of the last line given out */
  piece *pieces;
  size_t n_pieces, cap_pieces; /* used by this round; made */
  size_t n_given;              /* of n_pieces */
  og_ahead_part *parts;
  og_error err;           /* what ends the input behind what was given */
  og_json_parser *parser; /* og_ahead_records */
  og_arena arena;
};

/* ---- lines as records */

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

/* One line; *json NULL: it is white space. */
static og_status parse_line(og_ctx *cx, piece *p, og_str line, bool first, const og_json **json)
{
  static const og_json_opts strict = {.refuse_duplicates = true};
  *json = NULL;
  if (og_str_trim(line).len == 0) return OG_OK;
  if (first && og_str_starts_with(line, OG_STR("\xef\xbb\xbf")))
    return og_fail(cx, OG_EINVALID, "a byte order mark stands before the first record; save the data without one");
  if (line.len > OG_LIMIT_NDJSON_LINE) return too_long(cx, "graph_batch_line_bytes", OG_LIMIT_NDJSON_LINE, line.len);
  if (line.len > OG_LIMIT_NDJSON_SLOTS) { /* a shorter line cannot have so many */
    uint64_t slots = count_slots(line);
    if (slots > OG_LIMIT_NDJSON_SLOTS)
      return too_long(cx, "graph_batch_json_structural_slots", OG_LIMIT_NDJSON_SLOTS, slots);
  }
  if (!p->parser) OG_TRY(og_json_parser_new(cx, &p->parser));
  return og_json_parse(cx, p->parser, &p->arena, line, &strict, json);
}

/* ---- parsing a part */

static og_status open_pack(og_ctx *cx, piece *p, const char *at, pack **out)
{
  if (*out) return OG_OK;
  pack *k = og_vec_push(cx, &p->packs);
  if (!k) return OG_ENOMEM;
  *k = (pack){.text = {at, 0},
              .line = p->lines,
              .blocks = OG_VEC_INIT(og_columns_block),
              .records = OG_VEC_INIT(og_ahead_record)};
  *out = k;
  return OG_OK;
}

static og_status close_pack(og_ctx *cx, piece *p, const char *at, pack **k)
{
  if (!*k) return OG_OK;
  (*k)->text.len = (size_t)(at - (*k)->text.ptr);
  pack *closed = *k;
  *k = NULL;
  return p->columns ? og_columns_cut(cx, p->columns, &closed->blocks) : OG_OK;
}

static og_status take_record(og_ctx *cx, piece *p, const char **at, const char *end, pack *k)
{
  og_ahead_record record = {.line = p->lines};
  const char *stop = memchr(*at, '\n', (size_t)(end - *at));
  og_str line = og_str_from(*at, (size_t)((stop ? stop : end) - *at));
  bool first = p->a->line == 0 && *at == p->a->pieces[0].text.ptr;
  p->lines++;
  OG_TRY(parse_line(cx, p, line, first, &record.json));
  *at = stop ? stop + 1 : end;
  return record.json ? og_vec_add(cx, &k->records, &record) : OG_OK;
}

/* One line.  *odd counts the lines that stood alone. */
static og_status parse_one(og_ctx *cx, piece *p, const char **at, const char *end, pack **k, unsigned *odd)
{
  og_columns_fate fate = OG_COLUMNS_RECORD;
  OG_TRY(open_pack(cx, p, *at, k));
  if (p->columns && *odd < ODD_LINES) OG_TRY(og_columns_line(cx, p->columns, at, end, (uint32_t)p->lines, &fate));
  if (fate == OG_COLUMNS_TAKEN) {
    p->lines++;
    return OG_OK;
  }
  if (fate == OG_COLUMNS_ODD) {
    ++*odd;
    OG_TRY(close_pack(cx, p, *at, k));
    OG_TRY(open_pack(cx, p, *at, k));
  }
  OG_TRY(take_record(cx, p, at, end, *k));
  return fate == OG_COLUMNS_ODD && *odd < ODD_LINES ? close_pack(cx, p, *at, k) : OG_OK;
}

/* What stands before a wrong line is kept. */
static og_status parse_lines(og_ctx *cx, piece *p)
{
  const char *at = p->text.ptr, *end = at + p->text.len;
  unsigned odd = 0;
  pack *k = NULL;
  og_status st = OG_OK;
  while (st == OG_OK && at < end) {
    if (p->lines % 1024 == 0) st = og_ctx_poll(cx);
    if (st == OG_OK) st = parse_one(cx, p, &at, end, &k, &odd);
  }
  const og_error why = *cx->err;
  og_status closed = close_pack(cx, p, at, &k);
  if (st != OG_OK) *cx->err = why;
  return st != OG_OK ? st : closed;
}

static og_status give_part(og_ctx *cx, piece *p)
{
  p->out.packs = og_arena_calloc(cx, &p->arena, p->packs.len + 1, sizeof *p->out.packs);
  if (!p->out.packs) return OG_ENOMEM;
  for (size_t i = 0; i < p->packs.len; i++) {
    const pack *k = &OG_VEC_AT(&p->packs, pack, i);
    p->out.packs[p->out.n_packs++] = (og_ahead_pack){.text = k->text,
                                                     .line = k->line,
                                                     .blocks = k->blocks.data,
                                                     .n_blocks = k->blocks.len,
                                                     .records = k->records.data,
                                                     .n_records = k->records.len};
  }
  return OG_OK;
}

static void parse_piece(const og_ctx *parent, piece *p)
{
  og_ctx cx;
  og_error unused;
  og_ctx_child(&cx, parent, &p->err, &p->arena);
  if (parse_lines(&cx, p) != OG_OK) cx.err = &unused; /* the first error is told */
  if (give_part(&cx, p) != OG_OK) p->out.n_packs = 0;
}

static void clear_piece(piece *p)
{
  for (size_t i = 0; i < p->packs.len; i++) {
    pack *k = &OG_VEC_AT(&p->packs, pack, i);
    for (size_t b = 0; b < k->blocks.len; b++) og_columns_block_cleanup(&OG_VEC_AT(&k->blocks, og_columns_block, b));
    og_vec_cleanup(&k->blocks);
    og_vec_cleanup(&k->records);
  }
  og_vec_clear(&p->packs);
  og_arena_reset(&p->arena);
  p->lines = 0;
  p->out = (og_ahead_part){0};
  p->err = (og_error){0};
}

/* ---- reading */

static og_status read_block(og_ctx *cx, const og_ahead *a, text *t)
{
  size_t n = a->size - t->end < READ_BLOCK ? (size_t)(a->size - t->end) : READ_BLOCK;
  OG_TRY(og_ctx_poll(cx));
  OG_TRY(og_buf_reserve(cx, &t->bytes, n + OG_COLUMNS_PADDING));
  if (a->file)
    OG_TRY(cx->env->ops->file_read(cx, a->file, t->end, t->bytes.data + t->bytes.len, n));
  else
    memcpy(t->bytes.data + t->bytes.len, a->input.ptr + t->end, n);
  t->bytes.len += n;
  t->end += n;
  return OG_OK;
}

static bool find_whole(const og_ahead *a, text *t)
{
  size_t i = t->bytes.len;
  if (t->end == a->size) {
    t->whole = i;
    return true;
  }
  while (i > t->whole && t->bytes.data[i - 1] != '\n') i--;
  t->whole = i;
  return i > 0;
}

/* Blocks until there are enough of them and a line end in them. */
static og_status read_text(og_ctx *cx, const og_ahead *a, const text *before, text *t)
{
  og_buf_clear(&t->bytes);
  t->whole = 0;
  t->end = before->end;
  OG_TRY(og_buf_append_str(cx, &t->bytes, og_str_sub(og_buf_str(&before->bytes), before->whole, before->bytes.len)));
  while (t->end < a->size && (t->bytes.len < a->text_bytes || !find_whole(a, t))) {
    OG_TRY(read_block(cx, a, t));
    if (t->bytes.len > OG_LIMIT_NDJSON_LINE && !memchr(t->bytes.data, '\n', t->bytes.len))
      return too_long(cx, "graph_batch_line_bytes", OG_LIMIT_NDJSON_LINE, t->bytes.len); /* or more */
  }
  find_whole(a, t);
  OG_TRY(og_buf_reserve(cx, &t->bytes, OG_COLUMNS_PADDING));
  memset(t->bytes.data + t->bytes.len, 0, OG_COLUMNS_PADDING);
  return OG_OK;
}

static void fill(const og_ctx *parent, og_ahead *a)
{
  text *t = &a->texts[!a->current];
  og_ctx cx;
  og_ctx_child(&cx, parent, &t->err, NULL);
  if (read_text(&cx, a, &a->texts[a->current], t) != OG_OK) t->whole = 0;
}

/* ---- rounds */

static og_status piece_init(og_ctx *cx, og_ahead *a, piece *p)
{
  *p = (piece){.a = a, .packs = OG_VEC_INIT(pack)};
  return a->catalog ? og_columns_new(cx, a->catalog, &p->columns) : OG_OK;
}

static og_status reserve_pieces(og_ctx *cx, og_ahead *a, size_t n)
{
  if (n <= a->cap_pieces) return OG_OK;
  piece *pieces = og_realloc(cx, a->pieces, n * sizeof *pieces);
  if (!pieces) return OG_ENOMEM;
  a->pieces = pieces;
  og_ahead_part *parts = og_realloc(cx, a->parts, n * sizeof *parts);
  if (!parts) return OG_ENOMEM;
  a->parts = parts;
  for (; a->cap_pieces < n; a->cap_pieces++) OG_TRY(piece_init(cx, a, &a->pieces[a->cap_pieces]));
  return OG_OK;
}

/* Cuts the text's whole lines into pieces of about PART_BYTES. */
static og_status cut_text(og_ctx *cx, og_ahead *a)
{
  const text *t = &a->texts[a->current];
  og_str whole = og_str_sub(og_buf_str(&t->bytes), 0, t->whole);
  a->n_pieces = 0;
  OG_TRY(reserve_pieces(cx, a, whole.len / PART_BYTES + 1));
  for (size_t at = 0; at < whole.len;) {
    size_t stop = at + PART_BYTES;
    const char *newline = stop < whole.len ? memchr(whole.ptr + stop, '\n', whole.len - stop) : NULL;
    stop = newline ? (size_t)(newline - whole.ptr) + 1 : whole.len;
    a->pieces[a->n_pieces++].text = og_str_sub(whole, at, stop);
    at = stop;
  }
  return OG_OK;
}

static bool is_last(const og_ahead *a)
{
  const text *t = &a->texts[a->current];
  return t->err.status != OG_OK || (t->end == a->size && t->whole == t->bytes.len);
}

/* The first item fills the other text, the others parse. */
static og_status work(og_ctx *cx, void *arg, size_t item, unsigned worker)
{
  og_ahead *a = arg;
  (void)worker;
  if (item > 0)
    parse_piece(cx, &a->pieces[item - 1]);
  else if (!is_last(a))
    fill(cx, a);
  return OG_OK;
}

/* Lines counted from the front of the input; what follows an error is forgotten. */
static void number_lines(og_ahead *a)
{
  uint64_t line = a->line + 1, end = a->texts[a->current].end - a->texts[a->current].bytes.len;
  a->n_given = a->n_pieces;
  for (size_t i = 0; i < a->n_pieces && a->err.status == OG_OK; i++) {
    piece *p = &a->pieces[i];
    end += p->text.len;
    p->out.line = line;
    p->out.end = end;
    for (size_t k = 0; k < p->out.n_packs; k++) {
      p->out.packs[k].line += line;
      for (size_t r = 0; r < p->out.packs[k].n_records; r++) p->out.packs[k].records[r].line += line;
    }
    line += p->lines;
    a->parts[i] = p->out;
    if (p->err.status == OG_OK) continue;
    a->err = p->err;
    a->n_given = i + 1;
  }
  a->line = line - 1;
}

static og_status next_round(og_ctx *cx, og_ahead *a)
{
  if (!a->started) fill(cx, a);
  a->started = true;
  a->current = !a->current;
  OG_TRY(cut_text(cx, a));
  OG_TRY(og_parallel(cx, a->n_pieces + 1, work, a));
  number_lines(a);
  const text *t = &a->texts[a->current];
  if (a->err.status != OG_OK || t->err.status == OG_OK) return OG_OK;
  a->err = t->err; /* of a line that could not be read to its end */
  a->line++;
  return OG_OK;
}

og_status og_ahead_next(og_ctx *cx, og_ahead *a, const og_ahead_part **parts, size_t *n, uint64_t *line)
{
  og_status st = OG_OK;
  for (size_t i = 0; i < a->n_pieces; i++) clear_piece(&a->pieces[i]);
  og_arena_reset(&a->arena);
  a->n_pieces = a->n_given = 0;
  if (a->err.status == OG_OK && !(a->started && is_last(a))) st = next_round(cx, a);
  if (st == OG_OK && a->n_given == 0 && a->err.status != OG_OK) {
    *cx->err = a->err;
    st = a->err.status;
  }
  *parts = a->parts;
  *n = a->n_given;
  *line = a->line;
  return st;
}

og_status og_ahead_records(og_ctx *cx, og_ahead *a, const og_ahead_pack *k, og_vec *records)
{
  static const og_json_opts strict = {.refuse_duplicates = true};
  const char *at = k->text.ptr, *end = at + k->text.len;
  if (!a->parser) OG_TRY(og_json_parser_new(cx, &a->parser));
  for (uint64_t line = k->line; at < end; line++) {
    og_ahead_record record = {.line = line};
    const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
    og_str whole = og_str_from(at, (size_t)(stop - at));
    at = newline ? stop + 1 : end;
    if (og_str_trim(whole).len == 0) continue;
    OG_TRY(og_json_parse(cx, a->parser, &a->arena, whole, &strict, &record.json)); /* they were read before */
    OG_TRY(og_vec_add(cx, records, &record));
  }
  return OG_OK;
}

/* ---- life */

og_status og_ahead_open(og_ctx *cx, const og_catalog *catalog, og_file *file, uint64_t size, og_str bytes,
                        uint64_t memory, og_ahead **out)
{
  uint64_t share = memory / 64;
  og_ahead *a = og_zalloc(cx, sizeof *a);
  if (!a) return OG_ENOMEM;
  *a = (og_ahead){.catalog = catalog, .file = file, .size = size, .input = bytes};
  a->text_bytes = (size_t)(share > TEXT_MAX ? TEXT_MAX : share < READ_BLOCK ? READ_BLOCK : share);
  *out = a;
  return OG_OK;
}

void og_ahead_close(og_ctx *cx, og_ahead *a)
{
  (void)cx;
  if (!a) return;
  for (size_t i = 0; i < a->cap_pieces; i++) {
    piece *p = &a->pieces[i];
    clear_piece(p);
    og_vec_cleanup(&p->packs);
    og_arena_cleanup(&p->arena);
    og_columns_free(p->columns);
    og_json_parser_free(p->parser);
  }
  for (int i = 0; i < 2; i++) og_buf_cleanup(&a->texts[i].bytes);
  og_json_parser_free(a->parser);
  og_arena_cleanup(&a->arena);
  og_free(a->pieces);
  og_free(a->parts);
  og_free(a);
}
