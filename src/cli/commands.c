/* SPDX-License-Identifier: MIT */
/* cli/commands.c -- the table: what there is, what it takes, what it says. */
#include "cli/cli.h"

const cli_flag_spec cli_flags[N_FLAGS] = {
    [FLAG_SCHEMA] = {"--schema", NULL, "FILE", "schema source (.pg)"},
    [FLAG_FORCE] = {"--force", NULL, NULL, "replace schema files an interrupted init left behind"},
    [FLAG_DATA] = {"--data", NULL, "FILE", "NDJSON to load; - is the standard input"},
    [FLAG_MODE] = {"--mode", NULL, "MODE", "overwrite, append or merge"},
    [FLAG_BRANCH] = {"--branch", NULL, "BRANCH", "branch to work on (default: main)"},
    [FLAG_FROM] = {"--from", NULL, "BRANCH", "branch to start from; of a diff, also a commit"},
    [FLAG_SNAPSHOT] = {"--snapshot", NULL, "COMMIT", "read the state a commit published"},
    [FLAG_QUERY] = {"--query", NULL, "FILE", "query source (.gq)"},
    [FLAG_SOURCE] = {"--query-string", "-e", "GQ", "query source as text"},
    [FLAG_PARAMS] = {"--params", NULL, "JSON", "parameters as a JSON object"},
    [FLAG_PARAMS_FILE] = {"--params-file", NULL, "FILE", "parameters from a file"},
    [FLAG_FORMAT] = {"--format", NULL, "FORMAT", "json, jsonl, csv, kv or table"},
    [FLAG_JSON] = {"--json", NULL, NULL, "answer, and fail, with one JSON document"},
    [FLAG_IF_COMMIT] = {"--if-commit", NULL, "COMMIT", "write only if the branch stands there (else exit 4)"},
    [FLAG_AS] = {"--as", NULL, "ACTOR", "who writes"},
    [FLAG_STORE] = {"--store", NULL, "URI", "the graph"},
    [FLAG_URI] = {"--uri", NULL, "URI", "the graph"},
    [FLAG_TYPE] = {"--type", NULL, "TYPE", "only this type (may be repeated)"},
    [FLAG_ALLOW_DATA_LOSS] = {"--allow-data-loss", NULL, NULL, "drops take the history of what they drop with them"},
    [FLAG_JSONL] = {"--jsonl", NULL, NULL, "nothing: an export is NDJSON anyway"},
    [FLAG_CHECK] = {"--check", NULL, NULL,
                    "only name the files that are not in canonical form, and fail if there are any"},
    [FLAG_WRITE] = {"--write", NULL, NULL, "put the canonical form into the files"},
    [FLAG_QUIET] = {"--quiet", NULL, NULL, "no echo of what is written where"},
    [FLAG_YES] = {"--yes", NULL, NULL, "consent to destructive steps"},
    [FLAG_INTO] = {"--into", NULL, "BRANCH", "branch to merge into (default: main)"},
    [FLAG_DELETE_BRANCH] = {"--delete-branch", NULL, NULL, "delete the source once it is merged"},
    [FLAG_DRY_RUN] = {"--dry-run", NULL, NULL, "say what would happen, and write nothing"},
    [FLAG_OURS] = {"--ours", NULL, NULL, "where both sides changed a row, the target's stands"},
    [FLAG_THEIRS] = {"--theirs", NULL, NULL, "where both sides changed a row, the source's stands"},
    [FLAG_FIELDS] = {"--fields", NULL, NULL, "merge rows that both sides updated property by property"},
    [FLAG_TO] = {"--to", NULL, "REF", "the other side, a commit or branch; of a reset, the commit"},
    [FLAG_KIND] = {"--kind", NULL, "KIND", "only node or edge (may be repeated)"},
    [FLAG_OP] = {"--op", NULL, "OP", "only insert, update or delete (may be repeated)"},
    [FLAG_STAT] = {"--stat", NULL, NULL, "only how many, by type"},
    [FLAG_LIMIT] = {"--limit", NULL, "N", "at most so many on a page"},
    [FLAG_PAGE_TOKEN] = {"--page-token", NULL, "TOKEN", "the page behind the one that named it"},
    [FLAG_CURSOR] = {"--cursor", NULL, "CURSOR", "go on where an earlier poll ended"},
    [FLAG_START] = {"--start", NULL, "WHERE", "now (default), beginning, or after:COMMIT"},
    [FLAG_OUT] = {"--out", NULL, "FILE", "file to write"},
    [FLAG_KEEP] = {"--keep", NULL, "N", "the states of the newest N commits of each branch stay"},
    [FLAG_OLDER_THAN] = {"--older-than", NULL, "AGE", "only older states go: 90s, 30m, 12h, 7d"},
    [FLAG_GRACE] = {"--grace", NULL, "AGE", "leave alone what writes of this age may still need (24h)"},
    [FLAG_CONFIRM] = {"--confirm", NULL, NULL, "do it; without, only say what would go"},
    [FLAG_HELP] = {"--help", "-h", NULL, "this help"},
    [FLAG_VERSION] = {"--version", "-v", NULL, "the version"},
};

#define F(x)     (1ull << FLAG_##x)
#define GRAPH    (F(STORE) | F(URI) | F(JSON) | F(QUIET) | F(YES) | F(HELP))
#define NO_GRAPH (GRAPH & ~(F(STORE) | F(URI)))
#define SOURCES  (F(QUERY) | F(SOURCE) | F(PARAMS) | F(PARAMS_FILE) | F(BRANCH))
#define FILTERS  (F(KIND) | F(TYPE) | F(OP))

const cli_command cli_commands[] = {
    {"init", NULL, "URI", 1, 1, NO_GRAPH | F(SCHEMA) | F(FORCE) | F(AS), true, "make a graph from a schema", cmd_init},
    {"load", NULL, "[URI]", 0, 1, GRAPH | F(DATA) | F(MODE) | F(BRANCH) | F(FROM) | F(AS), false,
     "load NDJSON, all or nothing", cmd_load},
    {"query", "read", "[NAME]", 0, 1, GRAPH | SOURCES | F(SNAPSHOT) | F(FORMAT), false, "run a read query", cmd_query},
    {"explain", NULL, "[NAME]", 0, 1, GRAPH | SOURCES | F(SNAPSHOT), false,
     "what a query or mutation does, step by step", cmd_explain},
    {"profile", NULL, "[NAME]", 0, 1, GRAPH | SOURCES | F(SNAPSHOT), false, "run a query, and tell what each step cost",
     cmd_profile},
    {"mutate", "change", "[NAME]", 0, 1, GRAPH | SOURCES | F(IF_COMMIT) | F(AS), false, "run a mutation", cmd_mutate},
    {"snapshot", NULL, "[URI]", 0, 1, GRAPH | F(BRANCH), false, "the tables of a branch and their versions",
     cmd_snapshot},
    {"export", NULL, "[URI]", 0, 1, GRAPH | F(BRANCH) | F(TYPE) | F(JSONL), false, "every entity as NDJSON",
     cmd_export},
    {"branch create", NULL, "NAME [URI]", 1, 2, GRAPH | F(FROM) | F(AS), false, "make a branch", cmd_branch_create},
    {"branch list", NULL, "[URI]", 0, 1, GRAPH, false, "the branches there are", cmd_branch_list},
    {"branch delete", NULL, "NAME [URI]", 1, 2, GRAPH | F(AS), false, "delete a branch", cmd_branch_delete},
    {"branch merge", NULL, "SOURCE [URI]", 1, 2,
     GRAPH | F(INTO) | F(DELETE_BRANCH) | F(DRY_RUN) | F(OURS) | F(THEIRS) | F(FIELDS) | F(AS), false,
     "bring what a branch has into another", cmd_branch_merge},
    {"branch reset", NULL, "BRANCH [URI]", 1, 2, GRAPH | F(TO) | F(DRY_RUN) | F(AS), false,
     "make a branch's rows those of a commit, as a new commit", cmd_branch_reset},
    {"branch compare", NULL, "BRANCH [URI]", 1, 2, GRAPH | F(TO), false,
     "how far two branches are from each other, in commits", cmd_branch_compare},
    {"commit list", NULL, "[URI]", 0, 1, GRAPH | F(BRANCH), false, "commits, newest first", cmd_commit_list},
    {"commit show", NULL, "ID [URI]", 1, 2, GRAPH | F(BRANCH), false, "one commit", cmd_commit_show},
    {"commit changes", NULL, "ID [URI]", 1, 2, GRAPH | FILTERS | F(LIMIT) | F(PAGE_TOKEN), false,
     "what a commit changed, entity by entity", cmd_commit_changes},
    {"commit revert", NULL, "ID [URI]", 1, 2, GRAPH | F(BRANCH) | F(DRY_RUN) | F(AS), false,
     "undo what a commit did, as a new commit", cmd_commit_revert},
    {"diff", NULL, "[URI]", 0, 1, GRAPH | FILTERS | F(FROM) | F(TO) | F(STAT), false, "what differs between two states",
     cmd_diff},
    {"changes poll", NULL, "[URI]", 0, 1, GRAPH | FILTERS | F(BRANCH) | F(CURSOR) | F(START) | F(LIMIT), false,
     "what a branch went through, commit by commit", cmd_changes_poll},
    {"changes baseline", NULL, "[URI]", 0, 1, GRAPH | FILTERS | F(BRANCH) | F(OUT), false,
     "an export, and the cursor that goes on from it", cmd_changes_baseline},
    {"schema show", "schema get", "[URI]", 0, 1, GRAPH | F(BRANCH), false, "the accepted schema's source",
     cmd_schema_show},
    {"schema plan", NULL, "[URI]", 0, 1, GRAPH | F(SCHEMA) | F(ALLOW_DATA_LOSS), false,
     "what `schema apply` would change", cmd_schema_plan},
    {"schema apply", NULL, "[URI]", 0, 1, GRAPH | F(SCHEMA) | F(ALLOW_DATA_LOSS) | F(AS), false,
     "change the graph's schema", cmd_schema_apply},
    {"optimize", NULL, "[URI]", 0, 1, GRAPH | F(AS), false, "gather small fragments, leave deleted rows behind",
     cmd_optimize},
    {"cleanup", NULL, "[URI]", 0, 1, GRAPH | F(KEEP) | F(OLDER_THAN) | F(GRACE) | F(CONFIRM) | F(AS), false,
     "remove old states, and what crashed writers left", cmd_cleanup},
    {"lint", "check", "[URI]", 0, 1, GRAPH | F(QUERY) | F(SCHEMA), true, "check a query file", cmd_lint},
    {"fmt", NULL, "FILE...", 1, 1000, F(CHECK) | F(WRITE) | F(HELP), true, "format .gq and .pg files", cmd_fmt},
    {"lance inspect", NULL, "TABLE [VERSION]", 1, 2, F(BRANCH) | F(JSON) | F(HELP), true,
     "what a Lance table's files hold, and whether it is sound", cmd_lance_inspect},
    {"version", NULL, "", 0, 0, F(HELP), false, "the version", cmd_version},
    {"help", NULL, "[COMMAND]", 0, 2, F(HELP), false, "this help", cli_help},
    {"completion", NULL, "bash|zsh|fish", 1, 1, F(HELP), false, "shell completion", cli_completion},
};
const size_t cli_n_commands = OG_ARRAY_LEN(cli_commands);

/* ---- help */

static og_status usage_line(cli *c, const cli_command *k)
{
  return cli_printf(c, "  %-16s %-14s %s%s%s%s\n", k->name, k->positionals, k->summary, k->alias ? " (also: " : "",
                    k->alias ? k->alias : "", k->alias ? ")" : "");
}

static og_status help_flag(cli *c, const cli_flag_spec *s)
{
  char left[64];
  size_t n = 0;
  const char *const parts[] = {s->alias ? s->alias : "", s->alias ? ", " : "", s->name, s->value ? " " : "",
                               s->value ? s->value : ""};
  for (size_t i = 0; i < OG_ARRAY_LEN(parts); i++) {
    size_t len = strlen(parts[i]);
    if (n + len >= sizeof left) break;
    memcpy(left + n, parts[i], len);
    n += len;
  }
  left[n] = '\0';
  return cli_printf(c, "  %-30s %s\n", left, s->help);
}

static og_status help_group(cli *c, og_str group)
{
  OG_AUTO(og_buf) prefix = {0};
  OG_TRY(og_buf_printf(c->cx, &prefix, OG_STR_FMT " ", OG_STR_ARG(group)));
  OG_TRY(cli_printf(c, "omnigraph " OG_STR_FMT " COMMAND [FLAGS]\n\n", OG_STR_ARG(group)));
  for (size_t i = 0; i < cli_n_commands; i++)
    if (og_str_starts_with(og_str_of(cli_commands[i].name), og_buf_str(&prefix)))
      OG_TRY(usage_line(c, &cli_commands[i]));
  return OG_OK;
}

/* Where a command's work can be done: by a server, too; only where the files are; without any. */
typedef enum capability { ANY, DIRECT, LOCAL } capability;

static capability capability_of(const cli_command *k)
{
  return k->capability_direct ? DIRECT : k->flags & F(STORE) ? ANY : LOCAL;
}

static og_status help_capability(cli *c, capability which)
{
  static const char *const names[] = {[ANY] = "any", [DIRECT] = "direct", [LOCAL] = "local"};
  const char *before = "";
  OG_TRY(cli_printf(c, "  %-10s", names[which]));
  for (size_t i = 0; i < cli_n_commands; i++) {
    if (capability_of(&cli_commands[i]) != which) continue;
    OG_TRY(cli_printf(c, "%s%s", before, cli_commands[i].name));
    before = ", ";
  }
  return cli_printf(c, "\n");
}

static og_status help_all(cli *c)
{
  OG_TRY(
      cli_printf(c, "omnigraph: a typed property graph under version control\n\nusage: omnigraph COMMAND [FLAGS]\n\n"));
  for (size_t i = 0; i < cli_n_commands; i++) OG_TRY(usage_line(c, &cli_commands[i]));
  OG_TRY(cli_printf(c,
                    "\nA graph is named by a positional URI, --store or --uri.  `omnigraph help COMMAND` shows flags.\n"
                    "\nCOMMANDS BY CAPABILITY\n"));
  for (capability k = ANY; k <= LOCAL; k++) OG_TRY(help_capability(c, k));
  return OG_OK;
}

static const cli_command *find_named(og_str name)
{
  for (size_t i = 0; i < cli_n_commands; i++)
    if (og_str_eq(og_str_of(cli_commands[i].name), name)) return &cli_commands[i];
  return NULL;
}

og_status cli_help(cli *c)
{
  const cli_command *k = c->command && c->command->run != cli_help ? c->command : NULL;
  og_str first = cli_positional(c, 0), second = cli_positional(c, 1), name = first;
  if (c->group.len) return help_group(c, c->group);
  if (!k && !second.len && cli_is_group(first)) return help_group(c, first);
  if (!k && first.len) {
    if (second.len)
      OG_TRY(og_arena_printf(c->cx, c->cx->arena, &name, OG_STR_FMT " " OG_STR_FMT, OG_STR_ARG(first),
                             OG_STR_ARG(second)));
    k = find_named(name);
    if (!k) return cli_usage(c, "no command '" OG_STR_FMT "'; `omnigraph help` lists them", OG_STR_ARG(name));
  }
  if (!k) return help_all(c);
  OG_TRY(cli_printf(c, "omnigraph %s %s\n\n  %s\n\n", k->name, k->positionals, k->summary));
  for (int f = 0; f < N_FLAGS; f++)
    if (k->flags >> f & 1) OG_TRY(help_flag(c, &cli_flags[f]));
  return OG_OK;
}

/* ---- completion */

static og_status completion_words(cli *c, const char *sep)
{
  for (size_t i = 0; i < cli_n_commands; i++) OG_TRY(cli_printf(c, "%s%s", i ? sep : "", cli_commands[i].name));
  for (int f = 0; f < N_FLAGS; f++) OG_TRY(cli_printf(c, "%s%s", sep, cli_flags[f].name));
  return OG_OK;
}

static og_status completion_fish(cli *c)
{
  for (size_t i = 0; i < cli_n_commands; i++)
    OG_TRY(cli_printf(c, "complete -c omnigraph -n __fish_use_subcommand -a '%s' -d '%s'\n", cli_commands[i].name,
                      cli_commands[i].summary));
  for (int f = 0; f < N_FLAGS; f++)
    OG_TRY(cli_printf(c, "complete -c omnigraph -l %s%s -d '%s'\n", cli_flags[f].name + 2,
                      cli_flags[f].value ? " -r" : "", cli_flags[f].help));
  return OG_OK;
}

og_status cli_completion(cli *c)
{
  og_str shell = cli_positional(c, 0);
  if (og_str_eq(shell, OG_STR("fish"))) return completion_fish(c);
  bool zsh = og_str_eq(shell, OG_STR("zsh"));
  if (!zsh && !og_str_eq(shell, OG_STR("bash")))
    return cli_usage(c, "completion is there for bash, zsh and fish, not for '" OG_STR_FMT "'", OG_STR_ARG(shell));
  if (zsh) OG_TRY(cli_printf(c, "autoload -U +X bashcompinit && bashcompinit\n"));
  OG_TRY(cli_printf(c, "_omnigraph() {\n  COMPREPLY=($(compgen -f -W '"));
  OG_TRY(completion_words(c, " "));
  return cli_printf(c, "' -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -F _omnigraph omnigraph\n");
}
