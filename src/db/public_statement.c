/* SPDX-License-Identifier: MIT */
/* db/public_statement.c -- statements and pins of the C API.
 *
 * A statement holds what it was prepared as, and the values of its parameters in the types that the text declares.  A
 * run pins a state; when its schema is another one than last time, the text is prepared again, through the plan cache.
 * Which parameters there are depends on the text only, so bound values stay good.
 */
#include "db/prepared.h"
#include "db/public.h"

struct og_statement {
  og_session *session;
  og_prepared *prepared; /* one reference */
  og_scalar *values;     /* per parameter */
  bool *bound;           /* per parameter: it has a value, or may do without */
  og_arena *arenas;      /* per parameter: what its value points at */
};

void og_prepare_opts_init(og_prepare_opts *opts)
{
  *opts = (og_prepare_opts){.size = sizeof *opts};
}

void og_run_opts_init(og_run_opts *opts)
{
  *opts = (og_run_opts){.size = sizeof *opts};
}

static const og_query *query_of(const og_statement *s)
{
  return s->prepared->query;
}

/* ---- preparing */

static og_status start_values(og_ctx *cx, og_statement *s)
{
  uint32_t n = query_of(s)->n_params;
  s->values = og_calloc(cx, (size_t)n + 1, sizeof *s->values);
  s->bound = og_calloc(cx, (size_t)n + 1, sizeof *s->bound);
  s->arenas = og_calloc(cx, (size_t)n + 1, sizeof *s->arenas);
  if (!s->values || !s->bound || !s->arenas) return OG_ENOMEM;
  for (uint32_t i = 0; i < n; i++) {
    const og_param_decl *d = &query_of(s)->params[i];
    if (!d->nullable) continue;
    OG_TRY(og_params_bind_one(cx, &s->arenas[i], d, NULL, &s->values[i]));
    s->bound[i] = true;
  }
  return OG_OK;
}

static og_status prepare(og_call *c, og_statement *s, const char *source, const og_prepare_opts *given)
{
  og_ctx *cx = &c->cx;
  og_prepare_opts o;
  og_snapshot *at;
  og_str text, name, source_name;
  og_db_target target = {0};
  og_prepare_opts_init(&o);
  OG_TRY(og_db__opts_take(cx, &o, sizeof o, given));
  OG_TRY(og_db__text_need(cx, source, "source", &text));
  OG_TRY(og_db__text_take(cx, o.name, "name", &name));
  OG_TRY(og_db__text_take(cx, o.source_name, "source_name", &source_name));
  OG_TRY(og_db__text_take(cx, o.branch, "branch", &target.branch));
  OG_TRY(og_db__pin(cx, s->session->db, &target, &at));
  og_status st = og_db__prepare(cx, s->session->db, at->catalog, text, source_name, name, &s->prepared);
  og_snapshot_unref(at);
  return st == OG_OK ? start_values(cx, s) : st;
}

og_status og_session_prepare(og_session *session, const char *source, const og_prepare_opts *opts, og_statement **out,
                             og_error *err)
{
  og_call c;
  og_ctx *cx = og_db__call_begin(&c, session, err);
  og_statement *s = og_zalloc(cx, sizeof *s);
  og_status st = OG_ENOMEM;
  if (s) {
    s->session = session;
    st = prepare(&c, s, source, opts);
  }
  if (st == OG_OK)
    *out = s;
  else
    og_statement_free(s);
  return og_db__call_end(&c, st);
}

void og_statement_free(og_statement *statement)
{
  og_statement *s = statement;
  if (!s) return;
  for (uint32_t i = 0; s->arenas && i < query_of(s)->n_params; i++) og_arena_cleanup(&s->arenas[i]);
  og_cached_unref(s->prepared);
  og_free(s->values);
  og_free(s->bound);
  og_free(s->arenas);
  og_free(s);
}

bool og_statement_is_mutation(const og_statement *statement)
{
  return query_of(statement)->is_mutation;
}

size_t og_statement_param_count(const og_statement *statement)
{
  return query_of(statement)->n_params;
}

const char *og_statement_param_name(const og_statement *statement, size_t param)
{
  return param < query_of(statement)->n_params ? statement->prepared->params[param].ptr : NULL;
}

/* ---- binding */

static og_status node_of(og_ctx *cx, og_arena *a, const og_value *v, og_json *node, const og_json **out)
{
  og_str text;
  *out = node;
  *node = (og_json){.kind = OG_JSON_NULL};
  if (!v) return OG_OK;
  switch (v->kind) {
  case OG_VALUE_NULL: return OG_OK;
  case OG_VALUE_BOOL: *node = (og_json){OG_JSON_BOOL, {.boolean = v->as.boolean}}; return OG_OK;
  case OG_VALUE_INT: *node = (og_json){OG_JSON_I64, {.i64 = v->as.integer}}; return OG_OK;
  case OG_VALUE_UINT:
    *node = (og_json){OG_JSON_U64, {.u64 = v->as.unsigned_integer}};
    if (v->as.unsigned_integer <= INT64_MAX) *node = (og_json){OG_JSON_I64, {.i64 = v->as.integer}};
    return OG_OK;
  case OG_VALUE_FLOAT: *node = (og_json){OG_JSON_F64, {.f64 = v->as.number}}; return OG_OK;
  case OG_VALUE_TEXT:
    OG_TRY(og_db__text_need(cx, v->as.text, "a value's text", &text));
    node->kind = OG_JSON_STRING;
    return og_arena_str(cx, a, text, &node->u.str);
  case OG_VALUE_JSON:
    OG_TRY(og_db__text_need(cx, v->as.text, "a value's text", &text));
    return og_json_read(cx, a, text, out);
  case OG_VALUE_LIST: return og_fail(cx, OG_EINVALID, "a list is given as JSON");
  }
  return og_fail(cx, OG_EINVALID, "%d is no kind of value", (int)v->kind);
}

static og_status find_param(og_ctx *cx, const og_statement *s, const char *name, uint32_t *out)
{
  og_str wanted;
  OG_TRY(og_db__text_need(cx, name, "param", &wanted));
  for (*out = 0; *out < query_of(s)->n_params; ++*out)
    if (og_str_eq(query_of(s)->params[*out].name, wanted)) return OG_OK;
  return og_fail(cx, OG_ENOTFOUND, "query '" OG_STR_FMT "' has no parameter '" OG_STR_FMT "'",
                 OG_STR_ARG(query_of(s)->name), OG_STR_ARG(wanted));
}

/* Sets parameter i to the value that stands in `fresh`; as it was before when that does not fit. */
static og_status bind_in(og_ctx *cx, og_statement *s, uint32_t i, const og_json *node, og_arena *fresh)
{
  og_scalar value;
  OG_TRY(og_params_bind_one(cx, fresh, &query_of(s)->params[i], node, &value));
  og_arena old = s->arenas[i];
  s->arenas[i] = *fresh;
  *fresh = old;
  s->values[i] = value;
  s->bound[i] = true;
  return OG_OK;
}

static og_status bind_value(og_ctx *cx, og_statement *s, const char *param, const og_value *value)
{
  OG_AUTO(og_arena) fresh = {0};
  uint32_t i;
  og_json here;
  const og_json *node;
  OG_TRY(find_param(cx, s, param, &i));
  OG_TRY(node_of(cx, &fresh, value, &here, &node));
  return bind_in(cx, s, i, node, &fresh);
}

og_status og_statement_bind(og_statement *statement, const char *param, const og_value *value, og_error *err)
{
  og_call c;
  og_ctx *cx = og_db__call_begin(&c, statement->session, err);
  return og_db__call_end(&c, bind_value(cx, statement, param, value));
}

static og_status bind_all(og_ctx *cx, og_statement *s, const char *params)
{
  og_str text;
  const og_scalar *unused;
  const og_query *q = query_of(s);
  OG_TRY(og_db__text_need(cx, params, "params", &text));
  OG_TRY(og_params_bind(cx, cx->arena, q, text, &unused)); /* is it right as a whole? */
  for (uint32_t i = 0; i < q->n_params; i++) {
    OG_AUTO(og_arena) fresh = {0};
    const og_json *object;
    OG_TRY(og_json_read(cx, &fresh, text, &object));
    OG_TRY(bind_in(cx, s, i, og_json_get(object, q->params[i].name), &fresh));
  }
  return OG_OK;
}

og_status og_statement_bind_json(og_statement *statement, const char *params, og_error *err)
{
  og_call c;
  og_ctx *cx = og_db__call_begin(&c, statement->session, err);
  return og_db__call_end(&c, bind_all(cx, statement, params));
}

/* The message is the one that is given for a text with its parameters. */
static og_status check_bound(og_ctx *cx, const og_statement *s)
{
  og_scalar unused;
  for (uint32_t i = 0; i < query_of(s)->n_params; i++)
    if (!s->bound[i]) OG_TRY(og_params_bind_one(cx, cx->arena, &query_of(s)->params[i], NULL, &unused));
  return OG_OK;
}

/* ---- running */

static og_status take_opts(og_call *c, const og_run_opts *given, og_run_opts *o, og_db_query_args *args)
{
  og_ctx *cx = &c->cx;
  og_run_opts_init(o);
  *args = (og_db_query_args){0};
  OG_TRY(og_db__opts_take(cx, o, sizeof *o, given));
  OG_TRY(og_db__text_take(cx, o->branch, "branch", &args->target.branch));
  OG_TRY(og_db__text_take(cx, o->snapshot, "snapshot", &args->target.snapshot));
  OG_TRY(og_db__text_take(cx, o->if_commit, "if_commit", &args->if_commit));
  OG_TRY(og_db__text_take(cx, o->actor, "actor", &args->actor));
  if (o->pin && (o->branch || o->snapshot))
    return og_fail(cx, OG_EINVALID, "'pin' says which state is read: no 'branch' and no 'snapshot' go with it");
  args->pin = o->pin ? o->pin->snapshot : NULL;
  args->limits = (og_db_limits){.memory = o->memory_limit, .rows = o->max_rows};
  og_db__call_bound(c, o->timeout_ms, o->cancel);
  return OG_OK;
}

/* Prepares anew when the schema is not the one it was. */
static og_status follow_schema(og_ctx *cx, og_statement *s, og_catalog *catalog)
{
  og_prepared *fresh;
  const og_prepared *p = s->prepared;
  if (p->catalog == catalog) return OG_OK;
  OG_TRY(og_db__prepare(cx, s->session->db, catalog, p->file.source.text, p->file.source.name, p->query->name, &fresh));
  og_cached_unref(s->prepared);
  s->prepared = fresh;
  return OG_OK;
}

static og_status read_at(og_ctx *cx, og_statement *s, og_snapshot *at, const og_db_limits *limits, og_result *out)
{
  OG_TRY(follow_schema(cx, s, at->catalog));
  return og_db__run(cx, at, s->prepared, s->values, limits, NULL, out);
}

static og_status read(og_call *c, og_statement *s, const og_run_opts *given, og_result *out)
{
  og_ctx *cx = &c->cx;
  og_run_opts o;
  og_db_query_args args;
  og_snapshot *at;
  *out = (og_result){0};
  OG_TRY(take_opts(c, given, &o, &args));
  if (args.if_commit.len) return og_fail(cx, OG_EINVALID, "'if_commit' guards mutations; a query reads a 'snapshot'");
  OG_TRY(og_db__expect(cx, query_of(s), false));
  OG_TRY(check_bound(cx, s));
  if (args.pin)
    at = og_snapshot_ref(args.pin);
  else
    OG_TRY(og_db__pin(cx, s->session->db, &args.target, &at));
  og_status st = read_at(cx, s, at, &args.limits, out);
  og_snapshot_unref(at);
  return st;
}

og_status og_statement_query(og_statement *statement, const og_run_opts *opts, og_result **out, og_error *err)
{
  og_call c;
  og_result r;
  og_ctx *cx = og_db__call_begin(&c, statement->session, err);
  og_status st = read(&c, statement, opts, &r);
  if (st == OG_OK) st = og_db__answer_new(cx, &r, out);
  og_result_cleanup(&r);
  return og_db__call_end(&c, st);
}

og_status og_statement_stream(og_statement *statement, const og_run_opts *opts, struct ArrowArrayStream *out,
                              og_error *err)
{
  og_call c;
  og_result r;
  og_ctx *cx = og_db__call_begin(&c, statement->session, err);
  og_status st = read(&c, statement, opts, &r);
  if (st == OG_OK) st = og_db__stream_new(cx, &r, out);
  og_result_cleanup(&r);
  return og_db__call_end(&c, st);
}

og_status og_statement_open(og_statement *statement, const og_run_opts *opts, og_cursor **out, og_error *err)
{
  og_call c;
  og_result r;
  og_ctx *cx = og_db__call_begin(&c, statement->session, err);
  og_status st = read(&c, statement, opts, &r);
  if (st == OG_OK) st = og_db__cursor_new(cx, &r, out);
  og_result_cleanup(&r);
  return og_db__call_end(&c, st);
}

static og_status mutate(og_call *c, og_statement *s, const og_run_opts *given, og_receipt *out)
{
  og_ctx *cx = &c->cx;
  og_run_opts o;
  og_db_query_args args;
  og_write_result r;
  OG_TRY(take_opts(c, given, &o, &args));
  if (args.target.snapshot.len || args.pin)
    return og_fail(cx, OG_EINVALID, "the past cannot be changed: a mutation takes a 'branch', no 'snapshot' or 'pin'");
  OG_TRY(check_bound(cx, s));
  args.source = s->prepared->file.source.text;
  args.source_name = s->prepared->file.source.name;
  args.name = query_of(s)->name;
  args.values = s->values;
  OG_TRY(og_db_mutate(cx, s->session->db, &args, &r));
  if (!out) return OG_OK;
  *out = (og_receipt){.nodes = r.affected_nodes, .edges = r.affected_edges};
  if (r.has_commit) og_db__give_commit(&r.commit, out);
  return OG_OK;
}

og_status og_statement_mutate(og_statement *statement, const og_run_opts *opts, og_receipt *out, og_error *err)
{
  og_call c;
  og_db__call_begin(&c, statement->session, err);
  return og_db__call_end(&c, mutate(&c, statement, opts, out));
}

/* ---- pins */

static og_status pin(og_call *c, og_session *s, const og_call_opts *given, og_pin **out)
{
  og_ctx *cx = &c->cx;
  og_call_opts o;
  og_db_target target = {0};
  og_call_opts_init(&o);
  OG_TRY(og_db__opts_take(cx, &o, sizeof o, given));
  OG_TRY(og_db__text_take(cx, o.branch, "branch", &target.branch));
  og_db__call_bound(c, o.timeout_ms, o.cancel);
  og_pin *p = og_zalloc(cx, sizeof *p);
  if (!p) return OG_ENOMEM;
  og_status st = og_db__pin(cx, s->db, &target, &p->snapshot);
  if (st == OG_OK && p->snapshot->fold->has_head) og_ulid_format(&p->snapshot->fold->head, p->commit);
  if (st == OG_OK)
    *out = p;
  else
    og_free(p);
  return st;
}

og_status og_session_pin(og_session *session, const og_call_opts *opts, og_pin **out, og_error *err)
{
  og_call c;
  og_db__call_begin(&c, session, err);
  return og_db__call_end(&c, pin(&c, session, opts, out));
}

const char *og_pin_commit(const og_pin *pin)
{
  return pin->commit;
}

void og_pin_release(og_pin *pin)
{
  if (!pin) return;
  og_snapshot_unref(pin->snapshot);
  og_free(pin);
}
