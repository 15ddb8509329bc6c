/* SPDX-License-Identifier: MIT */
/* cli/cmd_history.c -- what changed: diff, the changes of a commit, the feed of a branch. */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>

static og_change_filter filter_of(const cli *c)
{
  return (og_change_filter){.kinds = c->kinds.data,
                            .types = c->types.data,
                            .ops = c->ops.data,
                            .n_kinds = c->kinds.len,
                            .n_types = c->types.len,
                            .n_ops = c->ops.len};
}

static og_status page_opts(cli *c, og_page_opts *out)
{
  *out = (og_page_opts){.has_limit = cli_has(c, FLAG_LIMIT)};
  if (out->has_limit && !og_str_to_u64(c->values[FLAG_LIMIT], &out->limit))
    return cli_usage(c, "--limit is a number, not '" OG_STR_FMT "'", OG_STR_ARG(c->values[FLAG_LIMIT]));
  return OG_OK;
}

/* ---- changes for people */

static og_status value_text(cli *c, const og_json *v, og_str *out)
{
  OG_AUTO(og_buf) text = {0};
  og_json_writer w;
  if (!v || v->kind == OG_JSON_NULL) {
    *out = v ? OG_STR("<null>") : OG_STR("<absent>");
    return OG_OK;
  }
  og_json_writer_init(&w, &text, false);
  OG_TRY(og_json_node(c->cx, &w, v));
  return og_arena_str(c->cx, c->cx->arena, og_buf_str(&text), out);
}

static og_status print_line(cli *c, const char *before, og_str key, og_str a, const char *between, og_str b)
{
  OG_TRY(cli_printf(c, "  %s", before));
  OG_TRY(cli_write(c, key));
  OG_TRY(cli_write(c, OG_STR(": ")));
  OG_TRY(cli_write(c, a));
  OG_TRY(cli_printf(c, "%s", between));
  OG_TRY(cli_write(c, b));
  return cli_write(c, OG_STR("\n"));
}

/* Members of one image, or of two where they differ. */
static og_status print_members(cli *c, const og_json *before, const og_json *after)
{
  const og_json *all = after ? after : before;
  for (size_t i = 0; all && all->kind == OG_JSON_OBJECT && i < all->u.object.len; i++) {
    const og_json_member *m = &all->u.object.members[i];
    og_str old, new;
    OG_TRY(value_text(c, og_json_get(before, m->key), &old));
    OG_TRY(value_text(c, og_json_get(after, m->key), &new));
    if (before && after) {
      if (!og_str_eq(old, new)) OG_TRY(print_line(c, "", m->key, old, " -> ", new));
    } else if (m->value->kind != OG_JSON_NULL) {
      OG_TRY(print_line(c, after ? "+" : "-", m->key, after ? new : old, "", OG_STR_NONE));
    }
  }
  return OG_OK;
}

static og_status print_change(cli *c, const og_change *k)
{
  const og_json *before = NULL, *after = NULL;
  OG_TRY(cli_printf(c, "%s %s ", og_delta_op_name(k->op), k->is_edge ? "edge" : "node"));
  OG_TRY(cli_write(c, k->type_name));
  OG_TRY(cli_write(c, OG_STR(" ")));
  OG_TRY(cli_write(c, k->id));
  OG_TRY(cli_write(c, OG_STR("\n")));
  if (k->before.ptr) OG_TRY(og_json_read(c->cx, c->cx->arena, k->before, &before));
  if (k->after.ptr) OG_TRY(og_json_read(c->cx, c->cx->arena, k->after, &after));
  OG_TRY(print_members(c, og_json_get(before, OG_STR("endpoints")), og_json_get(after, OG_STR("endpoints"))));
  return print_members(c, og_json_get(before, OG_STR("properties")), og_json_get(after, OG_STR("properties")));
}

static og_status print_cause(cli *c, const og_commit *k)
{
  char id[OG_ULID_LEN];
  og_ulid_format(&k->id, id);
  OG_TRY(cli_printf(c, "commit %.26s graph_branch=" OG_STR_FMT " actor=" OG_STR_FMT, id,
                    OG_STR_ARG(cli_branch_or_main(k->branch)), OG_STR_ARG(k->actor.len ? k->actor : OG_STR("none"))));
  og_ulid_format(&k->merged_parent, id);
  return k->has_merged_parent ? cli_printf(c, " merged=%.26s\n", id) : cli_printf(c, "\n");
}

/* ---- diff */

typedef struct writer {
  cli *c;
  og_json_writer json;
} writer;

static og_status write_change(og_ctx *cx, void *arg, const og_change *k)
{
  writer *w = arg;
  return cli_has(w->c, FLAG_JSON) ? og_api_change(cx, k, &w->json) : print_change(w->c, k);
}

static og_status print_stat(cli *c, const og_vec *counts)
{
  uint64_t all[3] = {0};
  for (size_t i = 0; i < counts->len; i++) {
    const og_change_count *n = &OG_VEC_AT(counts, og_change_count, i);
    OG_TRY(cli_printf(c, "%s %-24.200s %8" PRIu64 " + %8" PRIu64 " ~ %8" PRIu64 " -\n", n->is_edge ? "edge" : "node",
                      n->type_name.ptr, n->inserted, n->updated, n->deleted));
    all[0] += n->inserted;
    all[1] += n->updated;
    all[2] += n->deleted;
  }
  return cli_printf(c, "%zu types changed: %" PRIu64 " inserted, %" PRIu64 " updated, %" PRIu64 " deleted\n",
                    counts->len, all[0], all[1], all[2]);
}

static og_status diff_stat(cli *c, og_db *db, const og_diff_args *args)
{
  og_vec counts = OG_VEC_INIT(og_change_count);
  og_status st = og_db_diff_count(c->cx, db, args, &counts);
  if (st == OG_OK && cli_has(c, FLAG_JSON)) {
    og_json_writer w = cli_json(c);
    st = og_api_change_counts(c->cx, &counts, &w);
    if (st == OG_OK) st = cli_end_json(c);
  } else if (st == OG_OK) {
    st = print_stat(c, &counts);
  }
  og_vec_cleanup(&counts);
  return st;
}

static og_status diff_changes(cli *c, og_db *db, const og_diff_args *args)
{
  writer w = {.c = c, .json = cli_json(c)};
  if (!cli_has(c, FLAG_JSON)) return og_db_diff(c->cx, db, args, write_change, &w);
  OG_TRY(og_json_begin_object(c->cx, &w.json));
  OG_TRY(og_json_key(c->cx, &w.json, OG_STR("changes")));
  OG_TRY(og_json_begin_array(c->cx, &w.json));
  OG_TRY(og_db_diff(c->cx, db, args, write_change, &w));
  OG_TRY(og_json_end_array(c->cx, &w.json));
  OG_TRY(og_json_end_object(c->cx, &w.json));
  return cli_end_json(c);
}

og_status cmd_diff(cli *c)
{
  og_db *db;
  const og_diff_args args = {.from = c->values[FLAG_FROM], .to = c->values[FLAG_TO], .filter = filter_of(c)};
  if (!cli_has(c, FLAG_FROM) || !cli_has(c, FLAG_TO))
    return cli_usage(c, "`diff` needs --from and --to: commits or branches");
  OG_TRY(cli_open(c, 0, true, &db));
  og_status st = cli_has(c, FLAG_STAT) ? diff_stat(c, db, &args) : diff_changes(c, db, &args);
  og_db_close(db);
  return st;
}

/* ---- the changes of a commit */

static og_status print_block(cli *c, const og_change_block *b)
{
  OG_TRY(print_cause(c, &b->cause));
  for (size_t i = 0; i < b->n_changes; i++) OG_TRY(print_change(c, &b->changes[i]));
  return OG_OK;
}

og_status cmd_commit_changes(cli *c)
{
  og_db *db;
  og_change_block block;
  og_str next;
  og_commit_ask ask = {.filter = filter_of(c), .page_token = c->values[FLAG_PAGE_TOKEN]};
  OG_TRY(page_opts(c, &ask.opts));
  OG_TRY(cli_open(c, 1, true, &db));
  og_status st = og_db_commit_changes(c->cx, db, cli_positional(c, 0), &ask, &block, &next);
  og_db_close(db);
  OG_TRY(st);
  if (cli_has(c, FLAG_JSON)) {
    og_json_writer w = cli_json(c);
    OG_TRY(og_api_commit_changes(c->cx, &block, next, &w));
    return cli_end_json(c);
  }
  OG_TRY(print_block(c, &block));
  return next.ptr ? cli_printf(c, "next_page_token: " OG_STR_FMT "\n", OG_STR_ARG(next)) : OG_OK;
}

/* ---- the feed */

/* Blocks go out as they come; one that goes on over several pages is one block. */
typedef struct feed_writer {
  cli *c;
  og_json_writer json;
  bool in_block;
  og_ulid block;
  size_t blocks;
} feed_writer;

static og_status end_block(feed_writer *f)
{
  if (!f->in_block || !cli_has(f->c, FLAG_JSON)) return OG_OK;
  OG_TRY(og_json_end_array(f->c->cx, &f->json));
  return og_json_end_object(f->c->cx, &f->json);
}

static og_status begin_block(feed_writer *f, const og_commit *cause)
{
  og_ctx *cx = f->c->cx;
  OG_TRY(end_block(f));
  f->in_block = true;
  f->block = cause->id;
  f->blocks++;
  if (!cli_has(f->c, FLAG_JSON)) return print_cause(f->c, cause);
  OG_TRY(og_json_begin_object(cx, &f->json));
  OG_TRY(og_json_key(cx, &f->json, OG_STR("cause")));
  OG_TRY(og_api_cause(cx, cause, &f->json));
  OG_TRY(og_json_key(cx, &f->json, OG_STR("changes")));
  return og_json_begin_array(cx, &f->json);
}

static og_status write_page(feed_writer *f, const og_feed_page *page)
{
  for (size_t i = 0; i < page->n_blocks; i++) {
    const og_change_block *b = &page->blocks[i];
    if (!f->in_block || og_ulid_cmp(&f->block, &b->cause.id) != 0) OG_TRY(begin_block(f, &b->cause));
    for (size_t k = 0; k < b->n_changes; k++)
      OG_TRY(cli_has(f->c, FLAG_JSON) ? og_api_change(f->c->cx, &b->changes[k], &f->json)
                                      : print_change(f->c, &b->changes[k]));
  }
  return OG_OK;
}

/* Pages, and polls that stopped at their share of commits, until the feed is caught up or cannot go on. */
static og_status read_feed(feed_writer *f, og_db *db, og_feed_poll *poll, og_feed_page *page)
{
  for (;;) {
    OG_TRY(og_db_feed(f->c->cx, db, poll, page));
    OG_TRY(write_page(f, page));
    poll->start = OG_STR_NONE;
    poll->page_token = page->next_page_token;
    poll->cursor = page->cursor;
    if (!page->next_page_token.ptr && (page->caught_up || page->blocked)) return OG_OK;
  }
}

static og_status print_feed(feed_writer *f, og_db *db, og_feed_poll *poll)
{
  og_ctx *cx = f->c->cx;
  og_feed_page page;
  const bool json = cli_has(f->c, FLAG_JSON);
  if (json) {
    OG_TRY(og_json_begin_object(cx, &f->json));
    OG_TRY(og_json_key(cx, &f->json, OG_STR("blocks")));
    OG_TRY(og_json_begin_array(cx, &f->json));
  }
  og_status st = read_feed(f, db, poll, &page);
  if (st == OG_EGONE) f->c->extra.cursor = page.cursor;
  OG_TRY(st);
  if (!json) {
    if (f->blocks == 0) OG_TRY(cli_printf(f->c, "(no new commits)\n"));
    OG_TRY(cli_write(f->c, OG_STR("cursor: ")));
    OG_TRY(cli_write(f->c, page.cursor));
    return cli_printf(f->c, "\ncaught_up: %s\n", page.caught_up ? "true" : "false");
  }
  OG_TRY(end_block(f));
  OG_TRY(og_json_end_array(cx, &f->json));
  OG_TRY(og_json_kv_str(cx, &f->json, "cursor", page.cursor));
  OG_TRY(og_json_kv_bool(cx, &f->json, "caught_up", page.caught_up));
  OG_TRY(og_json_end_object(cx, &f->json));
  return cli_end_json(f->c);
}

og_status cmd_changes_poll(cli *c)
{
  og_db *db;
  feed_writer f = {.c = c, .json = cli_json(c)};
  og_feed_poll poll = {.branch = c->values[FLAG_BRANCH],
                       .start = c->values[FLAG_START],
                       .cursor = c->values[FLAG_CURSOR],
                       .filter = filter_of(c)};
  OG_TRY(page_opts(c, &poll.opts));
  if (!poll.start.len && !poll.cursor.ptr) poll.start = OG_STR("now");
  OG_TRY(cli_open(c, 0, true, &db));
  og_status st = print_feed(&f, db, &poll);
  og_db_close(db);
  return st;
}

og_status cmd_changes_baseline(cli *c)
{
  og_db *db;
  og_baseline b;
  og_str path;
  const og_change_filter filter = filter_of(c);
  if (!cli_has(c, FLAG_OUT)) return cli_usage(c, "`changes baseline` needs --out FILE");
  OG_TRY(cli_absolute(c, c->values[FLAG_OUT], &path));
  OG_TRY(cli_open(c, 0, true, &db));
  og_status st = og_db_baseline(c->cx, db, c->values[FLAG_BRANCH], &filter, path.ptr, &b);
  og_db_close(db);
  OG_TRY(st);
  if (!cli_has(c, FLAG_JSON))
    return cli_printf(c, "snapshot_commit_id: " OG_STR_FMT "\nresume_cursor: " OG_STR_FMT "\n",
                      OG_STR_ARG(b.snapshot_commit), OG_STR_ARG(b.resume_cursor));
  og_json_writer w = cli_json(c);
  OG_TRY(og_json_begin_object(c->cx, &w));
  OG_TRY(og_json_kv_str(c->cx, &w, "snapshot_commit_id", b.snapshot_commit));
  OG_TRY(og_json_kv_str(c->cx, &w, "resume_cursor", b.resume_cursor));
  OG_TRY(og_json_end_object(c->cx, &w));
  return cli_end_json(c);
}
