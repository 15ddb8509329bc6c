/* SPDX-License-Identifier: MIT */
/* history/feed.c -- commits in order, each with its exact changes.
 *
 *  (1) The feed of a branch follows first parents, from a position to the head that the poll captured.  So a merge is
 * one block against what the target was, and the source's commits do not appear. (2) A position is a commit whose
 * changes were all given.  It is on the branch's line of first parents for ever: that line only grows, and a branch
 * made anew has another witness (token.c). (3) Delivery is at least once: a cursor is handed out only behind whole
 * blocks, and whoever loses one reads again. (4) What cannot be read is never skipped: at the beginning of a poll it is
 * an error with the position, later it ends the poll before it.
 */
#include "history/feed.h"

#include "history/token.h"

/* ---- pages */

typedef struct page {
  uint64_t limit, bytes; /* left */
  og_vec changes;        /* og_change */
  bool full;
} page;

static og_status too_many(og_ctx *cx, const char *resource, uint64_t limit, uint64_t used)
{
  og_fail(cx, OG_ELIMIT, "%s is %llu, at most %llu", resource, (unsigned long long)used, (unsigned long long)limit);
  og_detail *d = og_error_detail(cx, OG_DETAIL_RESOURCE_LIMIT);
  og_detail_set(d->resource, sizeof d->resource, og_str_of(resource));
  d->limit = limit;
  d->used = used;
  return OG_ELIMIT;
}

static og_status take_number(og_ctx *cx, bool has, uint64_t given, uint64_t usual, uint64_t most, const char *resource,
                             uint64_t *out)
{
  *out = has ? given : usual;
  if (*out == 0) return og_fail(cx, OG_EINVALID, "a limit must be at least 1");
  return *out > most ? too_many(cx, resource, most, *out) : OG_OK;
}

static og_status page_init(og_ctx *cx, page *p, const og_page_opts *o)
{
  *p = (page){.bytes = OG_PAGE_BYTES, .changes = OG_VEC_INIT(og_change)};
  return take_number(cx, o->has_limit, o->limit, OG_PAGE_CHANGES, OG_PAGE_CHANGES_MAX, "commit_changes_page_changes",
                     &p->limit);
}

static og_status keep(og_ctx *cx, page *p, const og_change *c)
{
  og_change *kept = og_vec_push(cx, &p->changes);
  if (!kept) return OG_ENOMEM;
  *kept = *c;
  OG_TRY(og_arena_str(cx, cx->arena, c->type_name, &kept->type_name));
  OG_TRY(og_arena_str(cx, cx->arena, c->type_id, &kept->type_id));
  OG_TRY(og_arena_str(cx, cx->arena, c->id, &kept->id));
  if (c->before.ptr) OG_TRY(og_arena_str(cx, cx->arena, c->before, &kept->before));
  return c->after.ptr ? og_arena_str(cx, cx->arena, c->after, &kept->after) : OG_OK;
}

/* Fills the page from the stream; p->full when there is more than it holds. */
static og_status fill(og_ctx *cx, page *p, og_changes *stream)
{
  og_change c;
  bool more;
  for (;;) {
    OG_TRY(og_changes_next(cx, stream, &c, &more));
    if (!more) return OG_OK;
    const uint64_t bytes = c.id.len + c.before.len + c.after.len;
    p->full = p->limit == 0 || (bytes > p->bytes && p->bytes < OG_PAGE_BYTES);
    if (p->full) return OG_OK;
    OG_TRY(keep(cx, p, &c));
    p->limit--;
    p->bytes = bytes < p->bytes ? p->bytes - bytes : 0;
  }
}

static og_status give_block(og_ctx *cx, page *p, size_t from, const og_commit *cause, og_change_block *out)
{
  const size_t n = p->changes.len - from;
  *out = (og_change_block){.cause = *cause, .n_changes = n};
  out->changes = og_push_array(cx, n + 1, sizeof *out->changes);
  if (!out->changes) return OG_ENOMEM;
  if (n) memcpy(out->changes, &OG_VEC_AT(&p->changes, og_change, from), n * sizeof *out->changes);
  return OG_OK;
}

/* ---- one commit */

static og_status no_parent(og_ctx *cx, const og_ulid *commit)
{
  char text[OG_ULID_LEN];
  og_ulid_format(commit, text);
  og_fail(cx, OG_ECONFLICT, "commit %.26s is the first of the graph: it has no parent to be compared with", text);
  og_detail *d = og_error_detail(cx, OG_DETAIL_DIFF_REFUSAL);
  og_detail_set(d->resource, sizeof d->resource, OG_STR("parentless_commit"));
  og_detail_set(d->entity_id, sizeof d->entity_id, og_str_from(text, sizeof text));
  return OG_ECONFLICT;
}

typedef struct pair {
  og_snapshot *from, *to;
} pair;

static void pair_cleanup(pair *p)
{
  og_snapshot_unref(p->from);
  og_snapshot_unref(p->to);
}

static og_status pair_open(og_ctx *cx, og_graph *g, const og_commit *c, pair *p)
{
  *p = (pair){0};
  if (!c->has_parent) return no_parent(cx, &c->id);
  OG_TRY(og_graph_snapshot_own(cx, g, c->branch, &c->id, &p->to));
  return og_graph_snapshot_own(cx, g, c->branch, &c->parent, &p->from);
}

/* The page's part of a commit's changes, from behind `place` (NULL: from the first). */
static og_status read_commit(og_ctx *cx, og_graph *g, const og_commit *c, const og_change_filter *filter,
                             const og_change_place *place, page *p)
{
  pair states;
  og_changes *stream = NULL;
  og_status st = pair_open(cx, g, c, &states);
  if (st == OG_OK) st = og_changes_open(cx, states.from, states.to, OG_CHANGES_OF_COMMIT, filter, &stream);
  if (st == OG_OK && place) st = og_changes_seek(cx, stream, place);
  if (st == OG_OK) st = fill(cx, p, stream);
  og_changes_close(stream);
  pair_cleanup(&states);
  return st;
}

typedef struct commit_page {
  og_graph *g;
  const og_commit_ask *ask;
  og_commit commit;
  og_token bound;
  page page;
} commit_page;

static og_status read_commit_page(og_ctx *cx, commit_page *k, og_change_block *out, og_str *next)
{
  og_token token;
  const bool goes_on = k->ask->page_token.ptr != NULL;
  if (goes_on) {
    OG_TRY(og_token_decode(cx, k->ask->page_token, &k->bound, &token));
    if (og_ulid_cmp(&token.position, &k->commit.id) != 0)
      return og_fail(cx, OG_EINVALID, "change cursor rejected: it is of another commit");
  }
  OG_TRY(read_commit(cx, k->g, &k->commit, &k->ask->filter, goes_on ? &token.place : NULL, &k->page));
  OG_TRY(give_block(cx, &k->page, 0, &k->commit, out));
  if (!k->page.full) return OG_OK;
  k->bound.position = k->commit.id;
  OG_TRY(og_token_place(cx, &out->changes[out->n_changes - 1], &k->bound.place));
  return og_token_encode(cx, &k->bound, next);
}

og_status og_commit_changes(og_ctx *cx, og_graph *g, const og_commit_ask *ask, og_change_block *out, og_str *next)
{
  commit_page k = {.g = g, .ask = ask, .bound = {.kind = OG_TOKEN_COMMIT_PAGE}};
  og_snapshot *s = NULL;
  *out = (og_change_block){0};
  *next = OG_STR_NONE;
  OG_TRY(og_change_filter_check(cx, &ask->filter));
  OG_TRY(page_init(cx, &k.page, &ask->opts));
  OG_TRY(og_graph_find_commit(cx, g, OG_STR_NONE, &ask->commit, &k.commit));
  OG_TRY(og_graph_snapshot(cx, g, k.commit.branch, &s));
  og_status st = og_token_bind(cx, s, &ask->filter, &k.bound);
  if (st == OG_OK) st = read_commit_page(cx, &k, out, next);
  og_vec_cleanup(&k.page.changes);
  og_snapshot_unref(s);
  return st;
}

/* ---- the feed */

typedef struct poll {
  og_graph *g;
  const og_feed_poll *ask;
  og_snapshot *head;
  og_token bound; /* for a cursor; its position is where the feed stands */
  og_ulid cut;    /* the last commit of this poll */
  bool in_block;  /* the first block goes on behind `place` */
  og_change_place place;
  uint64_t commits; /* blocks left */
  og_vec line;      /* og_commit: from the cut down to the position, which is left out */
  og_vec blocks;    /* og_change_block */
  page page;
  bool blocked;
} poll;

static og_status take_start(og_ctx *cx, poll *p, bool *beginning)
{
  const og_str start = p->ask->start;
  *beginning = og_str_eq(start, OG_STR("beginning"));
  if (*beginning) return OG_OK;
  if (og_str_eq(start, OG_STR("now"))) {
    p->bound.position = p->cut;
    return OG_OK;
  }
  if (og_str_starts_with(start, OG_STR("after:")) && og_ulid_parse(og_str_sub(start, 6, start.len), &p->bound.position))
    return OG_OK;
  return og_fail(cx, OG_EINVALID, "a feed starts at now, beginning, or after:<commit>, not at '" OG_STR_FMT "'",
                 OG_STR_ARG(start));
}

static og_status take_position(og_ctx *cx, poll *p, bool *beginning)
{
  og_token token, kind = p->bound;
  const int given = (p->ask->start.len > 0) + (p->ask->cursor.ptr != NULL) + (p->ask->page_token.ptr != NULL);
  *beginning = false;
  p->cut = p->head->fold->head;
  if (given != 1) return og_fail(cx, OG_EINVALID, "a poll has a start, a cursor or a page token: one of them");
  if (p->ask->start.len) return take_start(cx, p, beginning);
  kind.kind = p->ask->cursor.ptr ? OG_TOKEN_FEED_CURSOR : OG_TOKEN_FEED_PAGE;
  OG_TRY(og_token_decode(cx, p->ask->cursor.ptr ? p->ask->cursor : p->ask->page_token, &kind, &token));
  p->bound.position = token.position;
  if (p->ask->cursor.ptr) return OG_OK;
  p->cut = token.cut;
  p->in_block = token.place.type_id.len > 0;
  p->place = token.place;
  return OG_OK;
}

/* The commits between position and cut, newest first. */
static og_status find_line(og_ctx *cx, poll *p, bool beginning)
{
  bool found;
  OG_TRY(og_graph_first_parents(cx, p->head, &p->cut, beginning ? NULL : &p->bound.position, &p->line, &found));
  if (beginning && p->line.len) { /* the genesis is the position */
    p->bound.position = OG_VEC_AT(&p->line, og_commit, --p->line.len).id;
    return OG_OK;
  }
  if (found) return OG_OK;
  return og_fail(cx, OG_EINVALID, "change cursor rejected: its commit is not in the history of branch '" OG_STR_FMT "'",
                 OG_STR_ARG(p->head->branch.len ? p->head->branch : OG_STR("main")));
}

static og_status add_block(og_ctx *cx, poll *p, const og_commit *c)
{
  const size_t from = p->page.changes.len;
  og_change_block block;
  OG_TRY(read_commit(cx, p->g, c, &p->ask->filter, p->in_block ? &p->place : NULL, &p->page));
  p->in_block = false;
  OG_TRY(give_block(cx, &p->page, from, c, &block));
  if (p->page.full && block.n_changes == 0 && p->blocks.len) return OG_OK; /* it begins on the next page */
  return og_vec_add(cx, &p->blocks, &block);
}

static bool ends_poll(og_ctx *cx, og_status st)
{
  const bool reclaimed = st == OG_EGONE || st == OG_ENOTFOUND;
  return reclaimed || (st == OG_ECONFLICT && cx->err->detail.kind == OG_DETAIL_DIFF_REFUSAL);
}

static og_status gap(og_ctx *cx, const og_commit *c, og_status st)
{
  char text[OG_ULID_LEN];
  if (st != OG_EGONE && st != OG_ENOTFOUND) return st;
  og_ulid_format(&c->id, text);
  og_fail(cx, OG_EGONE, "the changes of commit %.26s can no longer be read: cleanup took its state; take a baseline",
          text);
  og_detail *d = og_error_detail(cx, OG_DETAIL_FEED_GAP);
  og_detail_set(d->entity_id, sizeof d->entity_id, og_str_from(text, sizeof text));
  return OG_EGONE;
}

/* Oldest first, as far as the page reaches. */
static og_status read_blocks(og_ctx *cx, poll *p)
{
  for (size_t i = p->line.len; i > 0 && p->commits > 0; i--) {
    const og_commit *c = &OG_VEC_AT(&p->line, og_commit, i - 1);
    const bool first = p->blocks.len == 0;
    og_status st = add_block(cx, p, c);
    if (st != OG_OK && !first && ends_poll(cx, st)) {
      og_error_clear(cx);
      p->blocked = true;
      return OG_OK;
    }
    if (st != OG_OK) return gap(cx, c, st);
    if (p->page.full) return OG_OK;
    p->bound.position = c->id;
    p->commits--;
  }
  return OG_OK;
}

static og_status give_page(og_ctx *cx, poll *p, og_feed_page *out)
{
  out->n_blocks = p->blocks.len;
  out->blocked = p->blocked;
  out->blocks = og_push_array(cx, p->blocks.len + 1, sizeof *out->blocks);
  if (!out->blocks) return OG_ENOMEM;
  if (p->blocks.len) memcpy(out->blocks, p->blocks.data, p->blocks.len * sizeof *out->blocks);
  if (!p->page.full) {
    out->caught_up = og_ulid_cmp(&p->bound.position, &p->cut) == 0;
    return og_token_encode(cx, &p->bound, &out->cursor);
  }
  og_token next = p->bound;
  const og_change_block *last = &out->blocks[out->n_blocks - 1];
  next.kind = OG_TOKEN_FEED_PAGE;
  next.cut = p->cut;
  const bool inside = og_ulid_cmp(&last->cause.id, &p->bound.position) != 0; /* of a block; else between two */
  if (inside) OG_TRY(og_token_place(cx, &last->changes[last->n_changes - 1], &next.place));
  return og_token_encode(cx, &next, &out->next_page_token);
}

static og_status run(og_ctx *cx, poll *p, og_feed_page *out)
{
  bool beginning;
  OG_TRY(og_token_bind(cx, p->head, &p->ask->filter, &p->bound));
  OG_TRY(take_position(cx, p, &beginning));
  OG_TRY(find_line(cx, p, beginning));
  OG_TRY(og_token_encode(cx, &p->bound, &out->cursor)); /* where a gap at the very beginning is */
  OG_TRY(read_blocks(cx, p));
  out->cursor = OG_STR_NONE;
  return give_page(cx, p, out);
}

og_status og_feed_read(og_ctx *cx, og_graph *g, const og_feed_poll *ask, og_feed_page *out)
{
  poll p = {.g = g,
            .ask = ask,
            .bound = {.kind = OG_TOKEN_FEED_CURSOR},
            .line = OG_VEC_INIT(og_commit),
            .blocks = OG_VEC_INIT(og_change_block)};
  *out = (og_feed_page){0};
  OG_TRY(og_change_filter_check(cx, &ask->filter));
  OG_TRY(take_number(cx, ask->opts.has_commits, ask->opts.commits, OG_POLL_COMMITS, OG_POLL_COMMITS_MAX,
                     "change_feed_commits_per_poll", &p.commits));
  OG_TRY(page_init(cx, &p.page, &ask->opts));
  OG_TRY(og_graph_snapshot(cx, g, ask->branch, &p.head));
  og_status st = run(cx, &p, out);
  og_vec_cleanup(&p.line);
  og_vec_cleanup(&p.blocks);
  og_vec_cleanup(&p.page.changes);
  og_snapshot_unref(p.head);
  return st;
}

og_status og_feed_cursor(og_ctx *cx, const og_snapshot *s, const og_change_filter *filter, og_str *out)
{
  og_token t = {.kind = OG_TOKEN_FEED_CURSOR, .position = s->fold->head};
  OG_TRY(og_change_filter_check(cx, filter));
  OG_TRY(og_token_bind(cx, s, filter, &t));
  return og_token_encode(cx, &t, out);
}
