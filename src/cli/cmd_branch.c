/* SPDX-License-Identifier: MIT */
/* cli/cmd_branch.c -- merging. */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>

static og_status print_counts(cli *c, const og_merged *m)
{
  for (uint32_t i = 0; i < m->n_counts; i++) {
    const og_merge_count *n = &m->counts[i];
    const size_t colon = og_str_find(n->key, OG_STR(":")); /* "node:Person" */
    OG_TRY(cli_printf(c, "  " OG_STR_FMT " type '" OG_STR_FMT "': ", OG_STR_ARG(og_str_sub(n->key, 0, colon)),
                      OG_STR_ARG(og_str_sub(n->key, colon + 1, n->key.len))));
    OG_TRY(cli_printf(c, "%" PRIu64 " inserted, %" PRIu64 " updated, %" PRIu64 " deleted\n", n->inserted, n->updated,
                      n->deleted));
  }
  return OG_OK;
}

static og_status print_merged(cli *c, const og_merged *m, const bool *deleted)
{
  OG_TRY(cli_printf(c, "%s " OG_STR_FMT " into " OG_STR_FMT ": %s\n",
                    cli_has(c, FLAG_DRY_RUN) ? "would merge" : "merged", OG_STR_ARG(m->source), OG_STR_ARG(m->target),
                    og_merge_outcome_name(m->outcome)));
  OG_TRY(print_counts(c, m));
  if (deleted && *deleted) return cli_printf(c, "deleted branch " OG_STR_FMT "\n", OG_STR_ARG(m->source));
  return OG_OK;
}

/* The merge stands whatever becomes of the branch: a failed deletion is a warning. */
static og_status delete_source(cli *c, og_db *db, const og_merged *m, bool *deleted, og_str *why)
{
  og_status st = og_db_branch_delete(c->cx, db, m->source, c->values[FLAG_AS]);
  *deleted = st == OG_OK;
  if (*deleted) return OG_OK;
  OG_TRY(og_arena_str(c->cx, c->cx->arena, og_str_of(c->cx->err->text), why));
  fprintf(stderr, "warning: the branch is merged, but was not deleted: %s\n", c->cx->err->text);
  og_error_clear(c->cx);
  return OG_OK;
}

og_status cmd_branch_merge(cli *c)
{
  og_db *db;
  og_merged m;
  bool deleted = false, *asked = cli_has(c, FLAG_DELETE_BRANCH) ? &deleted : NULL;
  og_str why = OG_STR_NONE;
  const og_merge merge = {.source = cli_positional(c, 0),
                          .target = c->values[FLAG_INTO],
                          .actor = c->values[FLAG_AS],
                          .prefer = cli_has(c, FLAG_OURS)     ? OG_MERGE_OURS
                                    : cli_has(c, FLAG_THEIRS) ? OG_MERGE_THEIRS
                                                              : OG_MERGE_ASK,
                          .fields = cli_has(c, FLAG_FIELDS),
                          .dry_run = cli_has(c, FLAG_DRY_RUN)};
  OG_TRY(cli_open(c, 1, merge.dry_run, &db));
  cli_echo(c, db);
  og_status st = og_db_branch_merge(c->cx, db, &merge, &m);
  if (st != OG_OK) c->extra = (og_api_extra){.conflicts = m.conflicts, .n_conflicts = m.n_conflicts};
  if (st == OG_OK && asked) st = delete_source(c, db, &m, &deleted, &why);
  og_db_close(db);
  OG_TRY(st);
  if (!cli_has(c, FLAG_JSON)) return print_merged(c, &m, asked);
  og_json_writer w = cli_json(c);
  OG_TRY(og_api_merged(c->cx, &m, merge.actor, merge.dry_run, asked, why, &w));
  return cli_end_json(c);
}

/* ---- going back */

static og_status restate(cli *c, og_merge_kind kind, og_str branch, og_str commit, const char *did, const char *would)
{
  og_db *db;
  og_merged m;
  const bool dry = cli_has(c, FLAG_DRY_RUN);
  const og_merge how = {.kind = kind, .target = branch, .actor = c->values[FLAG_AS], .dry_run = dry};
  OG_TRY(cli_open(c, 1, dry, &db));
  cli_echo(c, db);
  og_status st = og_db_restate(c->cx, db, commit, &how, &m);
  og_db_close(db);
  if (st != OG_OK) c->extra = (og_api_extra){.conflicts = m.conflicts, .n_conflicts = m.n_conflicts};
  OG_TRY(st);
  if (cli_has(c, FLAG_JSON)) {
    og_json_writer w = cli_json(c);
    OG_TRY(og_api_merged(c->cx, &m, c->values[FLAG_AS], dry, NULL, OG_STR_NONE, &w));
    return cli_end_json(c);
  }
  OG_TRY(cli_printf(c, "%s " OG_STR_FMT "%s\n", dry ? would : did, OG_STR_ARG(m.target),
                    m.n_counts ? "" : ": nothing to change"));
  return print_counts(c, &m);
}

og_status cmd_commit_revert(cli *c)
{
  return restate(c, OG_MERGE_REVERT, c->values[FLAG_BRANCH], cli_positional(c, 0), "reverted on", "would revert on");
}

og_status cmd_branch_reset(cli *c)
{
  if (!cli_has(c, FLAG_TO)) return cli_usage(c, "`branch reset` needs --to COMMIT");
  return restate(c, OG_MERGE_RESET, cli_positional(c, 0), c->values[FLAG_TO], "reset", "would reset");
}

og_status cmd_branch_compare(cli *c)
{
  og_db *db;
  uint64_t ahead, behind;
  const og_str branch = cli_positional(c, 0), with = cli_branch_or_main(c->values[FLAG_TO]);
  OG_TRY(cli_open(c, 1, true, &db));
  og_status st = og_db_compare(c->cx, db, branch, with, &ahead, &behind);
  og_db_close(db);
  OG_TRY(st);
  if (!cli_has(c, FLAG_JSON))
    return cli_printf(c, OG_STR_FMT " is %" PRIu64 " commits ahead of " OG_STR_FMT " and %" PRIu64 " behind\n",
                      OG_STR_ARG(branch), ahead, OG_STR_ARG(with), behind);
  og_json_writer w = cli_json(c);
  OG_TRY(og_json_begin_object(c->cx, &w));
  OG_TRY(og_json_kv_str(c->cx, &w, "branch", branch));
  OG_TRY(og_json_kv_str(c->cx, &w, "with", with));
  OG_TRY(og_json_kv_u64(c->cx, &w, "ahead", ahead));
  OG_TRY(og_json_kv_u64(c->cx, &w, "behind", behind));
  OG_TRY(og_json_end_object(c->cx, &w));
  return cli_end_json(c);
}
