/* SPDX-License-Identifier: MIT */
/* cli/cmd_upkeep.c -- cleanup. */
#include "cli/cli.h"

#include <inttypes.h>

/* "90s", "30m", "12h", "7d" in microseconds. */
static og_status take_age(cli *c, cli_flag flag, int64_t *out)
{
  static const struct {
    char unit;
    int64_t seconds;
  } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
  const og_str text = c->values[flag];
  uint64_t n;
  for (size_t i = 0; i < OG_ARRAY_LEN(units); i++) {
    if (text.len < 2 || text.ptr[text.len - 1] != units[i].unit) continue;
    if (!og_str_to_u64(og_str_sub(text, 0, text.len - 1), &n) || n > 100000000) break;
    *out = (int64_t)n * units[i].seconds * 1000000;
    return OG_OK;
  }
  return cli_usage(c, "%s is an age, as 90s, 30m, 12h or 7d, not '" OG_STR_FMT "'", cli_flags[flag].name,
                   OG_STR_ARG(text));
}

static og_status take_opts(cli *c, og_cleanup_policy *out)
{
  if (!cli_has(c, FLAG_KEEP) && !cli_has(c, FLAG_OLDER_THAN))
    return cli_usage(c, "`cleanup` needs to be told what stays: --keep N, --older-than AGE, or both");
  *out = (og_cleanup_policy){
      .has_older = cli_has(c, FLAG_OLDER_THAN), .grace_us = OG_CLEANUP_GRACE_US, .dry = !cli_has(c, FLAG_CONFIRM)};
  if (out->has_older) OG_TRY(take_age(c, FLAG_OLDER_THAN, &out->older_us));
  if (cli_has(c, FLAG_GRACE)) OG_TRY(take_age(c, FLAG_GRACE, &out->grace_us));
  if (!cli_has(c, FLAG_KEEP)) return OG_OK;
  if (og_str_to_u64(c->values[FLAG_KEEP], &out->keep) && out->keep > 0) return OG_OK;
  return cli_usage(c, "--keep is a number from 1 on, not '" OG_STR_FMT "'", OG_STR_ARG(c->values[FLAG_KEEP]));
}

static og_status print_cleaned(cli *c, const og_cleaned *r, bool dry)
{
  uint64_t versions = 0, files = 0, bytes = 0;
  for (size_t i = 0; i < r->n_tables; i++) {
    versions += r->tables[i].versions;
    files += r->tables[i].files;
    bytes += r->tables[i].bytes;
  }
  OG_TRY(cli_printf(c, "%s %" PRIu64 " old versions and %" PRIu64 " files, %" PRIu64 " bytes",
                    dry ? "would remove" : "removed", versions, files, bytes));
  OG_TRY(r->orphans ? cli_printf(c, " (%" PRIu64 " left by unfinished writes)\n", r->orphans) : cli_printf(c, "\n"));
  return dry ? cli_printf(c, "nothing was done: --confirm does it\n") : OG_OK;
}

og_status cmd_cleanup(cli *c)
{
  og_db *db;
  og_cleaned r;
  og_cleanup_policy opts;
  OG_TRY(take_opts(c, &opts));
  OG_TRY(cli_open(c, 0, opts.dry, &db));
  cli_echo(c, db);
  og_status st = og_db_cleanup(c->cx, db, &opts, &r);
  if (st == OG_OK && cli_has(c, FLAG_JSON)) {
    og_json_writer w = cli_json(c);
    st = og_api_cleaned(c->cx, &r, og_db_uri(db), opts.dry, &w);
    if (st == OG_OK) st = cli_end_json(c);
  } else if (st == OG_OK) {
    st = print_cleaned(c, &r, opts.dry);
  }
  og_db_close(db);
  return st;
}
