/* SPDX-License-Identifier: MIT */
/* The feed of a branch, read in small pages from its beginning, tells each step of every entity: applied one after the
 * other, its changes give what the branch holds, and each names as its before what the last one left. */
#include "property/delta/random_graph.h"

#include "db/internal.h"

#define SEEDS 10
#define STEPS 60

typedef struct replay {
  og_ctx *cx;
  og_map at;     /* type, id -> index into images */
  og_vec images; /* og_str; ptr NULL: the entity is gone */
} replay;

static og_str key_of(og_ctx *cx, const og_change *c)
{
  og_str key;
  OG_CHECK_OK(
      cx, og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/" OG_STR_FMT, OG_STR_ARG(c->type_id), OG_STR_ARG(c->id)));
  return key;
}

static void apply(replay *r, const og_change *c)
{
  bool was_new;
  uint64_t *at = og_map_at(r->cx, &r->at, key_of(r->cx, c), &was_new);
  OG_CHECK(at != NULL);
  if (was_new) {
    const og_str none = OG_STR_NONE;
    *at = r->images.len;
    OG_CHECK_OK(r->cx, og_vec_add(r->cx, &r->images, &none));
  }
  og_str *image = &OG_VEC_AT(&r->images, og_str, *at);
  OG_CHECK((c->op == OG_DELTA_INSERT) == !image->ptr);
  if (c->before.ptr) OG_CHECK_STR(c->before, *image);
  OG_CHECK((c->op == OG_DELTA_DELETE) == !c->after.ptr);
  if (c->op == OG_DELTA_UPDATE) OG_CHECK(!og_str_eq(c->before, c->after));
  *image = c->after;
}

static size_t read_feed(random_graph *r, og_str branch, replay *out)
{
  size_t pages = 0;
  og_feed_page page;
  og_feed_poll poll = {.branch = branch,
                       .start = OG_STR("beginning"),
                       .opts = {.has_limit = true, .limit = 7, .has_commits = true, .commits = 5}};
  for (;; pages++) {
    OG_CHECK_OK(r->cx, og_db_feed(r->cx, r->db, &poll, &page));
    for (size_t i = 0; i < page.n_blocks; i++)
      for (size_t k = 0; k < page.blocks[i].n_changes; k++) apply(out, &page.blocks[i].changes[k]);
    OG_CHECK((page.next_page_token.ptr != NULL) == (page.cursor.ptr == NULL));
    if (page.caught_up) return pages;
    poll.start = OG_STR_NONE;
    poll.page_token = page.next_page_token;
    poll.cursor = page.cursor;
  }
}

typedef struct look {
  replay *r;
  size_t seen;
} look;

static og_status compare(og_ctx *cx, void *arg, const og_change *c)
{
  look *l = arg;
  uint64_t at;
  OG_CHECK(c->op == OG_DELTA_INSERT);
  OG_CHECK(og_map_get(&l->r->at, key_of(cx, c), &at));
  OG_CHECK_STR(OG_VEC_AT(&l->r->images, og_str, at), c->after);
  l->seen++;
  return OG_OK;
}

static size_t check_branch(random_graph *r, og_str branch)
{
  replay all = {.cx = r->cx, .images = OG_VEC_INIT(og_str)};
  look l = {.r = &all};
  og_vec commits = OG_VEC_INIT(og_commit);
  char genesis[OG_ULID_LEN];
  size_t live = 0, pages;
  og_map_init(&all.at, false);
  pages = read_feed(r, branch, &all);
  OG_CHECK_OK(r->cx, og_db_commits(r->cx, r->db, branch, &commits));
  og_ulid_format(&OG_VEC_AT(&commits, og_commit, commits.len - 1).id, genesis);
  const og_diff_args args = {.from = og_str_from(genesis, sizeof genesis), .to = branch};
  OG_CHECK_OK(r->cx, og_db_diff(r->cx, r->db, &args, compare, &l));
  for (size_t i = 0; i < all.images.len; i++) live += OG_VEC_AT(&all.images, og_str, i).ptr != NULL;
  OG_CHECK_U64(l.seen, live);
  og_vec_cleanup(&commits);
  og_vec_cleanup(&all.images);
  og_map_cleanup(&all.at);
  return pages;
}

OG_TEST(feed, tells_every_step_of_every_entity)
{
  size_t pages = 0;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    random_graph r;
    print_message("seed %u\n", (unsigned)seed);
    rg_open(&r, seed);
    for (int i = 0; i < STEPS; i++) rg_step(&r);
    for (int i = 0; i < r.n_branches; i++) pages += check_branch(&r, r.branches[i]);
    rg_close(&r);
  }
  OG_CHECK(pages > 100);
}

OG_TEST_MAIN(OG_CASE(feed, tells_every_step_of_every_entity))
