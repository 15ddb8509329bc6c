/* SPDX-License-Identifier: MIT */
/* cli/output.c -- stdout, and a query's answer in the five formats. */
#include "api/render.h"
#include "arrow/json.h"
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <utf8proc.h>

#define FLUSH_AT ((size_t)1 << 16)

og_status cli_flush(cli *c)
{
  size_t done = 0;
  while (done < c->out.len) {
    ssize_t n = write(STDOUT_FILENO, c->out.data + done, c->out.len - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EPIPE) _exit(0); /* the reader has seen enough, as `head` does */
    if (n < 0) {
      c->out.len = 0;
      return og_fail(c->cx, OG_EIO, "cannot write the answer: %s", strerror(errno));
    }
    done += (size_t)n;
  }
  c->out.len = 0;
  return OG_OK;
}

og_status cli_write(cli *c, og_str s)
{
  OG_TRY(og_buf_append_str(c->cx, &c->out, s));
  return c->out.len >= FLUSH_AT ? cli_flush(c) : OG_OK;
}

og_status cli_printf(cli *c, const char *fmt, ...)
{
  char text[8192];
  va_list args;
  va_start(args, fmt);
  int n = vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  if (n < 0) return og_fail(c->cx, OG_EINTERNAL, "cannot format a text");
  return cli_write(c, og_str_from(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1));
}

og_str cli_branch_or_main(og_str branch)
{
  return branch.len ? branch : OG_STR("main");
}

/* ---- cells */

/* A value as text: strings bare, null as "null", the rest as JSON. */
static og_status cell_text(cli *c, const og_column *v, int64_t i, og_buf *out)
{
  og_buf_clear(out);
  bool text = og_type_is_string(v->type.id) || v->type.id == OG_TYPE_DATE32 || v->type.id == OG_TYPE_DATE64;
  if (text && og_type_is_string(v->type.id) && !og_column_is_null(v, i))
    return og_buf_append_str(c->cx, out, og_column_str(v, i));
  og_json_writer w;
  og_json_writer_init(&w, out, false);
  OG_TRY(og_column_json(c->cx, &w, v, i));
  if (text && out->len >= 2 && out->data[0] == '"') { /* a date: without its quotes */
    memmove(out->data, out->data + 1, out->len - 2);
    out->len -= 2;
  }
  return OG_OK;
}

/* Control characters would drive the terminal: they are shown escaped. */
static og_status printable(cli *c, og_str s, og_buf *out)
{
  for (size_t i = 0; i < s.len; i++) {
    unsigned char b = (unsigned char)s.ptr[i];
    if (b == '\n')
      OG_TRY(og_buf_append_str(c->cx, out, OG_STR("\\n")));
    else if (b < ' ' || b == 127)
      OG_TRY(og_buf_printf(c->cx, out, "\\x%02x", b));
    else
      OG_TRY(og_buf_append_byte(c->cx, out, b));
  }
  return OG_OK;
}

static size_t display_width(og_str s)
{
  size_t w = 0, pos = 0;
  while (pos < s.len) {
    int cw = utf8proc_charwidth((utf8proc_int32_t)og_utf8_next(s, &pos));
    w += cw > 0 ? (size_t)cw : 0;
  }
  return w;
}

#define MAX_CELL 80u

/* At most MAX_CELL columns wide, cut with an ellipsis. */
static og_str cut_cell(og_str s, bool *cut)
{
  size_t w = 0, pos = 0;
  *cut = display_width(s) > MAX_CELL;
  while (*cut) {
    size_t next = pos;
    int cw = utf8proc_charwidth((utf8proc_int32_t)og_utf8_next(s, &next));
    if (w + (size_t)(cw > 0 ? cw : 0) > MAX_CELL - 1) return og_str_sub(s, 0, pos);
    w += (size_t)(cw > 0 ? cw : 0);
    pos = next;
  }
  return s;
}

/* ---- formats */

static og_status heading(cli *c, const og_result *r)
{
  og_str where = r->target.snapshot.len ? r->target.snapshot : r->target.branch;
  return cli_printf(c, "%lld row%s from %s " OG_STR_FMT " via " OG_STR_FMT "\n", (long long)r->n_rows,
                    r->n_rows == 1 ? "" : "s", r->target.snapshot.len ? "snapshot" : "branch", OG_STR_ARG(where),
                    OG_STR_ARG(r->query_name));
}

static og_status shown_cell(cli *c, const og_column *v, int64_t i, og_str *out)
{
  OG_AUTO(og_buf) text = {0};
  OG_AUTO(og_buf) safe = {0};
  bool cut;
  OG_TRY(cell_text(c, v, i, &text));
  OG_TRY(printable(c, og_buf_str(&text), &safe));
  og_str s = cut_cell(og_buf_str(&safe), &cut);
  return og_arena_printf(c->cx, c->cx->arena, out, OG_STR_FMT "%s", OG_STR_ARG(s), cut ? "…" : "");
}

static og_status pad_cell(cli *c, og_str s, size_t width, bool last)
{
  OG_TRY(cli_write(c, s));
  for (size_t w = display_width(s); !last && w < width; w++) OG_TRY(cli_write(c, OG_STR(" ")));
  return last ? cli_write(c, OG_STR("\n")) : OG_OK;
}

static og_status print_table_rows(cli *c, const og_result *r, const og_str *cells, const size_t *widths)
{
  for (uint32_t k = 0; k < r->n_columns; k++) {
    if (k) OG_TRY(cli_write(c, OG_STR(" | ")));
    OG_TRY(pad_cell(c, r->columns[k], widths[k], k + 1 == r->n_columns));
  }
  for (uint32_t k = 0; k < r->n_columns; k++) {
    if (k) OG_TRY(cli_write(c, OG_STR("-+-")));
    for (size_t i = 0; i < widths[k]; i++) OG_TRY(cli_write(c, OG_STR("-")));
  }
  OG_TRY(cli_write(c, OG_STR("\n")));
  for (int64_t i = 0; i < r->n_rows; i++) {
    for (uint32_t k = 0; k < r->n_columns; k++) {
      if (k) OG_TRY(cli_write(c, OG_STR(" | ")));
      OG_TRY(pad_cell(c, cells[(size_t)i * r->n_columns + k], widths[k], k + 1 == r->n_columns));
    }
  }
  return OG_OK;
}

static og_status print_table(cli *c, const og_result *r)
{
  og_str *cells = og_push_array(c->cx, (size_t)r->n_rows * r->n_columns + 1, sizeof *cells);
  size_t *widths = og_push_array(c->cx, r->n_columns + 1, sizeof *widths);
  if (!cells || !widths) return OG_ENOMEM;
  for (uint32_t k = 0; k < r->n_columns; k++) widths[k] = display_width(r->columns[k]);
  for (int64_t i = 0; i < r->n_rows; i++) {
    for (uint32_t k = 0; k < r->n_columns; k++) {
      og_str *cell = &cells[(size_t)i * r->n_columns + k];
      OG_TRY(shown_cell(c, r->values[k], i, cell));
      size_t w = display_width(*cell);
      if (w > widths[k]) widths[k] = w;
    }
  }
  OG_TRY(heading(c, r));
  return print_table_rows(c, r, cells, widths);
}

static og_status print_kv(cli *c, const og_result *r)
{
  OG_TRY(heading(c, r));
  if (r->n_rows == 0) return cli_printf(c, "(no rows)\n");
  for (int64_t i = 0; i < r->n_rows; i++) {
    OG_TRY(cli_printf(c, "%srow %lld\n", i ? "\n" : "", (long long)i + 1));
    for (uint32_t k = 0; k < r->n_columns; k++) {
      OG_AUTO(og_buf) text = {0};
      OG_AUTO(og_buf) safe = {0};
      OG_TRY(cell_text(c, r->values[k], i, &text));
      OG_TRY(printable(c, og_buf_str(&text), &safe));
      OG_TRY(cli_write(c, r->columns[k]));
      OG_TRY(cli_write(c, OG_STR(": ")));
      OG_TRY(cli_write(c, og_buf_str(&safe)));
      OG_TRY(cli_write(c, OG_STR("\n")));
    }
  }
  return OG_OK;
}

static og_status csv_cell(cli *c, og_str s)
{
  bool quote = false;
  for (size_t i = 0; i < s.len && !quote; i++) quote = strchr(",\"\r\n", s.ptr[i]) != NULL && s.ptr[i];
  if (!quote) return cli_write(c, s);
  OG_TRY(cli_write(c, OG_STR("\"")));
  for (size_t i = 0; i < s.len; i++) {
    if (s.ptr[i] == '"') OG_TRY(cli_write(c, OG_STR("\"")));
    OG_TRY(cli_write(c, og_str_sub(s, i, i + 1)));
  }
  return cli_write(c, OG_STR("\""));
}

static og_status print_csv(cli *c, const og_result *r)
{
  for (uint32_t k = 0; k < r->n_columns; k++) {
    if (k) OG_TRY(cli_write(c, OG_STR(",")));
    OG_TRY(csv_cell(c, r->columns[k]));
  }
  OG_TRY(cli_write(c, OG_STR("\n")));
  OG_AUTO(og_buf) text = {0};
  for (int64_t i = 0; i < r->n_rows; i++) {
    for (uint32_t k = 0; k < r->n_columns; k++) {
      if (k) OG_TRY(cli_write(c, OG_STR(",")));
      OG_TRY(cell_text(c, r->values[k], i, &text));
      OG_TRY(csv_cell(c, og_buf_str(&text)));
    }
    OG_TRY(cli_write(c, OG_STR("\n")));
  }
  return OG_OK;
}

static og_status print_jsonl(cli *c, const og_result *r)
{
  OG_AUTO(og_buf) line = {0};
  og_json_writer w;
  og_json_writer_init(&w, &line, false);
  OG_TRY(og_json_begin_object(c->cx, &w));
  OG_TRY(og_json_kv_str(c->cx, &w, "kind", OG_STR("metadata")));
  OG_TRY(og_json_kv_str(c->cx, &w, "query_name", r->query_name));
  OG_TRY(og_json_key(c->cx, &w, OG_STR("target")));
  OG_TRY(og_api_target(c->cx, &r->target, &w));
  OG_TRY(og_json_kv_i64(c->cx, &w, "row_count", r->n_rows));
  OG_TRY(og_json_end_object(c->cx, &w));
  for (int64_t i = 0;; i++) {
    OG_TRY(og_buf_append_byte(c->cx, &line, '\n'));
    OG_TRY(cli_write(c, og_buf_str(&line)));
    if (i == r->n_rows) return OG_OK;
    og_buf_clear(&line);
    og_json_writer_init(&w, &line, false);
    OG_TRY(og_result_put_row(c->cx, r, i, &w));
  }
}

static og_status print_json(cli *c, const og_result *r)
{
  og_json_writer w;
  og_json_writer_init(&w, &c->out, true);
  OG_TRY(og_api_result(c->cx, r, &w));
  return cli_write(c, OG_STR("\n"));
}

og_status cli_print_result(cli *c, const og_result *r)
{
  og_str f = cli_has(c, FLAG_JSON)     ? OG_STR("json")
             : cli_has(c, FLAG_FORMAT) ? c->values[FLAG_FORMAT]
                                       : OG_STR("table");
  if (og_str_eq(f, OG_STR("json"))) return print_json(c, r);
  if (og_str_eq(f, OG_STR("jsonl"))) return print_jsonl(c, r);
  if (og_str_eq(f, OG_STR("csv"))) return print_csv(c, r);
  if (og_str_eq(f, OG_STR("kv"))) return print_kv(c, r);
  return print_table(c, r);
}

og_json_writer cli_json(cli *c)
{
  og_json_writer w;
  og_json_writer_init(&w, &c->out, true);
  return w;
}

og_status cli_end_json(cli *c)
{
  return cli_write(c, OG_STR("\n"));
}
