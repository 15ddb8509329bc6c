/* SPDX-License-Identifier: MIT */
/* cli/cmd_fmt.c -- `omnigraph fmt`: canonical text of .gq and .pg files. */
#include "base/env.h"
#include "cli/cli.h"
#include "query/format.h"

static og_status language_of(cli *c, og_str path, bool *schema)
{
  *schema = og_str_ends_with(path, OG_STR(".pg"));
  if (*schema || og_str_ends_with(path, OG_STR(".gq")) || og_str_eq(path, OG_STR("-"))) return OG_OK;
  return cli_usage(c, OG_STR_FMT ": `fmt` takes .gq and .pg files, or - for a .gq text", OG_STR_ARG(path));
}

static og_status fill(cli *c, const char *path, og_str text)
{
  const og_env_ops *ops = c->cx->env->ops;
  og_file *f;
  OG_TRY(ops->file_open(c->cx, path, OG_OPEN_CREATE_NEW, &f));
  og_status st = ops->file_append(c->cx, f, text.ptr, text.len);
  if (st == OG_OK) st = ops->file_sync(c->cx, f);
  ops->file_close(c->cx->env, f);
  return st;
}

/* A new file takes the old one's name, so that nobody finds half of it. */
static og_status replace(cli *c, og_str path, og_str text)
{
  og_str to, from;
  og_file_info info;
  const og_env_ops *ops = c->cx->env->ops;
  OG_TRY(cli_absolute(c, path, &to));
  OG_TRY(ops->path_info(c->cx, to.ptr, &info));
  if (info.is_link)
    return og_fail(c->cx, OG_EINVALID, OG_STR_FMT " is a symbolic link: name the file it leads to", OG_STR_ARG(path));
  OG_TRY(og_arena_printf(c->cx, c->cx->arena, &from, OG_STR_FMT ".fmt~", OG_STR_ARG(to)));
  og_status st = fill(c, from.ptr, text);
  if (st == OG_OK) st = ops->rename(c->cx, from.ptr, to.ptr);
  if (st == OG_OK || st == OG_EEXISTS) return st;
  og_error saved = *c->cx->err; /* what went wrong first is what matters */
  if (ops->unlink(c->cx, from.ptr) != OG_OK) og_error_clear(c->cx);
  *c->cx->err = saved;
  return st;
}

static og_status format_one(cli *c, og_str path, uint32_t *changed)
{
  og_str text;
  bool schema;
  OG_AUTO(og_buf) made = {0};
  OG_TRY(language_of(c, path, &schema));
  OG_TRY(cli_read_file(c, path, &text));
  OG_TRY(og_format(c->cx, text, path, schema, &made));
  bool same = og_str_eq(og_buf_str(&made), text);
  *changed += !same;
  if (cli_has(c, FLAG_CHECK)) return same ? OG_OK : cli_printf(c, OG_STR_FMT "\n", OG_STR_ARG(path));
  if (!cli_has(c, FLAG_WRITE)) return cli_write(c, og_buf_str(&made));
  if (same) return OG_OK;
  OG_TRY(replace(c, path, og_buf_str(&made)));
  return cli_printf(c, "formatted " OG_STR_FMT "\n", OG_STR_ARG(path));
}

og_status cmd_fmt(cli *c)
{
  uint32_t changed = 0;
  if (cli_has(c, FLAG_CHECK) && cli_has(c, FLAG_WRITE)) return cli_usage(c, "--check and --write exclude each other");
  for (size_t i = 0; i < c->positionals.len; i++) {
    og_str path = cli_positional(c, i);
    if (cli_has(c, FLAG_WRITE) && og_str_eq(path, OG_STR("-"))) return cli_usage(c, "--write needs a file, not -");
    OG_TRY(format_one(c, path, &changed));
  }
  if (!cli_has(c, FLAG_CHECK) || changed == 0) return OG_OK;
  OG_TRY(cli_flush(c));
  return og_fail(c->cx, OG_EINVALID, "%u file%s not in canonical form; `omnigraph fmt --write` puts %s into it",
                 changed, changed == 1 ? " is" : "s are", changed == 1 ? "it" : "them");
}
