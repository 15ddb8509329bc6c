/* SPDX-License-Identifier: MIT */
#include "reader.h"

#include <stdio.h>

/* Hands the thread to the reader when a version has got its name, and leaves it there. */
static void listen(void *arg, const char *line)
{
  reader *r = arg;
  const char *link = strstr(line, " link ");
  size_t n = strlen(line);
  bool linked = link && strncmp(link + 6, r->log, strlen(r->log)) == 0 && strcmp(line + n - 2, "ok") == 0;
  if (r->done) return;
  if (r->linked && strncmp(line, r->reads, strlen(r->reads)) == 0) og_sim_set_switch_permille(r->sim, 0);
  if (!linked) return;
  r->linked = true;
  og_sim_set_switch_permille(r->sim, 1000);
}

static og_status look_once(og_ctx *cx, reader *r)
{
  OG_AUTO(og_arena) arena = {0};
  bool linked = r->linked;
  cx->arena = &arena;
  og_status st = r->look(cx, r->arg);
  if (linked) { /* before this look began */
    og_sim_set_switch_permille(r->sim, SWITCH_PERMILLE);
    r->linked = false;
  }
  cx->arena = NULL;
  return st;
}

static og_status run(og_ctx *cx, void *arg)
{
  reader *r = arg;
  og_sim_label(cx->env, "reader");
  for (int i = 0; i < 400 && !atomic_load(cx->cancel) && !r->done; i++) {
    cx->env->ops->yield(cx->env);
    if (!r->linked && i % 32 != 31) continue;
    og_status st = look_once(cx, r);
    if (st != OG_OK && st != OG_ENOTFOUND && !atomic_load(cx->cancel)) r->problem(r->arg, cx->err);
    og_error_clear(cx);
  }
  return OG_OK;
}

void reader_start(reader *r, unsigned number)
{
  snprintf(r->reads, sizeof r->reads, "p%u ", number);
  if (r->how == READ_NEVER) return;
  if (r->how == READ_AT_ONCE) og_sim_set_trace(r->sim, listen, r);
  (void)og_sim_spawn(og_sim_process_new(r->sim), run, r);
}
