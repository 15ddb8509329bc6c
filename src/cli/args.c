/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "base/env.h"
#include "base/limits.h"

#include <stdio.h>

/* Marks usage errors: nothing else raises from this file name with OG_EINVALID. */
static const char usage_mark[] = "usage";

og_status cli_usage(cli *c, const char *fmt, ...)
{
  char text[1000];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  return og_fail_at(c->cx, OG_EINVALID, usage_mark, 0, "%s", text);
}

bool cli_is_usage(const og_error *e)
{
  return e->file == usage_mark;
}

static const cli_command *command_named(og_str name)
{
  for (size_t i = 0; i < cli_n_commands; i++) {
    const cli_command *k = &cli_commands[i];
    if (og_str_eq(og_str_of(k->name), name) || (k->alias && og_str_eq(og_str_of(k->alias), name))) return k;
  }
  return NULL;
}

/* Whether the two words of `name` begin with this one. */
static bool is_in_group(const char *name, og_str group)
{
  og_str all = og_str_of(name);
  return group.len && all.len > group.len && all.ptr[group.len] == ' ' && og_str_starts_with(all, group);
}

bool cli_is_group(og_str name)
{
  for (size_t i = 0; i < cli_n_commands; i++)
    if (is_in_group(cli_commands[i].name, name)) return true;
  return false;
}

static og_status group_usage(cli *c, og_str group)
{
  OG_AUTO(og_buf) words = {0};
  for (size_t i = 0; i < cli_n_commands; i++) {
    if (!is_in_group(cli_commands[i].name, group)) continue;
    OG_TRY(og_buf_printf(c->cx, &words, "%s%s", words.len ? ", " : "", cli_commands[i].name + group.len + 1));
  }
  return cli_usage(c, "`" OG_STR_FMT "` needs one of: " OG_STR_FMT, OG_STR_ARG(group), OG_STR_ARG(og_buf_str(&words)));
}

static og_status unknown_command(cli *c, og_str name)
{
  static const char *const later[] = {
      "repair",        "blob get",        "blob stat",   "embed",          "graphs list",      "ingest",
      "login",         "logout",          "alias",       "profile list",   "cluster validate", "cluster plan",
      "cluster apply", "policy validate", "policy test", "policy explain", "queries list"};
  og_str near = OG_STR_NONE;
  if (cli_is_group(name)) return group_usage(c, name);
  for (size_t i = 0; i < OG_ARRAY_LEN(later); i++)
    if (og_str_eq(name, og_str_of(later[i])) || is_in_group(later[i], name))
      return og_fail(c->cx, OG_EUNSUPPORTED, "not supported yet: `omnigraph " OG_STR_FMT "`", OG_STR_ARG(name));
  for (size_t i = 0; i < cli_n_commands; i++)
    if (og_str_distance(name, og_str_of(cli_commands[i].name), 2) <= 2) near = og_str_of(cli_commands[i].name);
  if (near.ptr)
    return cli_usage(c, "no command '" OG_STR_FMT "'; did you mean '" OG_STR_FMT "'?", OG_STR_ARG(name),
                     OG_STR_ARG(near));
  return cli_usage(c, "no command '" OG_STR_FMT "'; `omnigraph help` lists them", OG_STR_ARG(name));
}

static int flag_named(og_str name)
{
  for (int f = 0; f < N_FLAGS; f++)
    if (og_str_eq(og_str_of(cli_flags[f].name), name) ||
        (cli_flags[f].alias && og_str_eq(og_str_of(cli_flags[f].alias), name)))
      return f;
  return -1;
}

/* Where the command's name is: the first word that is neither a flag nor a flag's value. */
static int command_at(int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    og_str word = og_str_of(argv[i]);
    if (word.len < 2 || word.ptr[0] != '-') return i;
    int f = flag_named(word);
    if (f >= 0 && cli_flags[f].value) i++;
  }
  return argc;
}

static bool has_word(int argc, char **argv, cli_flag f)
{
  for (int i = 1; i < argc; i++)
    if (flag_named(og_str_of(argv[i])) == (int)f) return true;
  return false;
}

static og_status no_command(cli *c, int argc, char **argv)
{
  bool help = has_word(argc, argv, FLAG_HELP);
  if (!help && !has_word(argc, argv, FLAG_VERSION))
    return cli_usage(c, "no command given; `omnigraph help` lists them");
  c->command = command_named(help ? OG_STR("help") : OG_STR("version"));
  return OG_OK;
}

static void warn_of_old_name(const cli_command *k, og_str name)
{
  if (k->alias && k->run != cmd_schema_show && og_str_eq(og_str_of(k->alias), name))
    fprintf(stderr, "warning: `%s` is the old name of `%s`\n", k->alias, k->name);
}

/* One word at `at`, or two as in `branch create`; `branch --help` is the help of all commands that begin so. */
static og_status find_command(cli *c, int argc, char **argv, int at, int *used)
{
  og_str first = og_str_of(argv[at]), both = OG_STR_NONE;
  bool two = at + 1 < argc && argv[at + 1][0] != '-';
  *used = 2;
  if (two) {
    OG_TRY(og_arena_printf(c->cx, c->cx->arena, &both, "%s %s", argv[at], argv[at + 1]));
    c->command = command_named(both);
    if (c->command) return OG_OK;
  }
  *used = 1;
  c->command = command_named(first);
  if (c->command) {
    warn_of_old_name(c->command, first);
    return OG_OK;
  }
  if (cli_is_group(first) && has_word(argc, argv, FLAG_HELP)) {
    c->command = command_named(OG_STR("help"));
    c->group = first;
    return OG_OK;
  }
  og_status st = unknown_command(c, two ? both : first);
  return two && !cli_is_group(first) && cli_is_usage(c->cx->err) ? unknown_command(c, first) : st;
}

static og_status unknown_flag(cli *c, og_str name)
{
  static const char *const later[] = {"--server", "--graph", "--profile", "--cluster"};
  for (size_t i = 0; i < OG_ARRAY_LEN(later); i++)
    if (og_str_eq(name, og_str_of(later[i])))
      return og_fail(c->cx, OG_EUNSUPPORTED, "not supported yet: %s; name a local graph with --store", later[i]);
  for (int f = 0; f < N_FLAGS; f++)
    if (c->command->flags >> f & 1 && og_str_distance(name, og_str_of(cli_flags[f].name), 2) <= 2)
      return cli_usage(c, "unknown flag '" OG_STR_FMT "'; did you mean '%s'?", OG_STR_ARG(name), cli_flags[f].name);
  return cli_usage(c, "unknown flag '" OG_STR_FMT "'; `omnigraph help %s` lists the flags", OG_STR_ARG(name),
                   c->command->name);
}

static og_status take_flag(cli *c, int argc, char **argv, int *i)
{
  og_str word = og_str_of(argv[*i]);
  size_t eq = og_str_starts_with(word, OG_STR("--")) ? og_str_find(word, OG_STR("=")) : SIZE_MAX;
  og_str name = og_str_sub(word, 0, eq);
  int f = flag_named(name);
  if (f < 0) return unknown_flag(c, name);
  if (!(c->command->flags >> f & 1))
    return og_fail(c->cx, OG_EINVALID,
                   "%s does not apply to `%s` (it means: %s); `omnigraph help %s` lists the flags that do",
                   cli_flags[f].name, c->command->name, cli_flags[f].help, c->command->name);
  if (!cli_flags[f].value) {
    c->values[f] = OG_STR("true");
    return OG_OK;
  }
  if (eq != SIZE_MAX)
    c->values[f] = og_str_sub(word, eq + 1, word.len);
  else if (*i + 1 < argc)
    c->values[f] = og_str_of(argv[++*i]);
  else
    return cli_usage(c, "%s needs a value: %s", cli_flags[f].name, cli_flags[f].value);
  og_vec *all = f == FLAG_TYPE ? &c->types : f == FLAG_KIND ? &c->kinds : f == FLAG_OP ? &c->ops : NULL;
  return all ? og_vec_add(c->cx, all, &c->values[f]) : OG_OK;
}

static og_status check_conflicts(cli *c)
{
  static const cli_flag pairs[][2] = {{FLAG_QUERY, FLAG_SOURCE},    {FLAG_PARAMS, FLAG_PARAMS_FILE},
                                      {FLAG_BRANCH, FLAG_SNAPSHOT}, {FLAG_FORMAT, FLAG_JSON},
                                      {FLAG_OURS, FLAG_THEIRS},     {FLAG_DRY_RUN, FLAG_DELETE_BRANCH},
                                      {FLAG_CURSOR, FLAG_START},    {FLAG_STORE, FLAG_URI}};
  for (size_t i = 0; i < OG_ARRAY_LEN(pairs); i++)
    if (cli_has(c, pairs[i][0]) && cli_has(c, pairs[i][1]))
      return cli_usage(c, "%s and %s exclude each other", cli_flags[pairs[i][0]].name, cli_flags[pairs[i][1]].name);
  return OG_OK;
}

og_status cli_parse(cli *c, int argc, char **argv)
{
  int at = command_at(argc, argv), used = 0;
  bool only_words = false;
  if (at == argc) return no_command(c, argc, argv);
  OG_TRY(find_command(c, argc, argv, at, &used));
  for (int i = 1; i < argc; i++) {
    if (i >= at && i < at + used) continue;
    og_str word = og_str_of(argv[i]);
    if (!only_words && og_str_eq(word, OG_STR("--")))
      only_words = true;
    else if (!only_words && word.len > 1 && word.ptr[0] == '-')
      OG_TRY(take_flag(c, argc, argv, &i));
    else
      OG_TRY(og_vec_add(c->cx, &c->positionals, &word));
  }
  if (cli_has(c, FLAG_HELP)) return OG_OK;
  if (c->positionals.len > (size_t)c->command->max_positionals)
    return cli_usage(c, "`%s` takes %s: '" OG_STR_FMT "' is one too many", c->command->name,
                     c->command->max_positionals ? c->command->positionals : "no arguments",
                     OG_STR_ARG(cli_positional(c, (size_t)c->command->max_positionals)));
  if (c->positionals.len < (size_t)c->command->min_positionals)
    return cli_usage(c, "`%s` needs %s", c->command->name, c->command->positionals);
  return check_conflicts(c);
}

/* ---- what commands share */

/* How a graph is named is looked at when a command needs one: what is wrong there is a failure, no wrong usage. */
og_status cli_graph_uri(cli *c, size_t at, og_str *out)
{
  og_str positional = cli_positional(c, at);
  og_str flag = cli_has(c, FLAG_STORE) ? c->values[FLAG_STORE] : c->values[FLAG_URI];
  if (positional.ptr && flag.ptr)
    return og_fail(c->cx, OG_EINVALID,
                   "the argument '" OG_STR_FMT "' and %s " OG_STR_FMT " are mutually exclusive: each names a graph",
                   OG_STR_ARG(positional), cli_has(c, FLAG_STORE) ? "--store" : "--uri", OG_STR_ARG(flag));
  *out = positional.ptr ? positional : flag;
  if (!out->ptr || out->len == 0)
    return og_fail(c->cx, OG_EINVALID, "which graph? Give its URI%s with --store (a server is not supported yet)",
                   c->command->max_positionals > (int)at ? " as an argument or" : "");
  if (og_str_starts_with(*out, OG_STR("http://")) || og_str_starts_with(*out, OG_STR("https://")))
    return og_fail(c->cx, OG_EUNSUPPORTED, "not supported yet: graphs behind a server (--server)");
  return OG_OK;
}

og_status cli_open(cli *c, size_t at, bool read_only, og_db **out)
{
  og_str uri = OG_STR_NONE;
  OG_TRY(cli_graph_uri(c, at, &uri));
  return og_db_open(c->cx, uri, read_only, out);
}

void cli_echo(const cli *c, const og_db *db)
{
  if (cli_has(c, FLAG_QUIET)) return;
  fprintf(stderr, "omnigraph %s → " OG_STR_FMT " (direct, %s)\n", c->command->name, OG_STR_ARG(og_db_uri(db)),
          og_db_place(db));
}
