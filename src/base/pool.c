/* SPDX-License-Identifier: MIT */
/* base/pool.c -- workers that wait for one job at a time.
 *
 *  (1) A job is n items; workers and the caller take the next index until none is left.
 *  (2) After a failure no further item starts; the failure with the lowest index is the job's.
 *  (3) The caller returns only when no worker touches the job any more, so it may live on the caller's stack.
 *  (4) A job started while another one is offered, as from inside it, runs on its caller alone.  A caller waits only
 *      for workers inside its own job, so waits never form a circle.
 *  (5) The simulated world has no threads, and a fiber that waited for a condition would wait for ever: a pool made
 *      there has no workers.
 */
#include "base/pool.h"

#include "base/cpu.h"
#include "base/env.h"
#include "base/mutex.h"

#include <pthread.h>

typedef struct job {
  const og_ctx *parent;
  og_work_fn fn;
  void *arg;
  size_t n;
  _Atomic size_t next;
  size_t failed_item; /* mu; n: none */
  og_error error;     /* mu */
  unsigned users;     /* mu: workers inside */
} job;

struct og_pool {
  og_mutex mu;
  pthread_cond_t wake, idle;
  job *current;    /* mu; NULL: nothing to do */
  uint64_t turn;   /* mu: counts jobs, so that a worker enters each once */
  bool stop;       /* mu */
  unsigned wanted; /* workers */
  _Atomic bool started;
  _Atomic unsigned n_workers;
  og_env *env;
  og_runtime *rt;
  og_task *tasks[];
};

static void run_items(og_pool *p, job *j, unsigned worker)
{
  og_error err;
  og_arena arena = {0};
  og_ctx cx;
  og_ctx_child(&cx, j->parent, &err, &arena);
  for (;;) {
    size_t item = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed);
    if (item >= j->n) break;
    og_status st = og_ctx_poll(&cx);
    if (st == OG_OK) st = j->fn(&cx, j->arg, item, worker);
    og_arena_reset(&arena);
    if (st == OG_OK) continue;
    og_mutex_lock(&p->mu);
    if (item < j->failed_item) {
      j->failed_item = item;
      j->error = err;
    }
    og_mutex_unlock(&p->mu);
    atomic_store_explicit(&j->next, j->n, memory_order_relaxed);
  }
  og_arena_cleanup(&arena);
}

typedef struct worker_start {
  og_pool *pool;
  unsigned index;
} worker_start;

static og_status worker_main(void *arg)
{
  worker_start start = *(worker_start *)arg;
  og_pool *p = start.pool;
  uint64_t seen = 0;
  og_free(arg);
  og_mutex_lock(&p->mu);
  while (!p->stop) {
    job *j = p->turn != seen ? p->current : NULL;
    seen = p->turn;
    if (!j) {
      pthread_cond_wait(&p->wake, &p->mu.raw);
      continue;
    }
    j->users++;
    og_mutex_unlock(&p->mu);
    run_items(p, j, start.index);
    og_mutex_lock(&p->mu);
    if (--j->users == 0) pthread_cond_broadcast(&p->idle);
  }
  og_mutex_unlock(&p->mu);
  return OG_OK;
}

static og_status start_worker(og_ctx *cx, og_pool *p, unsigned i)
{
  worker_start *start = og_alloc(cx, sizeof *start);
  if (!start) return OG_ENOMEM;
  *start = (worker_start){p, i + 1};
  og_status st = cx->env->ops->task_start(cx, worker_main, start, &p->tasks[i]);
  if (st == OG_OK)
    atomic_store_explicit(&p->n_workers, i + 1, memory_order_release);
  else
    og_free(start);
  return st;
}

/* With the first work, for many pools never get any.  Too few workers are no failure: the caller works, too. */
static void start_workers(og_ctx *cx, og_pool *p)
{
  og_error err;
  og_ctx own;
  if (atomic_load_explicit(&p->started, memory_order_relaxed) || atomic_exchange(&p->started, true)) return;
  og_ctx_init(&own, p->rt, &err, NULL);
  own.mem = cx->mem;
  for (unsigned i = 0; i < p->wanted; i++)
    if (start_worker(&own, p, i) != OG_OK) return;
}

og_status og_pool_new(og_ctx *cx, unsigned threads, og_pool **out)
{
  if (strcmp(cx->env->ops->name, "sim") == 0) threads = 1;
  if (threads == 0) threads = og_cpu_count();
  og_pool *p = og_zalloc(cx, sizeof *p + threads * sizeof(og_task *));
  if (!p) return OG_ENOMEM;
  og_mutex_init(&p->mu);
  OG_INVARIANT(pthread_cond_init(&p->wake, NULL) == 0);
  OG_INVARIANT(pthread_cond_init(&p->idle, NULL) == 0);
  p->env = cx->env;
  p->rt = cx->rt;
  p->wanted = threads - 1;
  *out = p;
  return OG_OK;
}

void og_pool_free(og_pool *p)
{
  if (!p) return;
  og_error err;
  og_ctx cx;
  og_ctx_init(&cx, p->rt, &err, NULL);
  og_mutex_lock(&p->mu);
  p->stop = true;
  pthread_cond_broadcast(&p->wake);
  og_mutex_unlock(&p->mu);
  for (unsigned i = 0; i < p->n_workers; i++) (void)p->env->ops->task_join(&cx, p->tasks[i]);
  pthread_cond_destroy(&p->idle);
  pthread_cond_destroy(&p->wake);
  og_mutex_cleanup(&p->mu);
  og_free(p);
}

unsigned og_pool_threads(const og_pool *p)
{
  return p ? p->wanted + 1 : 1;
}

static og_status run_alone(og_ctx *cx, size_t n, og_work_fn fn, void *arg)
{
  for (size_t i = 0; i < n; i++) {
    OG_TRY(og_ctx_poll(cx));
    OG_TRY(fn(cx, arg, i, 0));
  }
  return OG_OK;
}

/* Offers the job to the workers; false when they are busy with another (or this is called from inside one). */
static bool post(og_pool *p, job *j)
{
  og_mutex_lock(&p->mu);
  bool free = p->current == NULL;
  if (free) {
    p->current = j;
    p->turn++;
    pthread_cond_broadcast(&p->wake);
  }
  og_mutex_unlock(&p->mu);
  return free;
}

og_status og_parallel(og_ctx *cx, size_t n, og_work_fn fn, void *arg)
{
  og_pool *p = cx->rt->pool;
  job j = {.parent = cx, .fn = fn, .arg = arg, .n = n, .failed_item = n};
  if (!p || p->wanted == 0 || n < 2) return run_alone(cx, n, fn, arg);
  start_workers(cx, p);
  if (!post(p, &j)) return run_alone(cx, n, fn, arg);
  run_items(p, &j, 0);
  og_mutex_lock(&p->mu);
  p->current = NULL; /* nobody enters from here on */
  while (j.users > 0) pthread_cond_wait(&p->idle, &p->mu.raw);
  og_mutex_unlock(&p->mu);
  if (j.failed_item == n) return OG_OK;
  *cx->err = j.error;
  return j.error.status;
}
