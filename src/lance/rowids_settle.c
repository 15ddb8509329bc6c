/* SPDX-License-Identifier: MIT */
/* lance/rowids_settle.c -- fewer runs of row versions.
 *
 * Rows that were committed one by one have a version each, and every manifest must name them all, about 22 bytes a
 * row: after ten thousand such commits each one would write a quarter of a megabyte.  So when old rows are written
 * again on the way of a commit, versions of neighbours are made one, the larger, if they differ by at most a 48th of
 * their age: an exponential histogram (Datar, Gionis, Indyk, Motwani: "Maintaining Stream Statistics over Sliding
 * Windows", SIAM J. Comput. 31(6), 2002).
 *
 *  (1) A version is never made smaller: whoever asks for the rows since some version misses none.
 *  (2) What is younger than 48 versions stays exact; and as rows are settled again only when they are about twice as
 *      old, the steps add up to less than a 24th of a row's age.
 *  (3) A row that was ever updated still says so: created and updated stay equal, or different.
 */
#include "base/ctx.h"
#include "lance/rowids.h"

#define SHARE 48

/* Rows of one created and one updated version; `least` are the smallest that it was made of. */
typedef struct group {
  uint64_t n, created, updated, least_created, least_updated;
} group;

static bool is_close(uint64_t a, uint64_t b, uint64_t now)
{
  const uint64_t most = a > b ? a : b, least = a > b ? b : a;
  return most <= now && least > 0 && (most - least) <= (now - most) / SHARE;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
  return a > b ? a : b;
}

static bool join(group *g, const group *next, uint64_t now)
{
  const uint64_t created = larger(g->created, next->created), updated = larger(g->updated, next->updated);
  const uint64_t least_created = smaller(g->least_created, next->least_created);
  const uint64_t least_updated = smaller(g->least_updated, next->least_updated);
  if ((g->created == g->updated) != (next->created == next->updated)) return false;
  if (!is_close(created, least_created, now) || !is_close(updated, least_updated, now)) return false;
  *g = (group){g->n + next->n, created, updated, least_created, least_updated};
  return true;
}

static og_status put(og_ctx *cx, const group *g, og_version_runs *created, og_version_runs *updated)
{
  OG_TRY(og_version_runs_add(cx, created, g->created, g->n));
  return og_version_runs_add(cx, updated, g->updated, g->n);
}

static og_status settle(og_ctx *cx, const og_version_runs *was_created, const og_version_runs *was_updated,
                        uint64_t now, og_version_runs *created, og_version_runs *updated)
{
  const og_version_run *c = was_created->runs.data, *u = was_updated->runs.data;
  group g = {0};
  for (uint64_t row = 0; row < was_created->len;) {
    const uint64_t end = smaller(c->first + c->n, u->first + u->n);
    const group next = {end - row, c->version, u->version, c->version, u->version};
    if (g.n == 0 || !join(&g, &next, now)) {
      OG_TRY(put(cx, &g, created, updated));
      g = next;
    }
    row = end;
    c += c->first + c->n == row;
    u += u->first + u->n == row;
  }
  return put(cx, &g, created, updated);
}

og_status og_version_runs_settle(og_ctx *cx, og_version_runs *created, og_version_runs *updated, uint64_t now)
{
  og_version_runs c, u;
  if (created->len != updated->len) return OG_OK; /* one of them is unknown */
  og_version_runs_init(&c);
  og_version_runs_init(&u);
  og_status st = settle(cx, created, updated, now, &c, &u);
  if (st != OG_OK) {
    og_version_runs_cleanup(&c);
    og_version_runs_cleanup(&u);
    return st;
  }
  og_version_runs_cleanup(created);
  og_version_runs_cleanup(updated);
  *created = c;
  *updated = u;
  return OG_OK;
}
