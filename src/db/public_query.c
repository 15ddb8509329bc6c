/* SPDX-License-Identifier: MIT */
/* db/public_query.c -- queries of the C API, and the ways out of an answer: names, JSON, Arrow. */
#include "arrow/c_data.h"
#include "db/public.h"

#include <errno.h>

/* What og_result points at in the C API. */
typedef struct answer {
  og_result result;
  og_mem *mem; /* for what is made from it; alive as long as the answer is */
} answer;
_Static_assert(offsetof(answer, result) == 0, "an og_result of the API is the front of an answer");

/* ---- running */

void og_query_opts_init(og_query_opts *opts)
{
  *opts = (og_query_opts){.size = sizeof *opts};
}

og_status og_db__query_args(og_ctx *cx, const char *source, const og_query_opts *o, og_db_query_args *out)
{
  *out = (og_db_query_args){0};
  OG_TRY(og_db__text_need(cx, source, "source", &out->source));
  OG_TRY(og_db__text_take(cx, o->name, "name", &out->name));
  OG_TRY(og_db__text_take(cx, o->source_name, "source_name", &out->source_name));
  OG_TRY(og_db__text_take(cx, o->params, "params", &out->params));
  OG_TRY(og_db__text_take(cx, o->branch, "branch", &out->target.branch));
  OG_TRY(og_db__text_take(cx, o->snapshot, "snapshot", &out->target.snapshot));
  OG_TRY(og_db__text_take(cx, o->if_commit, "if_commit", &out->if_commit));
  out->pin = o->pin ? o->pin->snapshot : NULL;
  out->limits = (og_db_limits){.memory = o->memory_limit, .rows = o->max_rows};
  if (o->pin && (o->branch || o->snapshot))
    return og_fail(cx, OG_EINVALID, "'pin' says which state is read: no 'branch' and no 'snapshot' go with it");
  return og_db__text_take(cx, o->actor, "actor", &out->actor);
}

og_status og_db__answer_new(og_ctx *cx, og_result *r, og_result **out)
{
  answer *a = og_zalloc(cx, sizeof *a);
  if (!a) return OG_ENOMEM;
  a->mem = cx->mem;
  a->result = *r;
  a->result.target = (og_db_target){0}; /* borrowed from the call */
  *r = (og_result){0};
  *out = &a->result;
  return OG_OK;
}

static og_status query(og_call *c, og_session *s, const char *source, const og_query_opts *given, og_result **out)
{
  og_ctx *cx = &c->cx;
  og_query_opts o;
  og_db_query_args args;
  og_result r;
  og_query_opts_init(&o);
  OG_TRY(og_db__opts_take(cx, &o, sizeof o, given));
  OG_TRY(og_db__query_args(cx, source, &o, &args));
  if (args.if_commit.len) return og_fail(cx, OG_EINVALID, "'if_commit' guards mutations; a query reads a 'snapshot'");
  og_db__call_bound(c, o.timeout_ms, o.cancel);
  OG_TRY(og_db_query(cx, s->db, &args, &r));
  og_status st = og_db__answer_new(cx, &r, out);
  og_result_cleanup(&r);
  return st;
}

og_status og_session_query(og_session *session, const char *source, const og_query_opts *opts, og_result **out,
                           og_error *err)
{
  og_call c;
  og_db__call_begin(&c, session, err);
  return og_db__call_end(&c, query(&c, session, source, opts, out));
}

og_mem *og_db__answer_mem(const og_result *result)
{
  return ((const answer *)result)->mem;
}

/* ---- explaining */

typedef struct looking {
  const char *source;
  const og_query_opts *given;
  og_explain_form form;
  bool profile;
} looking;

static og_status look_into(og_call *c, og_session *s, const looking *l, og_buf *text)
{
  og_ctx *cx = &c->cx;
  og_query_opts o;
  og_db_query_args args;
  og_query_opts_init(&o);
  OG_TRY(og_db__opts_take(cx, &o, sizeof o, l->given));
  OG_TRY(og_db__query_args(cx, l->source, &o, &args));
  if (l->form != OG_EXPLAIN_TREE && l->form != OG_EXPLAIN_JSON)
    return og_fail(cx, OG_EINVALID, "%d is no form of a plan", (int)l->form);
  og_db__call_bound(c, o.timeout_ms, o.cancel);
  return og_db_explain(cx, s->db, &args, l->profile, l->form == OG_EXPLAIN_JSON, text);
}

static og_status explain(og_session *session, const looking *l, og_text **out, og_error *err)
{
  og_call c;
  og_buf text = {0};
  og_ctx *cx = og_db__call_begin(&c, session, err);
  og_status st = look_into(&c, session, l, &text);
  if (st == OG_OK) st = og_db__text_new(cx, &text, out);
  og_buf_cleanup(&text);
  return og_db__call_end(&c, st);
}

og_status og_session_explain(og_session *session, const char *source, const og_query_opts *opts, og_explain_form form,
                             og_text **out, og_error *err)
{
  const looking l = {source, opts, form, false};
  return explain(session, &l, out, err);
}

og_status og_session_profile(og_session *session, const char *source, const og_query_opts *opts, og_explain_form form,
                             og_text **out, og_error *err)
{
  const looking l = {source, opts, form, true};
  return explain(session, &l, out, err);
}

void og_result_free(og_result *result)
{
  answer *a = (answer *)result;
  if (!a) return;
  og_result_cleanup(&a->result);
  og_free(a);
}

size_t og_result_row_count(const og_result *result)
{
  return (size_t)result->n_rows;
}

size_t og_result_column_count(const og_result *result)
{
  return result->n_columns;
}

const char *og_result_column_name(const og_result *result, size_t column)
{
  return column < result->n_columns ? result->columns[column].ptr : NULL;
}

const char *og_result_commit(const og_result *result)
{
  return result->commit;
}

/* ---- JSON */

static og_status put_rows(og_ctx *cx, const og_result *r, og_json_writer *w)
{
  OG_TRY(og_json_begin_array(cx, w));
  for (int64_t i = 0; i < r->n_rows; i++) OG_TRY(og_result_put_row(cx, r, i, w));
  return og_json_end_array(cx, w);
}

og_status og_result_json(const og_result *result, og_text **out, og_error *err)
{
  og_call c;
  og_runtime none = {0};
  og_buf text = {0};
  og_json_writer w;
  og_ctx *cx = og_db__call_bare(&c, og_db__answer_mem(result), &none, err);
  og_json_writer_init(&w, &text, false);
  og_status st = put_rows(cx, result, &w);
  if (st == OG_OK) st = og_db__text_new(cx, &text, out);
  og_buf_cleanup(&text);
  return og_db__call_end(&c, st);
}

/* ---- Arrow */

typedef struct stream {
  og_batch *batch; /* one reference */
  og_mem *mem;     /* alive as long as this block is */
  bool done;       /* the batch was given */
  og_error err;    /* of the last call that failed */
} stream;

static int stream_errno(og_status st)
{
  return st == OG_OK ? 0 : st == OG_ENOMEM ? ENOMEM : EIO;
}

/* DateTime is stored as date64, as Lance tables of graphs have it; but Arrow's date64 is whole days, and a consumer may
 * insist on that.  The same milliseconds are a proper timestamp. */
static og_field honest_field(const og_field *f)
{
  og_field out = *f;
  if (f->type.id == OG_TYPE_DATE64) out.type = (og_type){.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_MS, .utc = true};
  return out;
}

static og_status export_schema(og_ctx *cx, const og_schema *s, struct ArrowSchema *out)
{
  og_field top = {.type = og_type_of(OG_TYPE_STRUCT), .n_children = s->n_fields};
  og_field *fields = og_push_array(cx, (size_t)s->n_fields * 2 + 1, sizeof *fields), *items = fields + s->n_fields;
  if (!fields) return OG_ENOMEM;
  for (uint32_t i = 0; i < s->n_fields; i++) {
    fields[i] = honest_field(&s->fields[i]);
    if (fields[i].n_children == 0) continue; /* else a list: it has one */
    items[i] = honest_field(&s->fields[i].children[0]);
    fields[i].children = &items[i];
  }
  top.children = fields;
  return og_arrow_export_field(cx, &top, out);
}

static int stream_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
  stream *s = self->private_data;
  og_call c;
  og_runtime none = {0};
  og_ctx *cx = og_db__call_bare(&c, s->mem, &none, &s->err);
  return stream_errno(og_db__call_end(&c, export_schema(cx, s->batch->schema, out)));
}

/* The end of a stream is an array that is released already. */
static int stream_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
  stream *s = self->private_data;
  og_call c;
  og_runtime none = {0};
  og_status st = OG_OK;
  og_ctx *cx = og_db__call_bare(&c, s->mem, &none, &s->err);
  if (s->done || s->batch->len == 0)
    *out = (struct ArrowArray){0};
  else
    st = og_arrow_export_batch(cx, s->batch, out);
  if (st == OG_OK) s->done = true;
  return stream_errno(og_db__call_end(&c, st));
}

static const char *stream_last_error(struct ArrowArrayStream *self)
{
  const stream *s = self->private_data;
  return s->err.status == OG_OK ? NULL : s->err.text;
}

static void stream_release(struct ArrowArrayStream *self)
{
  stream *s = self->private_data;
  og_batch_unref(s->batch);
  og_free(s);
  self->release = NULL;
}

static og_status batch_of(og_ctx *cx, const og_result *r, og_batch **out)
{
  og_schema *schema;
  OG_TRY(og_result_schema(cx, r, &schema));
  og_status st = og_batch_new(cx, schema, r->values, r->n_columns, r->n_rows, out);
  og_schema_unref(schema);
  return st;
}

og_status og_db__stream_new(og_ctx *cx, const og_result *result, struct ArrowArrayStream *out)
{
  stream *s = og_zalloc(cx, sizeof *s);
  og_status st = s ? batch_of(cx, result, &s->batch) : OG_ENOMEM;
  if (st != OG_OK) {
    og_free(s);
    return st;
  }
  s->mem = cx->mem;
  *out = (struct ArrowArrayStream){.get_schema = stream_schema,
                                   .get_next = stream_next,
                                   .get_last_error = stream_last_error,
                                   .release = stream_release,
                                   .private_data = s};
  return OG_OK;
}

og_status og_result_stream(const og_result *result, struct ArrowArrayStream *out, og_error *err)
{
  og_call c;
  og_runtime none = {0};
  og_ctx *cx = og_db__call_bare(&c, og_db__answer_mem(result), &none, err);
  return og_db__call_end(&c, og_db__stream_new(cx, result, out));
}
