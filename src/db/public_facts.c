/* SPDX-License-Identifier: MIT */
/* db/public_facts.c -- lists of the C API: tables, branches, commits, findings; schema and export.
 */
#include "base/vec.h"
#include "db/public.h"

/* ---- calls */

/* Takes the options of a call; `branch` NULL: the call is about no branch, and refuses one. */
static og_status take_opts(og_call *c, const og_call_opts *given, og_str *branch, og_str *actor)
{
  og_ctx *cx = &c->cx;
  og_call_opts o;
  og_str none;
  og_call_opts_init(&o);
  OG_TRY(og_db__opts_take(cx, &o, sizeof o, given));
  OG_TRY(og_db__text_take(cx, o.branch, "branch", branch ? branch : &none));
  if (!branch && none.len) return og_fail(cx, OG_EINVALID, "this call is about no single branch: leave 'branch' out");
  OG_TRY(og_db__text_take(cx, o.actor, "actor", actor));
  og_db__call_bound(c, o.timeout_ms, o.cancel);
  return OG_OK;
}

/* ---- tables */

static og_status give_dataset(og_ctx *cx, og_arena *a, const og_dataset_info *d, og_dataset_item *out)
{
  *out = (og_dataset_item){.is_edge = d->is_edge, .version = d->version, .rows = d->rows};
  OG_TRY(og_db__text_give(cx, a, d->type_name, false, &out->type_name));
  OG_TRY(og_db__text_give(cx, a, d->path, false, &out->path));
  return og_db__text_give(cx, a, d->native_branch, true, &out->native_branch);
}

static og_status dataset_og_db__list_new(og_ctx *cx, const og_snapshot_info *info, og_dataset_list **out)
{
  og_arena a = {0};
  og_dataset_list *list = og_db__list_new(cx, &a, sizeof *list);
  og_dataset_item *items = list ? og_arena_calloc(cx, &a, (size_t)info->n_datasets + 1, sizeof *items) : NULL;
  og_status st = items ? og_db__text_give(cx, &a, info->branch, false, &list->branch) : OG_ENOMEM;
  for (uint32_t i = 0; st == OG_OK && i < info->n_datasets; i++)
    st = give_dataset(cx, &a, &info->datasets[i], &items[i]);
  if (st == OG_OK) {
    list->manifest_version = info->manifest_version;
    list->count = info->n_datasets;
    list->items = items;
  }
  if (og_db__list_keep(st, list, &a)) *out = list;
  return st;
}

og_status og_session_snapshot(og_session *session, const og_call_opts *opts, og_dataset_list **out, og_error *err)
{
  og_call c;
  og_str branch, actor;
  og_snapshot_info info;
  og_ctx *cx = og_db__call_begin(&c, session, err);
  og_status st = take_opts(&c, opts, &branch, &actor);
  if (st == OG_OK) st = og_db_snapshot(cx, session->db, branch, &info);
  if (st == OG_OK) st = dataset_og_db__list_new(cx, &info, out);
  return og_db__call_end(&c, st);
}

void og_dataset_list_free(og_dataset_list *list)
{
  og_db__list_free(list);
}

/* ---- schema */

og_status og_session_schema(og_session *session, const og_call_opts *opts, og_text **out, og_error *err)
{
  og_call c;
  og_str branch, actor, source;
  og_buf text = {0};
  og_ctx *cx = og_db__call_begin(&c, session, err);
  og_status st = take_opts(&c, opts, &branch, &actor);
  if (st == OG_OK) st = og_db_schema_source(cx, session->db, branch, &source);
  if (st == OG_OK) st = og_buf_append_str(cx, &text, source);
  if (st == OG_OK) st = og_db__text_new(cx, &text, out);
  og_buf_cleanup(&text);
  return og_db__call_end(&c, st);
}

/* ---- export */

typedef struct receiver {
  og_export_fn write;
  void *arg;
} receiver;

static og_status pass_on(og_ctx *cx, void *arg, og_str bytes)
{
  const receiver *r = arg;
  if (r->write(r->arg, bytes.ptr, bytes.len) == 0) return OG_OK;
  return og_fail(cx, OG_ECANCELLED, "the export was stopped by its receiver");
}

static og_status export(og_call *c, og_session *s, const char *const *names, receiver *to, const og_call_opts *opts)
{
  og_ctx *cx = &c->cx;
  og_str branch, actor;
  size_t n = 0;
  if (!to->write) return og_fail(cx, OG_EINVALID, "'write' must be given, it is NULL");
  OG_TRY(take_opts(c, opts, &branch, &actor));
  while (names && names[n]) n++;
  og_str *types = og_push_array(cx, n + 1, sizeof *types);
  if (!types) return OG_ENOMEM;
  for (size_t i = 0; i < n; i++) OG_TRY(og_db__text_take(cx, names[i], "types", &types[i]));
  return og_db_export(cx, s->db, branch, types, n, pass_on, to);
}

og_status og_session_export(og_session *session, const char *const *types, og_export_fn write, void *arg,
                            const og_call_opts *opts, og_error *err)
{
  og_call c;
  receiver to = {write, arg};
  og_db__call_begin(&c, session, err);
  return og_db__call_end(&c, export(&c, session, types, &to, opts));
}

/* ---- branches */

static og_status branch_og_db__list_new(og_ctx *cx, const og_vec *branches, og_branch_list **out)
{
  og_arena a = {0};
  og_branch_list *list = og_db__list_new(cx, &a, sizeof *list);
  og_branch_item *items = list ? og_arena_calloc(cx, &a, branches->len + 1, sizeof *items) : NULL;
  og_status st = items ? OG_OK : OG_ENOMEM;
  for (size_t i = 0; st == OG_OK && i < branches->len; i++) {
    const og_branch_info *b = &OG_VEC_AT(branches, og_branch_info, i);
    bool is_main = og_str_eq(b->name, OG_STR("main"));
    st = og_db__text_give(cx, &a, b->name, false, &items[i].name);
    if (st == OG_OK && !is_main)
      st = og_db__text_give(cx, &a, b->parent.len ? b->parent : OG_STR("main"), false, &items[i].parent);
  }
  if (st == OG_OK) {
    list->count = branches->len;
    list->items = items;
  }
  if (og_db__list_keep(st, list, &a)) *out = list;
  return st;
}

og_status og_session_branches(og_session *session, const og_call_opts *opts, og_branch_list **out, og_error *err)
{
  og_call c;
  og_str actor;
  og_vec branches = OG_VEC_INIT(og_branch_info);
  og_ctx *cx = og_db__call_begin(&c, session, err);
  og_status st = take_opts(&c, opts, NULL, &actor);
  if (st == OG_OK) st = og_db_branches(cx, session->db, &branches);
  if (st == OG_OK) st = branch_og_db__list_new(cx, &branches, out);
  og_vec_cleanup(&branches);
  return og_db__call_end(&c, st);
}

void og_branch_list_free(og_branch_list *list)
{
  og_db__list_free(list);
}

og_status og_session_branch_create(og_session *session, const char *name, const char *from, const og_call_opts *opts,
                                   og_error *err)
{
  og_call c;
  og_str actor, branch, parent;
  og_ctx *cx = og_db__call_begin(&c, session, err);
  og_status st = take_opts(&c, opts, NULL, &actor);
  if (st == OG_OK) st = og_db__text_need(cx, name, "name", &branch);
  if (st == OG_OK) st = og_db__text_take(cx, from, "from", &parent);
  if (st == OG_OK) st = og_db_branch_create(cx, session->db, branch, parent, actor);
  return og_db__call_end(&c, st);
}

og_status og_session_branch_delete(og_session *session, const char *name, const og_call_opts *opts, og_error *err)
{
  og_call c;
  og_str actor, branch;
  og_ctx *cx = og_db__call_begin(&c, session, err);
  og_status st = take_opts(&c, opts, NULL, &actor);
  if (st == OG_OK) st = og_db__text_need(cx, name, "name", &branch);
  if (st == OG_OK) st = og_db_branch_delete(cx, session->db, branch, actor);
  return og_db__call_end(&c, st);
}

/* ---- commits */

static og_status give_id(og_ctx *cx, og_arena *a, bool has, const og_ulid *id, const char **out)
{
  char text[OG_ULID_LEN];
  if (has) og_ulid_format(id, text);
  return og_db__text_give(cx, a, og_str_from(text, has ? sizeof text : 0), true, out);
}

static og_status give_commit(og_ctx *cx, og_arena *a, const og_commit *k, og_commit_item *out)
{
  *out = (og_commit_item){.manifest_version = k->manifest_version, .created_us = k->created_us};
  OG_TRY(give_id(cx, a, true, &k->id, &out->id));
  OG_TRY(give_id(cx, a, k->has_parent, &k->parent, &out->parent));
  OG_TRY(give_id(cx, a, k->has_merged_parent, &k->merged_parent, &out->merged_parent));
  OG_TRY(og_db__text_give(cx, a, k->actor, true, &out->actor));
  return og_db__text_give(cx, a, k->branch.len ? k->branch : OG_STR("main"), false, &out->branch);
}

static og_status commit_og_db__list_new(og_ctx *cx, const og_commit *commits, size_t n, og_commit_list **out)
{
  og_arena a = {0};
  og_commit_list *list = og_db__list_new(cx, &a, sizeof *list);
  og_commit_item *items = list ? og_arena_calloc(cx, &a, n + 1, sizeof *items) : NULL;
  og_status st = items ? OG_OK : OG_ENOMEM;
  for (size_t i = 0; st == OG_OK && i < n; i++) st = give_commit(cx, &a, &commits[i], &items[i]);
  if (st == OG_OK) {
    list->count = n;
    list->items = items;
  }
  if (og_db__list_keep(st, list, &a)) *out = list;
  return st;
}

og_status og_session_commits(og_session *session, const og_call_opts *opts, og_commit_list **out, og_error *err)
{
  og_call c;
  og_str branch, actor;
  og_vec commits = OG_VEC_INIT(og_commit);
  og_ctx *cx = og_db__call_begin(&c, session, err);
  og_status st = take_opts(&c, opts, &branch, &actor);
  if (st == OG_OK) st = og_db_commits(cx, session->db, branch, &commits);
  if (st == OG_OK) st = commit_og_db__list_new(cx, commits.data, commits.len, out);
  og_vec_cleanup(&commits);
  return og_db__call_end(&c, st);
}

og_status og_session_commit(og_session *session, const char *id, const og_call_opts *opts, og_commit_list **out,
                            og_error *err)
{
  og_call c;
  og_str branch, actor, text;
  og_commit commit;
  og_ctx *cx = og_db__call_begin(&c, session, err);
  og_status st = take_opts(&c, opts, &branch, &actor);
  if (st == OG_OK) st = og_db__text_need(cx, id, "id", &text);
  if (st == OG_OK) st = og_db_commit(cx, session->db, branch, text, &commit);
  if (st == OG_OK) st = commit_og_db__list_new(cx, &commit, 1, out);
  return og_db__call_end(&c, st);
}

void og_commit_list_free(og_commit_list *list)
{
  og_db__list_free(list);
}

/* ---- lint */

typedef struct finder {
  og_arena arena;
  og_lint_item *items;
  size_t n;
} finder;

static og_status find(og_ctx *cx, finder *f, const char *severity, const char *code, og_str query, og_str message)
{
  og_lint_item *item = &f->items[f->n++];
  *item = (og_lint_item){.severity = severity, .code = code};
  OG_TRY(og_db__text_give(cx, &f->arena, query, true, &item->query));
  return og_db__text_give(cx, &f->arena, message, false, &item->message);
}

static og_status find_all(og_ctx *cx, finder *f, const og_lint_report *r)
{
  static const char *const names[] = {[OG_SEV_ERROR] = "error", [OG_SEV_WARNING] = "warning", [OG_SEV_INFO] = "info"};
  for (uint32_t i = 0; i < r->n_queries; i++) {
    const og_lint_query *q = &r->queries[i];
    if (!q->ok) OG_TRY(find(cx, f, names[OG_SEV_ERROR], NULL, q->name, q->error));
    for (uint32_t k = 0; k < q->n_warnings; k++)
      OG_TRY(find(cx, f, names[OG_SEV_WARNING], NULL, q->name, q->warnings[k]));
  }
  for (uint32_t i = 0; i < r->n_findings; i++) {
    const og_lint_finding *x = &r->findings[i];
    OG_TRY(find(cx, f, names[x->severity], x->code, OG_STR_NONE, x->message));
  }
  return OG_OK;
}

static size_t findings_count(const og_lint_report *r)
{
  size_t n = r->n_findings;
  for (uint32_t i = 0; i < r->n_queries; i++) n += (size_t)!r->queries[i].ok + r->queries[i].n_warnings;
  return n;
}

static og_status lint_og_db__list_new(og_ctx *cx, const og_lint_report *r, og_lint_list **out)
{
  finder f = {0};
  og_lint_list *list = og_db__list_new(cx, &f.arena, sizeof *list);
  f.items = list ? og_arena_calloc(cx, &f.arena, findings_count(r) + 1, sizeof *f.items) : NULL;
  og_status st = f.items ? find_all(cx, &f, r) : OG_ENOMEM;
  if (st == OG_OK) *list = (og_lint_list){.ok = r->ok, .queries = r->processed, .count = f.n, .items = f.items};
  if (og_db__list_keep(st, list, &f.arena)) *out = list;
  return st;
}

og_status og_session_lint(og_session *session, const char *source, const char *source_name, const og_call_opts *opts,
                          og_lint_list **out, og_error *err)
{
  og_call c;
  og_str actor, text, name;
  og_lint_report report;
  og_ctx *cx = og_db__call_begin(&c, session, err);
  og_status st = take_opts(&c, opts, NULL, &actor);
  if (st == OG_OK) st = og_db__text_need(cx, source, "source", &text);
  if (st == OG_OK) st = og_db__text_take(cx, source_name, "source_name", &name);
  if (st == OG_OK) st = og_db_lint(cx, session->db, text, name, &report);
  if (st == OG_OK) st = lint_og_db__list_new(cx, &report, out);
  return og_db__call_end(&c, st);
}

void og_lint_list_free(og_lint_list *list)
{
  og_db__list_free(list);
}
