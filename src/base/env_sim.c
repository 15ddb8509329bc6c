/* SPDX-License-Identifier: MIT */
/* base/env_sim.c -- the simulated world.
 *
 * The idea: all nondeterminism of a run is drawn from four streams of one seed (schedule, losses, a
 * process's own random bytes, the test's choices), so a failing run is its seed.
 *
 *  (1) A counted call is atomic: switching happens before it, never inside.  Since every effect on
 *      the world is a counted call, the schedules are exactly the interleavings of calls.
 *  (2) A fault planned for call n strikes before its effect; "after call n" is "before call n + 1".
 *  (3) The dead have no effect.  Their tasks are not abandoned but run out, each call answering
 *      OG_ECANCELLED, so that memory of any library below us is freed by the code that owns it and
 *      leak checking keeps its meaning.
 *  (4) Time moves by some microseconds per call and jumps to the next sleeper when nobody can run.
 *  (5) Suppressing a sync hides it from the disk, not from the schedule: a run with a sync removed
 *      makes the same choices as the run with it, up to the first difference it causes.
 */
#include "base/env_sim.h"

#include "base/env_fail.h"
#include "base/fiber.h"
#include "base/map.h"
#include "base/mutex.h"
#include "base/simfs.h"
#include "base/vec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define WALL_START_US  1700000000000000ll
#define DEFAULT_BUDGET 10000000u
#define DEAD_CALLS_MAX                                                                                                 \
  100000u               /* of one process; more is a loop that does not heed OG_ECANCELLED                             \
                         */
#define MASK_LENGTH 16u /* parts of names this long are random */
#define SITE_BYTES  512u

typedef enum task_state { TASK_READY, TASK_SLEEPS, TASK_JOINS, TASK_DONE } task_state;

struct og_sim_task {
  og_fiber fiber;
  og_sim_process *process;
  task_state state;
  size_t ready_slot;
  uint64_t wake_ns;
  og_sim_task *joiner; /* waits for this one */
  og_sim_fn fn;        /* spawned, or */
  og_status (*raw_fn)(void *arg);
  void *arg;
  og_ctx cx;
  og_error err;
  og_status result;
  const char *label;
  unsigned id;
};

struct og_sim_process {
  og_env env; /* first: an og_env * is its process */
  og_sim *sim;
  og_runtime rt;
  _Atomic bool dead;
  uint64_t random;
  uint64_t calls, crash_at, fail_at, dead_calls;
  int fail_err;
  int64_t wall_skew_us;
  unsigned id;
};

_Static_assert(offsetof(og_sim_process, env) == 0, "og_env must come first");

struct og_sim {
  og_mem mem;
  og_error err;
  og_ctx cx; /* for the world's own memory */
  og_simfs *fs;
  uint64_t schedule, losses, choices; /* states of the streams */
  uint64_t mono_ns, ctime_step_ns;
  unsigned switch_permille;
  og_sim_loss loss;
  uint64_t power_at, budget, suppress_nth;
  char *suppress_site;
  og_vec processes, tasks, ready, stacks; /* pointers */
  og_sim_task *running;                   /* NULL: outside og_sim_run */
  og_fiber main;
  og_sim_end end;
  bool stopped;
  og_map sites; /* name -> calls */
  og_sim_stats stats;
  unsigned n_tasks;
  void (*trace)(void *arg, const char *text);
  void *trace_arg;
  void (*before_call)(void *arg);
  void *before_call_arg;
};

struct og_file {
  og_simfs_node *node;
  bool sync_failed;
  char path[];
};

/* splitmix64, by Sebastiano Vigna (public domain). */
static uint64_t draw(uint64_t *state)
{
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static uint64_t draw_for_disk(void *arg)
{
  return draw(&((og_sim *)arg)->losses);
}

static og_sim_process *process_of(og_env *env)
{
  return (og_sim_process *)env;
}

static bool is_dead(const og_sim_process *p)
{
  return atomic_load_explicit(&p->dead, memory_order_relaxed);
}

/* -- scheduling -- */

static void make_ready(og_sim *sim, og_sim_task *t)
{
  t->state = TASK_READY;
  t->ready_slot = sim->ready.len;
  OG_INVARIANT(og_vec_add(&sim->cx, &sim->ready, &t) == OG_OK);
}

static void unready(og_sim *sim, og_sim_task *t, task_state state)
{
  og_sim_task *last = OG_VEC_AT(&sim->ready, og_sim_task *, --sim->ready.len);
  OG_VEC_AT(&sim->ready, og_sim_task *, t->ready_slot) = last;
  last->ready_slot = t->ready_slot;
  t->state = state;
}

/* Time jumps to the first sleepers and they wake. */
static void wake_sleepers(og_sim *sim)
{
  uint64_t first = UINT64_MAX;
  for (size_t i = 0; i < sim->tasks.len; i++) {
    const og_sim_task *t = OG_VEC_AT(&sim->tasks, og_sim_task *, i);
    if (t->state == TASK_SLEEPS && t->wake_ns < first) first = t->wake_ns;
  }
  if (first == UINT64_MAX) return;
  if (sim->mono_ns < first) sim->mono_ns = first;
  for (size_t i = 0; i < sim->tasks.len; i++) {
    og_sim_task *t = OG_VEC_AT(&sim->tasks, og_sim_task *, i);
    if (t->state == TASK_SLEEPS && t->wake_ns <= first) make_ready(sim, t);
  }
}

/* The fiber to run next; the main one when nobody can, or the run is over. */
static og_fiber *pick(og_sim *sim)
{
  if (!sim->stopped && sim->ready.len == 0) wake_sleepers(sim);
  if (sim->stopped || sim->ready.len == 0) {
    sim->running = NULL;
    return &sim->main;
  }
  size_t i = (size_t)(draw(&sim->schedule) % sim->ready.len);
  sim->running = OG_VEC_AT(&sim->ready, og_sim_task *, i);
  return &sim->running->fiber;
}

static void reschedule(og_sim *sim)
{
  og_sim_task *self = sim->running;
  og_fiber *next = pick(sim);
  if (next == &self->fiber) return;
  sim->stats.switches++;
  og_fiber_switch(&self->fiber, next);
}

static void maybe_switch(og_sim *sim)
{
  og_mutex__may_block();
  if (!sim->running || (sim->ready.len < 2 && !sim->stopped)) return;
  if (draw(&sim->schedule) % 1000 < sim->switch_permille) reschedule(sim);
}

static void stop_run(og_sim *sim, og_sim_end end)
{
  sim->end = end;
  sim->stopped = true;
  if (sim->running) reschedule(sim);
}

static void task_end(og_sim *sim, og_sim_task *t)
{
  unready(sim, t, TASK_DONE);
  if (t->joiner) make_ready(sim, t->joiner);
  og_fiber *next = pick(sim);
  og_fiber_leave(&t->fiber, next);
}

static void task_main(void *arg)
{
  og_sim_task *t = arg;
  t->result = t->fn ? t->fn(&t->cx, t->arg) : t->raw_fn(t->arg);
  task_end(t->process->sim, t);
}

static og_sim_task *task_new(og_sim_process *p)
{
  og_sim *sim = p->sim;
  og_sim_task *t = og_zalloc(&sim->cx, sizeof *t);
  if (!t) return NULL;
  void *stack = sim->stacks.len > 0 ? OG_VEC_AT(&sim->stacks, void *, --sim->stacks.len) : og_fiber_stack_new();
  if (!stack || og_vec_add(&sim->cx, &sim->tasks, &t) != OG_OK) {
    og_fiber_stack_free(stack);
    og_free(t);
    return NULL;
  }
  t->process = p;
  t->id = ++sim->n_tasks;
  t->label = sim->running ? sim->running->label : "";
  og_sim_ctx_init(p, &t->cx, &t->err, NULL);
  og_fiber_init(&t->fiber, stack, task_main, t);
  make_ready(sim, t);
  return t;
}

static void stack_give_back(og_sim *sim, og_sim_task *t)
{
  if (og_vec_add(&sim->cx, &sim->stacks, &t->fiber.stack) != OG_OK) og_fiber_stack_free(t->fiber.stack);
  t->fiber.stack = NULL;
}

og_sim_end og_sim_run(og_sim *sim)
{
  OG_ASSERT(!sim->running);
  sim->end = OG_SIM_DONE;
  sim->stopped = false;
  og_fiber_init_main(&sim->main);
  og_fiber *first = pick(sim);
  if (first != &sim->main) og_fiber_switch(&sim->main, first);
  for (size_t i = 0; i < sim->tasks.len; i++) {
    og_sim_task *t = OG_VEC_AT(&sim->tasks, og_sim_task *, i);
    if (t->state == TASK_DONE && t->fiber.stack) stack_give_back(sim, t);
    if (t->state != TASK_DONE && sim->end == OG_SIM_DONE) sim->end = OG_SIM_DEADLOCK;
  }
  return sim->end;
}

/* -- death -- */

static void trace(og_sim *sim, const char *fmt, ...) OG_PRINTF(2, 3);
static void trace(og_sim *sim, const char *fmt, ...)
{
  if (!sim->trace) return;
  char line[1200];
  va_list args;
  va_start(args, fmt);
  vsnprintf(line, sizeof line, fmt, args);
  va_end(args);
  sim->trace(sim->trace_arg, line);
}

static void kill_process(og_sim_process *p)
{
  if (is_dead(p)) return;
  atomic_store_explicit(&p->dead, true, memory_order_relaxed);
  og_sim *sim = p->sim;
  for (size_t i = 0; i < sim->tasks.len; i++) {
    og_sim_task *t = OG_VEC_AT(&sim->tasks, og_sim_task *, i);
    if (t->process == p && t->state == TASK_SLEEPS) make_ready(sim, t);
  }
}

void og_sim_crash(og_sim_process *p)
{
  if (is_dead(p)) return;
  trace(p->sim, "p%u crashes", p->id);
  p->sim->stats.crashes++;
  kill_process(p);
}

static og_simfs_fate seeded_fate(og_sim *sim)
{
  return (og_simfs_fate)(draw(&sim->losses) % 4);
}

/* The fates of folder entries and of data under a policy without chance. */
static og_simfs_fate fate_of_entries(og_sim_loss loss)
{
  return loss == OG_SIM_LOSE_DATA ? OG_SIMFS_ALL : OG_SIMFS_NONE;
}
static og_simfs_fate fate_of_data(og_sim_loss loss)
{
  return loss == OG_SIM_LOSE_ENTRIES ? OG_SIMFS_ALL : OG_SIMFS_NONE;
}

void og_sim_power_loss(og_sim *sim)
{
  trace(sim, "power loss");
  sim->stats.power_losses++;
  for (size_t i = 0; i < sim->processes.len; i++) kill_process(OG_VEC_AT(&sim->processes, og_sim_process *, i));
  og_simfs_fate entries = seeded_fate(sim), data = seeded_fate(sim);
  if (sim->loss != OG_SIM_LOSE_SEEDED) {
    entries = fate_of_entries(sim->loss);
    data = fate_of_data(sim->loss);
  }
  OG_INVARIANT(og_simfs_power_loss(sim->fs, entries, data, draw_for_disk, sim) == 0);
}

/* -- counted calls -- */

typedef struct call {
  og_sim_process *process;
  og_sim *sim;
  const char *verb, *path;
  bool fail; /* planned: the effect must not happen */
} call;

static void advance_time(og_sim *sim)
{
  sim->mono_ns += 1000 + draw(&sim->schedule) % 50000;
  int64_t now = WALL_START_US * 1000 + (int64_t)sim->mono_ns;
  og_simfs_set_now(sim->fs, now - now % (int64_t)sim->ctime_step_ns);
}

static og_status gone(og_ctx *cx, og_sim_process *p)
{
  if (++p->dead_calls > DEAD_CALLS_MAX) stop_run(p->sim, OG_SIM_RUNAWAY);
  return og_fail(cx, OG_ECANCELLED, "cancelled: the simulated process is dead");
}

static og_status begin(og_ctx *cx, const char *verb, const char *path, call *c)
{
  og_sim_process *p = process_of(cx->env);
  og_sim *sim = p->sim;
  if (!is_dead(p)) maybe_switch(sim);
  if (is_dead(p)) return gone(cx, p);
  *c = (call){.process = p, .sim = sim, .verb = verb, .path = path};
  p->calls++;
  if (++sim->stats.calls > sim->budget) stop_run(sim, OG_SIM_RUNAWAY);
  advance_time(sim);
  if (sim->before_call && sim->running) sim->before_call(sim->before_call_arg);
  if (sim->stats.calls == sim->power_at) og_sim_power_loss(sim);
  if (p->calls == p->crash_at) og_sim_crash(p);
  if (is_dead(p)) return gone(cx, p);
  c->fail = p->calls == p->fail_at;
  return OG_OK;
}

/* The call's outcome: `err` is the disk's answer, or what was planned. */
static og_status end(og_ctx *cx, const call *c, int err)
{
  og_status st = OG_OK;
  if (c->fail) err = c->process->fail_err;
  if (err != 0) st = og_env__fail(cx, err, c->verb, c->path);
  if (c->sim->trace)
    trace(c->sim, "p%u t%u #%llu %s %s: %s", c->process->id, c->sim->running ? c->sim->running->id : 0,
          (unsigned long long)c->sim->stats.calls, c->verb, c->path, st == OG_OK ? "ok" : og_status_name(st));
  return st;
}

/* -- sync sites -- */

static bool is_word(char ch)
{
  return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

/* Copies `path` with its numbers and random parts as "*", so that a name stands for its kind. */
static size_t path_class(const char *path, char *out, size_t size)
{
  size_t n = 0;
  while (*path != '\0' && n + 1 < size) {
    size_t len = 0;
    bool digit = false;
    for (; is_word(path[len]); len++) digit |= path[len] >= '0' && path[len] <= '9';
    if (len == 0) {
      out[n++] = *path++;
    } else if (digit || len >= MASK_LENGTH) {
      out[n++] = '*';
      path += len;
    } else {
      for (; len > 0 && n + 1 < size; len--) out[n++] = *path++;
    }
  }
  out[n] = '\0';
  return n;
}

/* Notes the sync's site; true when this sync is to be left out. */
static bool is_suppressed(og_sim *sim, const char *what, const char *path)
{
  char site[SITE_BYTES];
  const char *label = sim->running ? sim->running->label : "";
  int head = snprintf(site, sizeof site / 2, "%s%s%s ", label, *label ? " " : "", what);
  size_t len = (size_t)head + path_class(path, site + head, sizeof site - (size_t)head);
  uint64_t *count = og_map_at(&sim->cx, &sim->sites, og_str_from(site, len), NULL);
  OG_INVARIANT(count != NULL);
  *count += 1;
  sim->stats.syncs++;
  if (sim->stats.syncs == sim->suppress_nth) return true;
  return sim->suppress_site && strcmp(sim->suppress_site, site) == 0;
}

/* -- the table: time, randomness, tasks -- */

static int64_t sim_wall_us(og_env *env)
{
  const og_sim_process *p = process_of(env);
  return WALL_START_US + (int64_t)(p->sim->mono_ns / 1000) + p->wall_skew_us;
}

static uint64_t sim_mono_ns(og_env *env)
{
  return process_of(env)->sim->mono_ns += 50; /* looking takes time, so that waiting for it ends */
}

static void sim_sleep_ns(og_env *env, uint64_t ns)
{
  og_sim_process *p = process_of(env);
  og_sim *sim = p->sim;
  if (is_dead(p)) {
    if (++p->dead_calls > DEAD_CALLS_MAX) stop_run(sim, OG_SIM_RUNAWAY);
    return;
  }
  if (!sim->running) {
    sim->mono_ns += ns;
    return;
  }
  sim->running->wake_ns = sim->mono_ns + ns;
  unready(sim, sim->running, TASK_SLEEPS);
  reschedule(sim);
}

static og_status sim_random(og_ctx *cx, void *out, size_t n)
{
  og_sim_process *p = process_of(cx->env);
  uint8_t *at = out;
  while (n > 0) {
    uint64_t bits = draw(&p->random);
    size_t step = n < sizeof bits ? n : sizeof bits;
    memcpy(at, &bits, step);
    at += step;
    n -= step;
  }
  return OG_OK;
}

static og_status sim_task_start(og_ctx *cx, og_status (*fn)(void *arg), void *arg, og_task **out)
{
  og_sim_task *t = task_new(process_of(cx->env));
  if (!t) return og_fail(cx, OG_ENOMEM, "out of memory for a simulated task");
  t->raw_fn = fn;
  t->arg = arg;
  *out = (og_task *)t;
  return OG_OK;
}

static og_status sim_task_join(og_ctx *cx, og_task *task)
{
  og_sim *sim = process_of(cx->env)->sim;
  og_sim_task *t = (og_sim_task *)task;
  if (!sim->running) (void)og_sim_run(sim);
  if (t->state != TASK_DONE) {
    OG_INVARIANT(sim->running); /* outside a run, a task that cannot end has nobody to wait for it */
    t->joiner = sim->running;
    unready(sim, sim->running, TASK_JOINS);
    reschedule(sim);
  }
  og_status st = t->result;
  for (size_t i = 0; i < sim->tasks.len; i++) {
    if (OG_VEC_AT(&sim->tasks, og_sim_task *, i) != t) continue;
    og_vec_remove(&sim->tasks, i);
    break;
  }
  if (t->fiber.stack) stack_give_back(sim, t);
  og_free(t);
  return st;
}

static void sim_yield(og_env *env)
{
  og_sim_process *p = process_of(env);
  og_sim *sim = p->sim;
  if (is_dead(p)) {
    if (++p->dead_calls > DEAD_CALLS_MAX) stop_run(sim, OG_SIM_RUNAWAY);
    return;
  }
  sim->mono_ns += 1000;
  maybe_switch(sim);
}

/* -- the table: files -- */

static og_status sim_file_open(og_ctx *cx, const char *path, og_open_mode mode, og_file **out)
{
  call c = {0};
  OG_TRY(begin(cx, mode == OG_OPEN_READ || mode == OG_OPEN_READ_USER ? "open" : "create", path, &c));
  size_t len = strlen(path) + 1;
  og_file *f = og_alloc(cx, sizeof *f + len);
  if (!f) return OG_ENOMEM;
  *f = (og_file){0};
  memcpy(f->path, path, len);
  og_status st = end(cx, &c, c.fail ? 0 : og_simfs_open(c.sim->fs, path, mode, &f->node));
  if (st == OG_OK)
    *out = f;
  else
    og_free(f);
  return st;
}

static og_status sim_file_scratch(og_ctx *cx, og_file **out)
{
  static const char name[] = "a scratch file";
  call c = {0};
  OG_TRY(begin(cx, "create", name, &c));
  og_file *f = og_zalloc(cx, sizeof *f + sizeof name);
  if (!f) return OG_ENOMEM;
  memcpy(f->path, name, sizeof name);
  og_status st = end(cx, &c, c.fail ? 0 : og_simfs_open_scratch(c.sim->fs, &f->node));
  if (st == OG_OK)
    *out = f;
  else
    og_free(f);
  return st;
}

static og_status sim_file_read(og_ctx *cx, og_file *f, uint64_t off, void *out, size_t n)
{
  call c = {0};
  OG_TRY(begin(cx, "read", f->path, &c));
  int err = c.fail ? 0 : og_simfs_read(f->node, off, out, n);
  if (err != EOVERFLOW) return end(cx, &c, err);
  og_file_info info;
  og_simfs_info(f->node, &info);
  return og_fail(cx, OG_ECORRUPT, "%s ends at byte %llu, before byte %llu + %zu; it was cut short", f->path,
                 (unsigned long long)info.size, (unsigned long long)off, n);
}

static og_status sim_file_append(og_ctx *cx, og_file *f, const void *p, size_t n)
{
  call c = {0};
  OG_TRY(begin(cx, "write", f->path, &c));
  return end(cx, &c, c.fail ? 0 : og_simfs_append(c.sim->fs, f->node, p, n));
}

/* Syncs an open node as the plan says: for real, not at all, or failing. */
static og_status sync_node(og_ctx *cx, const call *c, og_simfs_node *node, bool is_dir)
{
  bool left_out = is_suppressed(c->sim, is_dir ? "sync folder" : "sync file", c->path);
  int err = 0;
  if (c->fail && !is_dir) og_simfs_sync_failed(node);
  if (!c->fail && !left_out) err = is_dir ? og_simfs_sync_dir(c->sim->fs, node) : og_simfs_sync(c->sim->fs, node);
  return end(cx, c, err);
}

static og_status sim_file_sync(og_ctx *cx, og_file *f)
{
  if (f->sync_failed)
    return og_fail(cx, OG_EIO, "%s could not be synced before; its data must be written to a new file", f->path);
  call c = {0};
  OG_TRY(begin(cx, "sync", f->path, &c));
  og_status st = sync_node(cx, &c, f->node, false);
  f->sync_failed = st != OG_OK;
  return st;
}

static og_status sim_file_info(og_ctx *cx, og_file *f, og_file_info *out)
{
  call c = {0};
  OG_TRY(begin(cx, "stat", f->path, &c));
  if (!c.fail) og_simfs_info(f->node, out);
  return end(cx, &c, 0);
}

static void sim_file_close(og_env *env, og_file *f)
{
  if (!f) return;
  og_simfs_close(process_of(env)->sim->fs, f->node);
  og_free(f);
}

static og_status sim_path_info(og_ctx *cx, const char *path, og_file_info *out)
{
  call c = {0};
  OG_TRY(begin(cx, "stat", path, &c));
  return end(cx, &c, c.fail ? 0 : og_simfs_path_info(c.sim->fs, path, out));
}

static og_status sim_mkdir(og_ctx *cx, const char *path)
{
  call c = {0};
  OG_TRY(begin(cx, "create folder", path, &c));
  return end(cx, &c, c.fail ? 0 : og_simfs_mkdir(c.sim->fs, path));
}

static og_status sync_path(og_ctx *cx, const char *path, bool must_be_dir)
{
  call c = {0};
  OG_TRY(begin(cx, must_be_dir ? "sync folder" : "sync", path, &c));
  og_simfs_node *node;
  bool is_dir;
  int err = og_simfs_open_any(c.sim->fs, path, &node, &is_dir);
  if (err != 0) return end(cx, &c, err);
  og_status st = must_be_dir && !is_dir ? end(cx, &c, ENOTDIR) : sync_node(cx, &c, node, is_dir);
  og_simfs_close(c.sim->fs, node);
  return st;
}

static og_status sim_sync_dir(og_ctx *cx, const char *path)
{
  return sync_path(cx, path, true);
}

/* Concurrent in the real world, hence in any order here. */
static og_status sim_sync_paths(og_ctx *cx, const char *const *paths, size_t n)
{
  size_t start = n > 0 ? (size_t)(draw(&process_of(cx->env)->sim->schedule) % n) : 0;
  og_status first = OG_OK;
  for (size_t i = 0; i < n; i++) {
    if (first == OG_OK) first = sync_path(cx, paths[(start + i) % n], false);
    if (first == OG_ECANCELLED) break;
  }
  return first;
}

static og_status visit_entries(og_ctx *cx, og_sim *sim, og_vec *names, const og_vec *dirs, og_dir_fn fn, void *arg)
{
  size_t start = names->len > 0 ? (size_t)(draw(&sim->schedule) % names->len) : 0;
  for (size_t i = 0; i < names->len; i++) {
    size_t at = (start + i) % names->len;
    OG_TRY(fn(cx, arg, OG_VEC_AT(names, og_str, at), OG_VEC_AT(dirs, bool, at)));
  }
  return OG_OK;
}

static og_status sim_list_dir(og_ctx *cx, const char *path, og_dir_fn fn, void *arg)
{
  call c = {0};
  OG_TRY(begin(cx, "list", path, &c));
  OG_AUTO(og_vec) names = OG_VEC_INIT(og_str);
  OG_AUTO(og_vec) dirs = OG_VEC_INIT(bool);
  OG_TRY(end(cx, &c, c.fail ? 0 : og_simfs_list(c.sim->fs, cx, path, &names, &dirs)));
  return visit_entries(cx, c.sim, &names, &dirs, fn, arg);
}

static og_status sim_link(og_ctx *cx, const char *from, const char *to)
{
  call c = {0};
  OG_TRY(begin(cx, "link", to, &c));
  return end(cx, &c, c.fail ? 0 : og_simfs_link(c.sim->fs, from, to));
}

static og_status sim_rename(og_ctx *cx, const char *from, const char *to)
{
  call c = {0};
  OG_TRY(begin(cx, "rename", to, &c));
  return end(cx, &c, c.fail ? 0 : og_simfs_rename(c.sim->fs, from, to));
}

static og_status sim_unlink(og_ctx *cx, const char *path)
{
  call c = {0};
  OG_TRY(begin(cx, "delete", path, &c));
  return end(cx, &c, c.fail ? 0 : og_simfs_unlink(c.sim->fs, path));
}

static og_status sim_rmdir(og_ctx *cx, const char *path)
{
  call c = {0};
  OG_TRY(begin(cx, "delete folder", path, &c));
  return end(cx, &c, c.fail ? 0 : og_simfs_rmdir(c.sim->fs, path));
}

static og_status sim_cwd(og_ctx *cx, og_buf *out)
{
  return og_buf_append_byte(cx, out, '/');
}

static const og_env_ops sim_ops = {
    .name = "sim",
    .wall_us = sim_wall_us,
    .mono_ns = sim_mono_ns,
    .sleep_ns = sim_sleep_ns,
    .random = sim_random,
    .task_start = sim_task_start,
    .task_join = sim_task_join,
    .yield = sim_yield,
    .file_open = sim_file_open,
    .file_scratch = sim_file_scratch,
    .file_read = sim_file_read,
    .file_append = sim_file_append,
    .file_sync = sim_file_sync,
    .file_info = sim_file_info,
    .file_close = sim_file_close,
    .path_info = sim_path_info,
    .mkdir = sim_mkdir,
    .sync_dir = sim_sync_dir,
    .list_dir = sim_list_dir,
    .link = sim_link,
    .rename = sim_rename,
    .unlink = sim_unlink,
    .rmdir = sim_rmdir,
    .sync_paths = sim_sync_paths,
    .cwd = sim_cwd,
};

/* -- life -- */

og_sim *og_sim_new(uint64_t seed)
{
  og_sim *sim = calloc(1, sizeof *sim); /* not og_alloc: it holds the og_mem that would count it */
  if (!sim) return NULL;
  og_mem_init(&sim->mem, 0);
  sim->cx = (og_ctx){.err = &sim->err, .mem = &sim->mem};
  uint64_t streams = seed;
  sim->schedule = draw(&streams);
  sim->losses = draw(&streams);
  sim->choices = draw(&streams);
  static const unsigned permilles[3] = {1000, 500, 100};
  sim->switch_permille = permilles[draw(&streams) % OG_ARRAY_LEN(permilles)];
  sim->budget = DEFAULT_BUDGET;
  sim->ctime_step_ns = 1;
  sim->processes = OG_VEC_INIT(og_sim_process *);
  sim->tasks = OG_VEC_INIT(og_sim_task *);
  sim->ready = OG_VEC_INIT(og_sim_task *);
  sim->stacks = OG_VEC_INIT(void *);
  og_map_init(&sim->sites, true);
  sim->fs = og_simfs_new(&sim->mem);
  if (sim->fs) return sim;
  og_sim_free(sim);
  return NULL;
}

void og_sim_free(og_sim *sim)
{
  if (!sim) return;
  for (size_t i = 0; i < sim->tasks.len; i++) {
    og_sim_task *t = OG_VEC_AT(&sim->tasks, og_sim_task *, i);
    og_fiber_stack_free(t->fiber.stack);
    og_free(t);
  }
  for (size_t i = 0; i < sim->stacks.len; i++) og_fiber_stack_free(OG_VEC_AT(&sim->stacks, void *, i));
  for (size_t i = 0; i < sim->processes.len; i++) og_free(OG_VEC_AT(&sim->processes, og_sim_process *, i));
  og_vec_cleanup(&sim->tasks);
  og_vec_cleanup(&sim->ready);
  og_vec_cleanup(&sim->stacks);
  og_vec_cleanup(&sim->processes);
  og_map_cleanup(&sim->sites);
  og_simfs_free(sim->fs);
  og_free(sim->suppress_site);
  free(sim);
}

og_sim *og_sim_after_loss(const og_sim *sim, uint64_t seed, og_sim_loss loss)
{
  OG_ASSERT(loss != OG_SIM_LOSE_SEEDED);
  og_sim *after = og_sim_new(seed);
  if (!after) return NULL;
  og_simfs_free(after->fs);
  after->mono_ns = sim->mono_ns;
  after->fs = og_simfs_after_loss(sim->fs, fate_of_entries(loss), fate_of_data(loss), &after->mem);
  if (after->fs) return after;
  og_sim_free(after);
  return NULL;
}

og_sim_process *og_sim_process_new(og_sim *sim)
{
  og_sim_process *p = og_zalloc(&sim->cx, sizeof *p);
  if (!p) return NULL;
  if (og_vec_add(&sim->cx, &sim->processes, &p) != OG_OK) {
    og_free(p);
    return NULL;
  }
  p->env.ops = &sim_ops;
  p->sim = sim;
  p->id = (unsigned)sim->processes.len;
  p->random = draw(&sim->choices);
  atomic_init(&p->dead, false);
  og_mem_init(&p->rt.mem, 0);
  p->rt.env = &p->env;
  return p;
}

og_runtime *og_sim_runtime(og_sim_process *p)
{
  return &p->rt;
}
og_env *og_sim_env(og_sim_process *p)
{
  return &p->env;
}
bool og_sim_alive(const og_sim_process *p)
{
  return !is_dead(p);
}

void og_sim_ctx_init(og_sim_process *p, og_ctx *cx, og_error *err, og_arena *arena)
{
  og_ctx_init(cx, &p->rt, err, arena);
  cx->cancel = &p->dead;
}

og_sim_task *og_sim_spawn(og_sim_process *p, og_sim_fn fn, void *arg)
{
  og_sim_task *t = task_new(p);
  if (!t) return NULL;
  t->fn = fn;
  t->arg = arg;
  return t;
}

bool og_sim_task_done(const og_sim_task *t)
{
  return t->state == TASK_DONE;
}
og_status og_sim_task_result(const og_sim_task *t)
{
  return t->result;
}
const og_error *og_sim_task_error(const og_sim_task *t)
{
  return &t->err;
}

/* -- settings and what can be seen -- */

void og_sim_set_budget(og_sim *sim, uint64_t calls)
{
  sim->budget = calls;
}
void og_sim_crash_at(og_sim_process *p, uint64_t n)
{
  p->crash_at = n;
}
void og_sim_power_loss_at(og_sim *sim, uint64_t n)
{
  sim->power_at = n;
}
void og_sim_set_loss(og_sim *sim, og_sim_loss policy)
{
  sim->loss = policy;
}
void og_sim_set_disk_bytes(og_sim *sim, uint64_t bytes)
{
  og_simfs_set_limit(sim->fs, bytes);
}
void og_sim_set_read_only(og_sim *sim, bool on)
{
  og_simfs_set_read_only(sim->fs, on);
}
void og_sim_set_hard_links(og_sim *sim, bool on)
{
  og_simfs_set_hard_links(sim->fs, on);
}
void og_sim_suppress_nth(og_sim *sim, uint64_t k)
{
  sim->suppress_nth = k;
}
void og_sim_set_wall_skew_us(og_sim_process *p, int64_t skew)
{
  p->wall_skew_us = skew;
}
void og_sim_set_switch_permille(og_sim *sim, unsigned n)
{
  sim->switch_permille = n;
}
uint64_t og_sim_rand(og_sim *sim, uint64_t below)
{
  return draw(&sim->choices) % below;
}
og_sim_stats og_sim_stats_get(const og_sim *sim)
{
  return sim->stats;
}
uint64_t og_sim_process_calls(const og_sim_process *p)
{
  return p->calls;
}
size_t og_sim_sync_sites(const og_sim *sim)
{
  return sim->sites.len;
}

void og_sim_fail_at(og_sim_process *p, uint64_t n, int err)
{
  OG_ASSERT(err != 0);
  p->fail_at = n;
  p->fail_err = err;
}

void og_sim_label(og_env *env, const char *label)
{
  og_sim_task *t = process_of(env)->sim->running;
  if (t) t->label = label;
}

void og_sim_set_ctime_step_ns(og_sim *sim, uint64_t step)
{
  OG_ASSERT(step > 0);
  sim->ctime_step_ns = step;
}

/* Nothing is ever removed from `sites`, so positions are indexes; keys were stored with their NUL.
 */
const char *og_sim_sync_site(const og_sim *sim, size_t i)
{
  return sim->sites.entries[i].key.ptr;
}
uint64_t og_sim_sync_site_count(const og_sim *sim, size_t i)
{
  return sim->sites.entries[i].value;
}

void og_sim_suppress_site(og_sim *sim, const char *site)
{
  og_free(sim->suppress_site);
  sim->suppress_site = site ? og_strdup(&sim->cx, og_str_of(site)) : NULL;
  OG_INVARIANT(!site || sim->suppress_site);
}

void og_sim_set_before_call(og_sim *sim, void (*fn)(void *arg), void *arg)
{
  sim->before_call = fn;
  sim->before_call_arg = arg;
}
uint64_t og_sim_disk_changes(const og_sim *sim)
{
  return og_simfs_changes(sim->fs);
}
uint64_t og_sim_disk_digest(const og_sim *sim)
{
  return og_simfs_digest(sim->fs);
}

void og_sim_set_trace(og_sim *sim, void (*line)(void *arg, const char *text), void *arg)
{
  sim->trace = line;
  sim->trace_arg = arg;
}
