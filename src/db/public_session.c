/* SPDX-License-Identifier: MIT */
/* db/public_session.c -- sessions of the C API: a world of their own around a database handle.
 *
 *  (1) A session owns its runtime: env, memory account.  There is nothing global to set up.
 *  (2) Everything a session allocates is charged to its account, which is a block of itself (og_mem_new): results and
 *      Arrow arrays that outlive the session keep the account, and need nothing else of it.
 *  (3) A function of the API is: begin a call, take options and strings, ask og_db_*, copy out, end the call.
 */
#include "base/env.h"
#include "base/pool.h"
#include "db/public.h"

/* ---- options */

void og_open_opts_init(og_open_opts *opts)
{
  *opts = (og_open_opts){.size = sizeof *opts};
}

void og_call_opts_init(og_call_opts *opts)
{
  *opts = (og_call_opts){.size = sizeof *opts};
}

/* ---- opening */

typedef struct opening {
  og_open_opts opts;
  const char *uri, *schema;
  bool create; /* from `schema` */
  og_session *session;
} opening;

static og_status open_world(og_call *c, og_session *s)
{
  OG_TRY(og_env_posix_new(s->mem, &s->rt.env));
  c->cx.rt = &s->rt;
  c->cx.env = s->rt.env;
  return OG_OK;
}

static og_status open_graph(og_call *c, const opening *o)
{
  og_ctx *cx = &c->cx;
  og_session *s = o->session;
  og_str uri = og_str_of(o->uri), schema, actor;
  if (!o->uri) return og_fail(cx, OG_EINVALID, "'uri' must be given, it is NULL");
  OG_TRY(open_world(c, s));
  if (o->opts.threads != 1) OG_TRY(og_pool_new(cx, o->opts.threads, &s->rt.pool));
  og_db__call_bound(c, o->opts.timeout_ms, o->opts.cancel);
  if (o->create) {
    OG_TRY(og_db__text_need(cx, o->schema, "schema", &schema));
    OG_TRY(og_db__text_take(cx, o->opts.actor, "actor", &actor));
    OG_TRY(og_db_init(cx, uri, schema, OG_STR_NONE, o->opts.force, actor));
  }
  OG_TRY(og_db_open(cx, uri, o->opts.read_only, &s->db));
  s->uri = og_strdup(cx, og_db_uri(s->db));
  return s->uri ? OG_OK : OG_ENOMEM;
}

/* A session with its account and nothing else. */
static og_status session_new(og_ctx *cx, uint64_t memory_limit, og_session **out)
{
  og_mem *mem = og_mem_new(memory_limit);
  if (!mem) return og_fail(cx, OG_ENOMEM, "out of memory (a session)");
  cx->mem = mem;
  og_session *s = og_zalloc(cx, sizeof *s);
  if (!s) {
    og_mem_free(mem);
    return OG_ENOMEM;
  }
  s->mem = mem;
  *out = s;
  return OG_OK;
}

static og_status session_open(opening *o, const og_open_opts *given, og_session **out, og_error *err)
{
  og_call c;
  og_runtime none = {0};
  og_ctx *cx = og_db__call_bare(&c, &none.mem, &none, err);
  og_open_opts_init(&o->opts);
  OG_TRY(og_db__opts_take(cx, &o->opts, sizeof o->opts, given));
  OG_TRY(session_new(cx, o->opts.memory_limit, &o->session));
  og_status st = og_db__call_end(&c, open_graph(&c, o));
  if (st == OG_OK)
    *out = o->session;
  else
    og_session_close(o->session);
  return st;
}

og_status og_session_create(const char *uri, const char *schema, const og_open_opts *opts, og_session **out,
                            og_error *err)
{
  opening o = {.uri = uri, .schema = schema, .create = true};
  return session_open(&o, opts, out, err);
}

og_status og_session_open(const char *uri, const og_open_opts *opts, og_session **out, og_error *err)
{
  opening o = {.uri = uri};
  return session_open(&o, opts, out, err);
}

void og_session_close(og_session *session)
{
  if (!session) return;
  og_mem *mem = session->mem;
  og_db_close(session->db);
  og_pool_free(session->rt.pool);
  og_env_posix_free(session->rt.env);
  og_free(session->uri);
  og_free(session);
  og_mem_free(mem);
}

const char *og_session_uri(const og_session *session)
{
  return session->uri;
}
