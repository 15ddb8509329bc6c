/* SPDX-License-Identifier: MIT */
/* cli/main.c -- the process: its world, its signals, its exit code. */
#include "api/render.h"
#include "base/cpu.h"
#include "base/env.h"
#include "base/pool.h"
#include "cli/cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static _Atomic bool cancelled;

/* The first Ctrl-C asks the work to stop, the second ends the process. */
static void on_interrupt(int sig)
{
  if (atomic_exchange(&cancelled, true)) _exit(128 + sig);
}

static void set_signals(void)
{
  struct sigaction act = {.sa_handler = on_interrupt}, ignore = {.sa_handler = SIG_IGN};
  sigemptyset(&act.sa_mask);
  sigemptyset(&ignore.sa_mask);
  sigaction(SIGINT, &act, NULL);
  sigaction(SIGPIPE, &ignore, NULL);
}

/* A file that is opened where a standard stream is closed would get what is printed there.  Writing to /dev/null fails,
 * as it is open for reading. */
static bool fill_standard_streams(void)
{
  int fd;
  do fd = open("/dev/null", O_RDONLY); /* style: allow open -- before there is an env */
  while (fd >= 0 && fd <= STDERR_FILENO);
  return fd > STDERR_FILENO && close(fd) == 0;
}

/* A human line on stderr always; with --json the envelope on stdout, unless the answer is there already. */
static int report(cli *c, og_status st)
{
  og_error e = *c->cx->err;
  fprintf(stderr, "error: %s\n", e.text);
  for (size_t i = 0; i < c->extra.n_conflicts; i++) {
    const og_merge_conflict *k = &c->extra.conflicts[i];
    fprintf(stderr, "  %s: " OG_STR_FMT "\n", og_conflict_kind_name(k->kind), OG_STR_ARG(k->message));
  }
  bool lint = c->command && c->command->run == cmd_lint && st == OG_EINVALID && e.detail.kind == OG_DETAIL_NONE;
  bool usage = cli_is_usage(&e);
  if (cli_has(c, FLAG_JSON) && !usage && !(lint && og_str_starts_with(og_str_of(e.text), OG_STR("lint found")))) {
    og_json_writer w;
    og_buf_clear(&c->out);
    og_json_writer_init(&w, &c->out, true);
    if (og_api_error(c->cx, &e, &c->extra, &w) != OG_OK || cli_write(c, OG_STR("\n")) != OG_OK || cli_flush(c) != OG_OK)
      fprintf(stderr, "error: the answer could not be written\n");
  }
  return usage ? 2 : og_status_exit(st);
}

static int run(og_ctx *cx, int argc, char **argv)
{
  cli c = {.cx = cx,
           .positionals = OG_VEC_INIT(og_str),
           .types = OG_VEC_INIT(og_str),
           .kinds = OG_VEC_INIT(og_str),
           .ops = OG_VEC_INIT(og_str)};
  og_status st = cli_parse(&c, argc, argv);
  if (st == OG_OK) st = cli_has(&c, FLAG_HELP) ? cli_help(&c) : c.command->run(&c);
  if (st == OG_OK) st = cli_flush(&c);
  int code = st == OG_OK ? 0 : report(&c, st);
  og_vec_cleanup(&c.positionals);
  og_vec_cleanup(&c.types);
  og_vec_cleanup(&c.kinds);
  og_vec_cleanup(&c.ops);
  og_buf_cleanup(&c.out);
  return code;
}

int main(int argc, char **argv)
{
  og_runtime rt = {0};
  og_mem outer;
  og_error err;
  og_ctx cx;
  og_arena arena = {0};
  if (!fill_standard_streams()) return 1;
  og_mem_init(&outer, 0);
  og_mem_init(&rt.mem, 0);
  set_signals();
  if (og_env_posix_new(&outer, &rt.env) != OG_OK) {
    fprintf(stderr, "error: out of memory\n");
    return 1;
  }
  og_ctx_init(&cx, &rt, &err, &arena);
  cx.cancel = &cancelled;
  int code = run(&cx, argc, argv);
  og_arena_cleanup(&arena);
  og_pool_free(rt.pool);
  og_env_posix_free(rt.env);
  return code;
}
