/* SPDX-License-Identifier: MIT */
/* db/public_write.c -- loads and mutations of the C API: both give a receipt. */
#include "db/public.h"

#include "base/env.h"

void og_db__give_commit(const og_commit *commit, og_receipt *out)
{
  _Static_assert(sizeof out->commit == OG_ULID_LEN + 1, "an id and its NUL");
  og_ulid_format(&commit->id, out->commit);
  out->commit[OG_ULID_LEN] = '\0';
}

/* ---- loads */

void og_load_opts_init(og_load_opts *opts)
{
  *opts = (og_load_opts){.size = sizeof *opts, .mode = OG_LOAD_APPEND};
}

static og_status load_args(og_ctx *cx, const og_load_opts *o, og_load_args *out)
{
  if (o->mode != OG_LOAD_OVERWRITE && o->mode != OG_LOAD_APPEND && o->mode != OG_LOAD_MERGE)
    return og_fail(cx, OG_EINVALID, "%d is no load mode", (int)o->mode);
  out->mode = o->mode;
  out->progress = o->progress;
  out->progress_arg = o->progress_arg;
  OG_TRY(og_db__text_take(cx, o->branch, "branch", &out->branch));
  OG_TRY(og_db__text_take(cx, o->from, "from", &out->from));
  return og_db__text_take(cx, o->actor, "actor", &out->actor);
}

/* What the two loads share: `args` has the input already. */
static og_status load(og_call *c, og_session *s, og_load_args *args, const og_load_opts *given, og_receipt *out)
{
  og_load_opts o;
  og_load_result r;
  og_load_opts_init(&o);
  OG_TRY(og_db__opts_take(&c->cx, &o, sizeof o, given));
  OG_TRY(load_args(&c->cx, &o, args));
  og_db__call_bound(c, o.timeout_ms, o.cancel);
  OG_TRY(og_db_load(&c->cx, s->db, args, &r));
  if (!out) return OG_OK;
  *out = (og_receipt){.branch_created = r.branch_created};
  for (uint32_t i = 0; i < r.n_nodes; i++) out->nodes += r.nodes[i].loaded;
  for (uint32_t i = 0; i < r.n_edges; i++) out->edges += r.edges[i].loaded;
  og_db__give_commit(&r.commit, out);
  return OG_OK;
}

/* Relative paths start in the working folder, as everywhere. */
static og_status absolute_path(og_ctx *cx, const char *path, const char **out)
{
  og_str whole;
  OG_AUTO(og_buf) cwd = {0};
  if (!path) return og_fail(cx, OG_EINVALID, "'path' must be given, it is NULL");
  *out = path;
  if (path[0] == '/') return OG_OK;
  OG_TRY(cx->env->ops->cwd(cx, &cwd));
  OG_TRY(og_arena_printf(cx, cx->arena, &whole, OG_STR_FMT "/%s", OG_STR_ARG(og_buf_str(&cwd)), path));
  *out = whole.ptr;
  return OG_OK;
}

og_status og_session_load_file(og_session *session, const char *path, const og_load_opts *opts, og_receipt *out,
                               og_error *err)
{
  og_call c;
  og_load_args args = {0};
  og_ctx *cx = og_db__call_begin(&c, session, err);
  og_status st = absolute_path(cx, path, &args.path);
  if (st == OG_OK) st = load(&c, session, &args, opts, out);
  return og_db__call_end(&c, st);
}

og_status og_session_load_bytes(og_session *session, const void *bytes, size_t len, const og_load_opts *opts,
                                og_receipt *out, og_error *err)
{
  og_call c;
  og_load_args args = {.bytes = og_str_from(bytes, len)};
  og_ctx *cx = og_db__call_begin(&c, session, err);
  og_status st = OG_OK;
  if (!bytes && len > 0) st = og_fail(cx, OG_EINVALID, "'bytes' must be given, it is NULL");
  if (st == OG_OK) st = load(&c, session, &args, opts, out);
  return og_db__call_end(&c, st);
}

/* ---- mutations */

static og_status mutate(og_call *c, og_session *s, const char *source, const og_query_opts *given, og_receipt *out)
{
  og_ctx *cx = &c->cx;
  og_query_opts o;
  og_db_query_args args;
  og_write_result r;
  og_query_opts_init(&o);
  OG_TRY(og_db__opts_take(cx, &o, sizeof o, given));
  OG_TRY(og_db__query_args(cx, source, &o, &args));
  if (args.target.snapshot.len)
    return og_fail(cx, OG_EINVALID, "the past cannot be changed: a mutation takes a 'branch', no 'snapshot'");
  if (args.pin) return og_fail(cx, OG_EINVALID, "the past cannot be changed: a mutation takes a 'branch', no 'pin'");
  og_db__call_bound(c, o.timeout_ms, o.cancel);
  OG_TRY(og_db_mutate(cx, s->db, &args, &r));
  if (!out) return OG_OK;
  *out = (og_receipt){.nodes = r.affected_nodes, .edges = r.affected_edges};
  if (r.has_commit) og_db__give_commit(&r.commit, out);
  return OG_OK;
}

og_status og_session_mutate(og_session *session, const char *source, const og_query_opts *opts, og_receipt *out,
                            og_error *err)
{
  og_call c;
  og_db__call_begin(&c, session, err);
  return og_db__call_end(&c, mutate(&c, session, source, opts, out));
}
