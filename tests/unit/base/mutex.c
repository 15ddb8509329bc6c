/* SPDX-License-Identifier: MIT */
/* Broken rules end the process in debug builds, so each case runs in a child. */
#include "og_test.h"

#include "base/env_sim.h"
#include "base/mutex.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static bool aborts(void (*fn)(og_mutex *a, og_mutex *b))
{
  int status = 0;
  const pid_t child = fork();
  OG_CHECK(child >= 0);
  if (child == 0) {
    og_mutex a, b;
    signal(SIGABRT, SIG_DFL);
    if (!freopen("/dev/null", "w", stderr)) _exit(2);
    og_mutex_init(&a);
    og_mutex_init(&b);
    fn(&a, &b);
    _exit(0);
  }
  OG_CHECK(waitpid(child, &status, 0) == child);
  OG_CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGABRT : WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status);
}

static void one_after_the_other(og_mutex *a, og_mutex *b)
{
  og_mutex_lock(a);
  og_mutex_unlock(a);
  og_mutex_lock(b);
  og_mutex_unlock(b);
}

static void one_under_the_other(og_mutex *a, og_mutex *b)
{
  og_mutex_lock(a);
  og_mutex_lock(b);
  og_mutex_unlock(b);
  og_mutex_unlock(a);
}

static og_status call_world(og_ctx *cx, void *arg)
{
  og_mutex *mu = arg;
  if (mu) og_mutex_lock(mu);
  const og_status st = cx->env->ops->mkdir(cx, "/d");
  if (mu) og_mutex_unlock(mu);
  return st;
}

static void world(og_mutex *mu)
{
  og_sim *sim = og_sim_new(1);
  og_sim_spawn(og_sim_process_new(sim), call_world, mu);
  (void)og_sim_run(sim);
}

static void world_without(og_mutex *a OG_UNUSED, og_mutex *b OG_UNUSED)
{
  world(NULL);
}

static void world_under(og_mutex *a, og_mutex *b OG_UNUSED)
{
  world(a);
}

#ifdef NDEBUG
#define CHECKED false
#else
#define CHECKED true
#endif

OG_TEST(mutex, a_second_one_under_the_first_is_noticed)
{
  OG_CHECK(!aborts(one_after_the_other));
  OG_CHECK(aborts(one_under_the_other) == CHECKED);
}

OG_TEST(mutex, a_call_of_the_simulated_world_under_one_is_noticed)
{
  OG_CHECK(!aborts(world_without));
  OG_CHECK(aborts(world_under) == CHECKED);
}

OG_TEST_MAIN(OG_CASE(mutex, a_second_one_under_the_first_is_noticed),
             OG_CASE(mutex, a_call_of_the_simulated_world_under_one_is_noticed))
