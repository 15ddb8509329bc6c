/* SPDX-License-Identifier: MIT */
/* Many processes append to one log over the local store, as publish does: data first, one barrier,
 * then the next number by put_if_absent.  Crashes, power losses and removed syncs strike anywhere.
 *
 * What must hold: a version that was acknowledged, or that anybody used after sync_seen, exists
 * after a power loss and names whole data; versions have no gaps below it. */
#include "og_test.h"

#include "base/env_sim.h"
#include "store/store.h"

#include <stdio.h>

#define VERSIONS 64
#define WRITERS  6

typedef struct log_state {
  bool known[VERSIONS]; /* acknowledged to a writer, or used by one */
  int lost_races;
} log_state;

typedef struct writer {
  log_state *log;
  int id, commits;
} writer;

static og_str version_key(char text[32], int v)
{
  return og_str_from(text, (size_t)snprintf(text, 32, "_versions/%d.manifest", v));
}

static og_status commit_at(og_ctx *cx, og_store *s, const writer *w, int v)
{
  char data[32], version[32];
  og_str key = og_str_from(data, (size_t)snprintf(data, sizeof data, "data/%d-%d.lance", w->id, v));
  OG_TRY(og_store_put(cx, s, key, OG_STR("rows")));
  OG_TRY(og_store_sync(cx, s, &key, 1));
  og_status st = og_store_put_if_absent(cx, s, version_key(version, v), key);
  if (st != OG_EEXISTS) return st;
  og_sim_label(
      cx->env,
      "seen"); /* a site of its own: its removal must be noticed beside the winner's sync */
  st = og_store_sync_seen(cx, s, version_key(version, v));
  og_sim_label(cx->env, "");
  return st == OG_OK ? OG_EEXISTS : st;
}

static og_status append_commits(og_ctx *cx, void *arg)
{
  writer *w = arg;
  og_store *s = NULL;
  OG_TRY(og_store_local_new(cx, OG_STR("/g"), false, &s));
  og_status st = OG_OK;
  for (int v = 1, done = 0; done < w->commits && v < VERSIONS && st == OG_OK; v++) {
    st = commit_at(cx, s, w, v);
    if (st != OG_OK && st != OG_EEXISTS) break;
    w->log->known[v] = true;
    w->log->lost_races += st == OG_EEXISTS;
    done += st == OG_OK;
    st = OG_OK;
    og_error_clear(cx);
  }
  og_store_unref(s);
  return st;
}

/* Empty when all holds, else what does not. */
static const char *check_log(og_sim *sim, const log_state *log)
{
  static char problem[256];
  og_ctx cx;
  og_error err;
  og_store *s = NULL;
  og_sim_ctx_init(og_sim_process_new(sim), &cx, &err, NULL);
  if (og_store_local_new(&cx, OG_STR("/g"), true, &s) != OG_OK) return "no store";
  *problem = '\0';
  int last = 0;
  for (int v = 1; v < VERSIONS; v++)
    if (log->known[v]) last = v;
  for (int v = 1; v <= last && !*problem; v++) {
    char text[32];
    og_buf name = {0}, rows = {0};
    og_status st = og_store_get(&cx, s, version_key(text, v), 100, &name);
    if (st == OG_OK) st = og_store_get(&cx, s, og_buf_str(&name), 100, &rows);
    if (st == OG_OK && !og_str_eq(og_buf_str(&rows), OG_STR("rows")))
      st = og_fail(&cx, OG_ECORRUPT, "torn data");
    if (st != OG_OK)
      snprintf(problem, sizeof problem, "version %d of %d: %.200s", v, last, err.text);
    og_buf_cleanup(&name);
    og_buf_cleanup(&rows);
  }
  og_store_unref(s);
  return problem;
}

OG_TEST(local_sim, nothing_known_is_lost_in_any_seed)
{
  int raced = 0, crashed = 0, memory_held = 0;
  const int seeds = 600;
  for (uint64_t seed = 0; seed < (uint64_t)seeds; seed++) {
    log_state log = {0};
    writer w[WRITERS];
    og_sim_process *p[WRITERS / 2];
    og_sim *sim = og_sim_new(seed);
    for (int i = 0; i < WRITERS; i++) {
      if (i % 2 == 0) p[i / 2] = og_sim_process_new(sim);
      w[i] = (writer){.log = &log, .id = i, .commits = 3};
      OG_CHECK(og_sim_spawn(p[i / 2], append_commits, &w[i]) != NULL);
    }
    og_sim_crash_at(p[0], 1 + og_sim_rand(sim, 150));
    og_sim_power_loss_at(sim, 1 + og_sim_rand(sim, 600));
    OG_CHECK(og_sim_run(sim) == OG_SIM_DONE);
    og_sim_power_loss_at(sim, 0);
    if (og_sim_stats_get(sim).power_losses == 0) og_sim_power_loss(sim);
    const char *problem = check_log(sim, &log);
    if (*problem) fail_msg("seed %d: %s", (int)seed, problem);
    raced += log.lost_races > 0;
    crashed += og_sim_stats_get(sim).crashes > 0;
    for (int i = 0; i < WRITERS / 2; i++) memory_held += og_sim_runtime(p[i])->mem.in_use > 0;
    og_sim_free(sim);
  }
  print_message("%d seeds: %d lost a race, %d had a crash\n", seeds, raced, crashed);
  OG_CHECK(raced * 10 >= seeds * 3 && crashed * 10 >= seeds);
  OG_CHECK(memory_held == 0);
}

/* -- removal of syncs -- */

typedef struct scene {
  uint64_t seed;
  uint64_t power_at; /* 0: at the end */
  og_sim_loss loss;
  const char *without; /* the suppressed site, or NULL */
} scene;

/* Two processes after each other and a third beside the second.  Returns the problem; the sites and
 * calls of the run are kept in *out, for the caller to free. */
static const char *play(const scene *sc, og_sim **out)
{
  log_state log = {0};
  writer w[3];
  og_sim *sim = og_sim_new(sc->seed);
  og_sim_set_loss(sim, sc->loss);
  og_sim_set_switch_permille(sim, 500);
  og_sim_suppress_site(sim, sc->without);
  og_sim_power_loss_at(sim, sc->power_at);
  for (int i = 0; i < 3; i++) {
    w[i] = (writer){.log = &log, .id = i, .commits = 2};
    (void)og_sim_spawn(og_sim_process_new(sim), append_commits, &w[i]);
  }
  if (og_sim_run(sim) != OG_SIM_DONE) return "the run did not end";
  og_sim_power_loss_at(sim, 0);
  if (og_sim_stats_get(sim).power_losses == 0) og_sim_power_loss(sim);
  *out = sim;
  return check_log(sim, &log);
}

/* How many power losses, at every call and under every policy, break the log. */
static int count_broken(uint64_t seed, uint64_t calls, const char *without)
{
  static const og_sim_loss policies[] = {OG_SIM_LOSE_ALL, OG_SIM_LOSE_DATA, OG_SIM_LOSE_ENTRIES};
  int broken = 0;
  for (uint64_t n = 1; n <= calls; n++) {
    for (size_t i = 0; i < OG_ARRAY_LEN(policies); i++) {
      og_sim *sim = NULL;
      const char *problem = play(&(scene){seed, n, policies[i], without}, &sim);
      if (*problem && !without) print_error("power loss at call %d: %s\n", (int)n, problem);
      broken += *problem != '\0';
      og_sim_free(sim);
    }
  }
  return broken;
}

/* Plays one seed whole, then with a power loss at every call; *sim is the whole run. */
static uint64_t play_whole(uint64_t seed, og_sim **sim)
{
  OG_CHECK(*play(&(scene){.seed = seed, .loss = OG_SIM_LOSE_ALL}, sim) == '\0');
  uint64_t calls = og_sim_stats_get(*sim).calls;
  OG_CHECK(count_broken(seed, calls, NULL) == 0);
  return calls;
}

#define SITES 8

/* A sync may be needed in some schedules only, so each site has some seeds to show that it is
 * needed. */
OG_TEST(local_sim, power_loss_at_every_call_loses_nothing_and_every_sync_is_needed)
{
  char needed[SITES][96] = {""};
  int n_needed = 0, n_sites = 0;
  for (uint64_t seed = 0; seed < 10; seed++) {
    og_sim *sim = NULL;
    uint64_t calls = play_whole(seed, &sim);
    n_sites = (int)og_sim_sync_sites(sim) > n_sites ? (int)og_sim_sync_sites(sim) : n_sites;
    OG_CHECK(n_sites <= SITES);
    for (size_t i = 0; i < og_sim_sync_sites(sim); i++) {
      const char *site = og_sim_sync_site(sim, i);
      bool done = false;
      for (int k = 0; k < n_needed; k++) done |= strcmp(needed[k], site) == 0;
      int broken = done ? 0 : count_broken(seed, calls, site);
      if (broken == 0) continue;
      snprintf(needed[n_needed++], sizeof needed[0], "%s", site);
      print_message("seed %d without \"%s\": %d of %d power losses break the log\n", (int)seed,
                    site, broken, 3 * (int)calls);
    }
    og_sim_free(sim);
  }
  OG_CHECK(n_sites == SITES);
  OG_CHECK(n_needed == SITES);
}

OG_TEST_MAIN(OG_CASE(local_sim, nothing_known_is_lost_in_any_seed),
             OG_CASE(local_sim, power_loss_at_every_call_loses_nothing_and_every_sync_is_needed))
