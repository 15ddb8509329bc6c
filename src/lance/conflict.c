/* SPDX-License-Identifier: MIT */
/* lance/conflict.c -- may a change be rendered on a version that somebody else made meanwhile?
 *
 * First by what kinds of change the two are (the table below), as Lance decides it from the transactions of the
 * versions passed over, so that two engines on one table come to the same order.  Where the kinds alone do not tell,
 * the render looks at rows and fragments (change_render.c), and at index segments (index_build.c).  Where Lance gives
 * up because a compaction moved the rows of a delete or an update, we do not: the rows are found again by their ids.
 *
 * A change of columns is borne by one that adds rows if its rows have all the columns that may not be null.
 */
#include "lance/change_impl.h"
#include "lance/transaction.h"

#include "base/limits.h"

#include <inttypes.h>

typedef enum verdict {
  YES,      /* or the render will tell */
  LATER,    /* begin again on the new version */
  REPLACED, /* there is nothing left that it was about */
} verdict;

/* Rows: our kinds; columns: theirs, in the order of og_transaction_kind. */
/* clang-format off */
#define Y YES
#define L LATER
#define R REPLACED
static const uint8_t rules[][OG_TX_END - OG_TX_APPEND] = {
    /* append, delete, overwrite, index, rewrite, merge, restore, reserve, update, project, config, replacement, log,
     * clone, bases */
    [OG_LANCE_APPEND]    = {Y, Y, R, Y, Y,  Y, R, Y, Y, Y,  Y, Y, L, Y, Y},
    [OG_LANCE_DELETE]    = {Y, Y, R, Y, Y,  L, R, Y, Y, Y,  Y, Y, L, Y, Y},
    [OG_LANCE_UPDATE]    = {Y, Y, R, Y, Y,  L, R, Y, Y, Y,  Y, L, L, Y, Y},
    [OG_LANCE_OVERWRITE] = {Y, Y, Y, Y, Y,  Y, Y, Y, Y, Y,  Y, Y, L, Y, Y},
    [OG_LANCE_INDEX]     = {Y, Y, R, Y, Y,  Y, R, Y, Y, Y,  Y, Y, L, Y, Y},
    [OG_LANCE_REWRITE]   = {Y, Y, R, Y, Y,  L, R, Y, Y, Y,  Y, L, L, Y, Y},
    [OG_LANCE_PROJECT]   = {Y, Y, R, Y, Y,  L, R, Y, Y, L,  Y, Y, L, Y, Y},
    [OG_LANCE_MERGE]     = {L, L, R, Y, L,  L, R, Y, L, L,  Y, L, L, Y, Y},
    [OG_LANCE_RESTORE]   = {Y, Y, Y, Y, Y,  Y, Y, Y, Y, Y,  Y, Y, L, Y, Y},
    [OG_LANCE_CONFIG]    = {Y, Y, Y, Y, Y,  Y, Y, Y, Y, Y,  Y, Y, L, Y, Y},
    [OG_LANCE_CLONE]     = {L, L, L, L, L,  L, L, L, L, L,  L, L, L, L, L},
};
/* clang-format on */
#undef Y
#undef L
#undef R

/* What made the version: the record in its manifest, else the file beside it. */
static og_status kind_of(og_ctx *cx, const og_lance_table *t, og_transaction_kind *out)
{
  OG_AUTO(og_buf) bytes = {0};
  og_str prefix, key;
  if (t->m.transaction.ptr) return og_transaction_kind_of(cx, t->m.transaction, out);
  *out = OG_TX_UNKNOWN;
  if (t->m.tx_file.len == 0) return OG_OK;
  OG_TRY(og_table__prefix(cx, &t->at, &prefix));
  OG_TRY(og_arena_printf(cx, cx->arena, &key, OG_STR_FMT "/_transactions/" OG_STR_FMT, OG_STR_ARG(prefix),
                         OG_STR_ARG(t->m.tx_file)));
  og_status st = og_store_get(cx, t->at.store, key, OG_LIMIT_MANIFEST_BYTES, &bytes);
  if (st == OG_ENOTFOUND) og_error_clear(cx);
  if (st != OG_OK) return st == OG_ENOTFOUND ? OG_OK : st;
  return og_transaction_kind_of(cx, og_buf_str(&bytes), out);
}

static const char *const kinds[] = {
    "an append",     "a delete",      "an overwrite",  "a change of indexes", "a compaction", "new columns",
    "a restore",     "a reservation", "an update",     "a change of columns", "new settings", "replaced files",
    "a log's merge", "a clone",       "new base paths"};

static og_status refuse(og_ctx *cx, const og_lance_change *c, const og_lance_table *newer, const char *what,
                        const char *remedy)
{
  return og_fail(cx, OG_ECONFLICT, "version %" PRIu64 " of '" OG_STR_FMT "' was made meanwhile by %s%s",
                 newer->m.version, OG_STR_ARG(c->at.root), what, remedy);
}

/* ---- rows under other columns */

/* A field that our rows do not have becomes null in them. */
static og_status check_missing(og_ctx *cx, const og_lance_change *c, const og_lance_table *newer,
                               const og_lance_field *f)
{
  if (f->nullable || f->parent != -1) return OG_OK;
  return refuse(cx, c, newer, kinds[OG_TX_MERGE - OG_TX_APPEND], ", one of which may not be null: try again");
}

static og_status check_columns(og_ctx *cx, const og_lance_change *c, const og_lance_table *newer)
{
  const og_lance_schema *now = newer->m.schema;
  for (uint32_t i = 0; i < now->n_fields; i++) {
    const og_lance_field *f = &now->fields[i];
    const int at = og_lance_schema_find_id(c->schema, f->id);
    if (at < 0)
      OG_TRY(check_missing(cx, c, newer, f));
    else if (!og_str_eq(c->schema->fields[at].logical_type, f->logical_type) ||
             (c->schema->fields[at].nullable && !f->nullable))
      return refuse(cx, c, newer, "a change of columns", ": try again");
  }
  return OG_OK;
}

/* ---- settings */

static bool find_config(const og_lance_table *t, og_str key, og_str *out)
{
  *out = OG_STR_NONE;
  for (size_t i = 0; i < t->m.n_config; i++) {
    if (!og_str_eq(t->m.config[2 * i], key)) continue;
    *out = t->m.config[2 * i + 1];
    return true;
  }
  return false;
}

static og_status check_config(og_ctx *cx, const og_lance_change *c, const og_lance_table *newer)
{
  for (size_t i = 0; i < c->config.len; i++) {
    const og_str key = OG_VEC_AT(&c->config, og_change__config, i).key;
    og_str was, is;
    const bool had = find_config(c->base, key, &was), has = find_config(newer, key, &is);
    if (had != has || !og_str_eq(was, is))
      return refuse(cx, c, newer, kinds[OG_TX_UPDATE_CONFIG - OG_TX_APPEND], ": try again");
  }
  return OG_OK;
}

og_status og_change__may_follow(og_ctx *cx, const og_lance_change *c, og_lance_table *newer)
{
  og_transaction_kind theirs;
  OG_TRY_NOTE(cx, kind_of(cx, newer, &theirs), "in the record of version %" PRIu64 " of '" OG_STR_FMT "'",
              newer->m.version, OG_STR_ARG(c->at.root));
  if (theirs == OG_TX_UNKNOWN)
    return refuse(cx, c, newer, "a writer that kept no record, or one of a kind that is not known", ": try again");
  const char *what = kinds[theirs - OG_TX_APPEND];
  switch ((verdict)rules[c->opts.op][theirs - OG_TX_APPEND]) {
  case YES: break;
  case LATER: return refuse(cx, c, newer, what, ": try again");
  case REPLACED: return refuse(cx, c, newer, what, ", which replaced what this write was about");
  }
  if (c->files.len && c->opts.op != OG_LANCE_OVERWRITE) OG_TRY(check_columns(cx, c, newer));
  return check_config(cx, c, newer);
}
