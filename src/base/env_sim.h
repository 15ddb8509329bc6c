/* SPDX-License-Identifier: MIT */
/* base/env_sim.h -- the simulated world behind base/env.h, for tests: one seed decides everything.
 *
 * A world holds one file system (simfs.h), a virtual clock, random streams and any number of
 * processes.  Each process has its own og_runtime (and so its own og_env and counted memory) and
 * runs tasks as fibers on the caller's thread.  Every file-system call is a *counted call*: first
 * the seed may hand the thread to another fiber, then the planned faults are looked up, then the
 * call takes effect as one step.  env yield and sleep switch too, but are not counted.
 *
 * A process that crashed, or lost power, is *dead*: none of its later calls has any effect, each
 * returns OG_ECANCELLED, and its contexts' cancel flag is raised, so that its code leaves by the
 * ordinary error paths and frees what it owns.  Code that goes on calling is a bug of its own
 * (OG_SIM_RUNAWAY).
 *
 * Calls made outside og_sim_run (setting a scene, looking at the end) act at once and never switch.
 * Thread rule: one world, one thread.  The engine must not switch fibers while it holds a mutex;
 * that is the rule "no blocking call under a lock" seen from here.
 *
 *   og_sim *sim = og_sim_new(seed);
 *   og_sim_process *p = og_sim_process_new(sim);
 *   og_sim_spawn(p, writer, &state);            -- og_status writer(og_ctx *cx, void *arg)
 *   og_sim_power_loss_at(sim, 1 + seed % 100);  -- a planned fault
 *   assert(og_sim_run(sim) == OG_SIM_DONE);
 *   og_sim_process *after = og_sim_process_new(sim); -- the machine is up again
 *   og_sim_spawn(after, reader, &state);  ...  og_sim_free(sim);
 */
#pragma once

#include "base/env.h"

typedef struct og_sim og_sim;
typedef struct og_sim_process og_sim_process;
typedef struct og_sim_task og_sim_task;

typedef og_status (*og_sim_fn)(og_ctx *cx, void *arg);

/* NULL when there is no memory.  Freeing closes every process; all their tasks must have ended
 * (og_sim_run said OG_SIM_DONE), otherwise what the unfinished ones own leaks. */
og_sim *og_sim_new(uint64_t seed);
void og_sim_free(og_sim *sim);

/* A new process in this world, alive at once; owned by the world.  NULL when there is no memory. */
og_sim_process *og_sim_process_new(og_sim *sim);
og_runtime *og_sim_runtime(og_sim_process *p); /* rt.pool is NULL: parallel work runs in order */
og_env *og_sim_env(og_sim_process *p);
bool og_sim_alive(const og_sim_process *p);
/* A context of this process for calls outside tasks, with `err` zeroed; cancel is wired to the
 * process's death. */
void og_sim_ctx_init(og_sim_process *p, og_ctx *cx, og_error *err, og_arena *arena);

/* A task of the process: fn runs in its own fiber with its own context (no arena), from the next
 * og_sim_run on. */
og_sim_task *og_sim_spawn(og_sim_process *p, og_sim_fn fn, void *arg);
bool og_sim_task_done(const og_sim_task *t);
og_status og_sim_task_result(const og_sim_task *t);      /* what fn returned */
const og_error *og_sim_task_error(const og_sim_task *t); /* the context's error when fn returned */

typedef enum og_sim_end {
  OG_SIM_DONE,     /* every task returned */
  OG_SIM_DEADLOCK, /* tasks wait for each other */
  OG_SIM_RUNAWAY   /* the call budget is spent, or a dead process never stops calling */
} og_sim_end;
/* Runs until one of these. */
og_sim_end og_sim_run(og_sim *sim);
/* Counted calls after which a run is a runaway; 10 million unless set. */
void og_sim_set_budget(og_sim *sim, uint64_t calls);

/* -- Crashes and power loss.  "n" counts from the world's, or the process's, first counted call
 * (1-based); the fault strikes instead of that call, before its effect.  0: no plan. -- */
void og_sim_crash(og_sim_process *p);
void og_sim_crash_at(og_sim_process *p, uint64_t n);
/* Everybody dies, and what was not synced may be lost, as the policy says (simfs.h has the model).
 */
void og_sim_power_loss(og_sim *sim);
void og_sim_power_loss_at(og_sim *sim, uint64_t n);

typedef enum og_sim_loss {
  OG_SIM_LOSE_SEEDED, /* the seed picks: all, nothing, a prefix in time, or each change by itself */
  OG_SIM_LOSE_ALL,    /* only what was synced survives */
  OG_SIM_LOSE_DATA,   /* folder entries all survive, unsynced bytes never */
  OG_SIM_LOSE_ENTRIES /* bytes all survive, unsynced folder entries never */
} og_sim_loss;
void og_sim_set_loss(og_sim *sim, og_sim_loss policy);

/* -- What if?  Losing power at every call of a run by running it again for each call costs the square of its length;
 * looking ahead from inside one run does not. -- */
/* fn(arg) is called before the effect of each counted call made in og_sim_run, where a planned loss would strike; it
 * may use other worlds, but not this one's calls.  NULL: nothing is called. */
void og_sim_set_before_call(og_sim *sim, void (*fn)(void *arg), void *arg);
/* A new world with `seed` whose disk is what a power loss would leave now (any policy but OG_SIM_LOSE_SEEDED); `sim`
 * goes on.  NULL when there is no memory. */
og_sim *og_sim_after_loss(const og_sim *sim, uint64_t seed, og_sim_loss loss);
/* Grows with every call that changes what the disk shows or keeps. */
uint64_t og_sim_disk_changes(const og_sim *sim);
/* Of all names and bytes on the disk: worlds of one digest have the same. */
uint64_t og_sim_disk_digest(const og_sim *sim);

/* -- Failures the code must answer. -- */
/* The process's n-th counted call fails with the system's error `err` (EIO, ENOSPC, ...) without
 * its effect; when it is a sync, the unsynced bytes are marked clean, as kernels do, and no later
 * sync of that file saves them. */
void og_sim_fail_at(og_sim_process *p, uint64_t n, int err);
void og_sim_set_disk_bytes(og_sim *sim, uint64_t bytes); /* 0: endless; beyond: ENOSPC after a short write */
void og_sim_set_read_only(og_sim *sim, bool on);
void og_sim_set_hard_links(og_sim *sim, bool on); /* off: link answers as FAT does */

/* -- Sync removal.  A sync *site* is "sync file <path class>" or "sync folder <path class>", where
 * each word of the path that holds a digit or has 16 characters or more is shown as "*"; a label
 * set by the running task stands in front ("publish sync folder /g/_versions").  Sites are listed
 * in the order of first use.  A suppressed sync reports success and does nothing. -- */
void og_sim_label(og_env *env, const char *label); /* of the running task; a literal */
size_t og_sim_sync_sites(const og_sim *sim);
const char *og_sim_sync_site(const og_sim *sim, size_t i);
uint64_t og_sim_sync_site_count(const og_sim *sim, size_t i); /* calls at that site */
void og_sim_suppress_site(og_sim *sim, const char *site);     /* from now on; copied; NULL: none */
void og_sim_suppress_nth(og_sim *sim, uint64_t k);            /* the world's k-th sync (1-based); 0: none */

/* -- Time and scheduling. -- */
void og_sim_set_wall_skew_us(og_sim_process *p, int64_t skew); /* this machine's clock is wrong by so much */
void og_sim_set_ctime_step_ns(og_sim *sim, uint64_t step);     /* time stamps of files are multiples of it; 1 */
void og_sim_set_switch_permille(og_sim *sim, unsigned n);      /* chance to switch at a call; the seed
                                                                  picks 1000, 500 or 100 unless set */
uint64_t og_sim_rand(og_sim *sim, uint64_t below);             /* for tests: uniform in [0, below); below > 0 */

typedef struct og_sim_stats {
  uint64_t calls, syncs, switches, crashes, power_losses;
} og_sim_stats;
og_sim_stats og_sim_stats_get(const og_sim *sim);
uint64_t og_sim_process_calls(const og_sim_process *p);

/* One line per counted call ("p2 t5 #118 link /g/.tmp-1 -> /g/a: OG_OK"), to read a failing seed.
 */
void og_sim_set_trace(og_sim *sim, void (*line)(void *arg, const char *text), void *arg);
