/* SPDX-License-Identifier: MIT */
/* cli/cli.h -- the command line: one table of commands drives parsing, help and completion.
 *
 * Results go to stdout, everything else to stderr.  Exit codes: 0 done, 1 failed, 2 wrong usage, 4 a lost --if-commit.
 */
#pragma once

#include "api/render.h"
#include "base/vec.h"
#include "db/db.h"

typedef enum cli_flag {
  FLAG_SCHEMA,
  FLAG_FORCE,
  FLAG_DATA,
  FLAG_MODE,
  FLAG_BRANCH,
  FLAG_FROM,
  FLAG_SNAPSHOT,
  FLAG_QUERY,
  FLAG_SOURCE, /* -e */
  FLAG_PARAMS,
  FLAG_PARAMS_FILE,
  FLAG_FORMAT,
  FLAG_JSON,
  FLAG_IF_COMMIT,
  FLAG_AS,
  FLAG_STORE,
  FLAG_URI,
  FLAG_TYPE,
  FLAG_ALLOW_DATA_LOSS,
  FLAG_JSONL,
  FLAG_CHECK,
  FLAG_WRITE,
  FLAG_QUIET,
  FLAG_YES,
  FLAG_INTO,
  FLAG_DELETE_BRANCH,
  FLAG_DRY_RUN,
  FLAG_OURS,
  FLAG_THEIRS,
  FLAG_FIELDS,
  FLAG_TO,
  FLAG_KIND,
  FLAG_OP,
  FLAG_STAT,
  FLAG_LIMIT,
  FLAG_PAGE_TOKEN,
  FLAG_CURSOR,
  FLAG_START,
  FLAG_OUT,
  FLAG_KEEP,
  FLAG_OLDER_THAN,
  FLAG_GRACE,
  FLAG_CONFIRM,
  FLAG_HELP,
  FLAG_VERSION,
  N_FLAGS
} cli_flag;

typedef struct cli_flag_spec {
  const char *name, *alias; /* "--query-string", "-e" */
  const char *value;        /* placeholder; NULL: a switch */
  const char *help;
} cli_flag_spec;
extern const cli_flag_spec cli_flags[N_FLAGS];

typedef struct cli cli;
typedef struct cli_command {
  const char *name;        /* "branch create" */
  const char *alias;       /* NULL: none */
  const char *positionals; /* "[NAME]" */
  int min_positionals, max_positionals;
  uint64_t flags;         /* bit per cli_flag */
  bool capability_direct; /* needs the graph's own storage; else any way of reaching it will do */
  const char *summary;
  og_status (*run)(cli *c);
} cli_command;
extern const cli_command cli_commands[];
extern const size_t cli_n_commands;

struct cli {
  og_ctx *cx;
  const cli_command *command;
  og_str group;           /* help is asked for the commands that begin with this word */
  og_vec positionals;     /* og_str */
  og_str values[N_FLAGS]; /* the last given; ptr NULL: not given */
  og_vec types;           /* og_str: every --type */
  og_vec kinds, ops;      /* og_str: every --kind, every --op */
  og_buf out;             /* stdout so far */
  og_api_extra extra;     /* what a failure has to tell beyond its error */
};

/* Exit code 2 is an OG_EINVALID raised through this. */
og_status cli_usage(cli *c, const char *fmt, ...) OG_PRINTF(2, 3);
bool cli_is_usage(const og_error *e);
static inline bool cli_has(const cli *c, cli_flag f)
{
  return c->values[f].ptr != NULL;
}
static inline og_str cli_positional(const cli *c, size_t i)
{
  return i < c->positionals.len ? OG_VEC_AT(&c->positionals, og_str, i) : OG_STR_NONE;
}
OG_MUST_USE og_status cli_parse(cli *c, int argc, char **argv);

/* The graph named by --store, --uri or a positional at `at`; usage error when none or two. */
OG_MUST_USE og_status cli_graph_uri(cli *c, size_t at, og_str *out);
OG_MUST_USE og_status cli_open(cli *c, size_t at, bool read_only, og_db **out);
/* Text of a file or pipe the user named; "-" is the standard input. */
OG_MUST_USE og_status cli_read_file(cli *c, og_str path, og_str *out);
/* The records of a pipe ("-": the standard input) in a scratch file, for the caller to close; NULL: `path` is no pipe.
 */
OG_MUST_USE og_status cli_spool(cli *c, og_str path, og_file **out);
OG_MUST_USE og_status cli_absolute(cli *c, og_str path, og_str *out);
/* "omnigraph <verb> → <uri> (direct, local)" on stderr, unless quiet. */
void cli_echo(const cli *c, const og_db *db);

/* stdout: buffered until large; a broken pipe ends the program quietly. */
OG_MUST_USE og_status cli_write(cli *c, og_str s);
OG_MUST_USE og_status cli_printf(cli *c, const char *fmt, ...) OG_PRINTF(2, 3);
OG_MUST_USE og_status cli_flush(cli *c);
og_str cli_branch_or_main(og_str branch); /* "main" for the empty name */
OG_MUST_USE og_status cli_print_result(cli *c, const og_result *r);
/* A JSON document on stdout: written with the one, ended with the other. */
og_json_writer cli_json(cli *c);
OG_MUST_USE og_status cli_end_json(cli *c);

/* Whether commands of two words begin with this one, as `branch create` does. */
bool cli_is_group(og_str name);
OG_MUST_USE og_status cli_help(cli *c);
OG_MUST_USE og_status cli_completion(cli *c);

og_status cmd_init(cli *c);
og_status cmd_load(cli *c);
og_status cmd_query(cli *c);
og_status cmd_explain(cli *c);
og_status cmd_profile(cli *c);
og_status cmd_mutate(cli *c);
og_status cmd_snapshot(cli *c);
og_status cmd_export(cli *c);
og_status cmd_branch_create(cli *c);
og_status cmd_branch_list(cli *c);
og_status cmd_branch_delete(cli *c);
og_status cmd_branch_merge(cli *c);
og_status cmd_branch_reset(cli *c);
og_status cmd_branch_compare(cli *c);
og_status cmd_commit_revert(cli *c);
og_status cmd_diff(cli *c);
og_status cmd_cleanup(cli *c);
og_status cmd_commit_changes(cli *c);
og_status cmd_changes_poll(cli *c);
og_status cmd_changes_baseline(cli *c);
og_status cmd_optimize(cli *c);
og_status cmd_commit_list(cli *c);
og_status cmd_commit_show(cli *c);
og_status cmd_schema_apply(cli *c);
og_status cmd_schema_plan(cli *c);
og_status cmd_schema_show(cli *c);
og_status cmd_lint(cli *c);
og_status cmd_fmt(cli *c);
og_status cmd_lance_inspect(cli *c);
og_status cmd_version(cli *c);
