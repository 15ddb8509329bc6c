/* SPDX-License-Identifier: MIT */
/* The simulated world keeps what it says about syncs, death and schedules. */
#include "og_test.h"

#include "base/env_sim.h"

#include <errno.h>
#include <stdio.h>

typedef struct world {
  og_sim *sim;
  og_sim_process *process;
  og_ctx cx;
  og_error err;
} world;

static void boot(world *w)
{
  w->process = og_sim_process_new(w->sim);
  OG_CHECK(w->process != NULL);
  og_sim_ctx_init(w->process, &w->cx, &w->err, NULL);
}

static void world_new(world *w, uint64_t seed)
{
  w->sim = og_sim_new(seed);
  OG_CHECK(w->sim != NULL);
  boot(w);
}

static void lose_power(world *w)
{
  og_sim_power_loss(w->sim);
  boot(w);
}

static const og_env_ops *ops(const world *w)
{
  return w->cx.env->ops;
}

static og_status write_file(og_ctx *cx, const char *path, const char *text, bool sync)
{
  const og_env_ops *env = cx->env->ops;
  og_file *f = NULL;
  OG_TRY(env->file_open(cx, path, OG_OPEN_TRUNCATE, &f));
  og_status st = env->file_append(cx, f, text, strlen(text));
  if (st == OG_OK && sync) st = env->file_sync(cx, f);
  env->file_close(cx->env, f);
  return st;
}

/* The file's text, "-" when there is none. */
static const char *text_of(world *w, const char *path)
{
  static char text[256];
  og_buf b = {0};
  og_status st = og_env_read_file(&w->cx, path, sizeof text - 1, &b);
  OG_CHECK(st == OG_OK || st == OG_ENOTFOUND);
  snprintf(text, sizeof text, OG_STR_FMT, OG_STR_ARG(og_buf_str(&b)));
  og_buf_cleanup(&b);
  return st == OG_OK ? text : "-";
}

static bool exists(world *w, const char *path)
{
  og_file_info info;
  return ops(w)->path_info(&w->cx, path, &info) == OG_OK;
}

OG_TEST(simfs, synced_file_and_folder_survive_every_power_loss)
{
  for (uint64_t seed = 0; seed < 50; seed++) {
    world w;
    world_new(&w, seed);
    OG_CHECK_OK(&w.cx, write_file(&w.cx, "/a", "kept", true));
    OG_CHECK_OK(&w.cx, ops(&w)->sync_dir(&w.cx, "/"));
    lose_power(&w);
    assert_string_equal(text_of(&w, "/a"), "kept");
    og_sim_free(w.sim);
  }
}

/* How many of the seeds end with this text in /a, after a scene without the named sync. */
static int count_text(bool sync_file, bool sync_dir, const char *text)
{
  int n = 0;
  for (uint64_t seed = 0; seed < 200; seed++) {
    world w;
    world_new(&w, seed);
    OG_CHECK_OK(&w.cx, write_file(&w.cx, "/a", "kept", sync_file));
    if (sync_dir) OG_CHECK_OK(&w.cx, ops(&w)->sync_dir(&w.cx, "/"));
    lose_power(&w);
    n += strcmp(text_of(&w, "/a"), text) == 0;
    og_sim_free(w.sim);
  }
  return n;
}

OG_TEST(simfs, without_file_sync_the_bytes_may_go_and_may_stay)
{
  int kept = count_text(false, true, "kept"), empty = count_text(false, true, "");
  OG_CHECK(kept > 20);
  OG_CHECK(empty > 20);
  OG_CHECK(kept + empty < 200); /* some came back cut or zeroed */
}

OG_TEST(simfs, without_folder_sync_the_entry_may_go_and_may_stay)
{
  int kept = count_text(true, false, "kept"), gone = count_text(true, false, "-");
  OG_CHECK(kept > 20);
  OG_CHECK(gone > 20);
  OG_CHECK_U64(kept + gone, 200); /* what is found is whole */
}

OG_TEST(simfs, link_may_vanish_until_the_folder_is_synced)
{
  world w;
  world_new(&w, 1);
  og_sim_set_loss(w.sim, OG_SIM_LOSE_ALL);
  OG_CHECK_OK(&w.cx, write_file(&w.cx, "/tmp", "x", true));
  OG_CHECK_OK(&w.cx, ops(&w)->sync_dir(&w.cx, "/"));
  OG_CHECK_OK(&w.cx, ops(&w)->link(&w.cx, "/tmp", "/v1"));
  OG_CHECK_STATUS(&w.cx, ops(&w)->link(&w.cx, "/tmp", "/v1"), OG_EEXISTS);
  lose_power(&w);
  OG_CHECK(!exists(&w, "/v1"));
  OG_CHECK_OK(&w.cx, ops(&w)->link(&w.cx, "/tmp", "/v1"));
  OG_CHECK_OK(&w.cx, ops(&w)->unlink(&w.cx, "/tmp"));
  OG_CHECK_OK(&w.cx, ops(&w)->sync_dir(&w.cx, "/"));
  lose_power(&w);
  assert_string_equal(text_of(&w, "/v1"), "x");
  OG_CHECK(!exists(&w, "/tmp"));
  og_sim_free(w.sim);
}

OG_TEST(simfs, rename_is_whole_or_absent_after_power_loss)
{
  int moved = 0, stayed = 0;
  for (uint64_t seed = 0; seed < 100; seed++) {
    world w;
    world_new(&w, seed);
    OG_CHECK_OK(&w.cx, write_file(&w.cx, "/a", "old", true));
    OG_CHECK_OK(&w.cx, write_file(&w.cx, "/b", "new", true));
    OG_CHECK_OK(&w.cx, ops(&w)->sync_dir(&w.cx, "/"));
    OG_CHECK_OK(&w.cx, ops(&w)->rename(&w.cx, "/b", "/a"));
    lose_power(&w);
    bool is_new = strcmp(text_of(&w, "/a"), "new") == 0;
    if (!is_new) assert_string_equal(text_of(&w, "/a"), "old");
    OG_CHECK(exists(&w, "/b") == !is_new);
    moved += is_new;
    stayed += !is_new;
    og_sim_free(w.sim);
  }
  OG_CHECK(moved > 10 && stayed > 10);
}

OG_TEST(simfs, folder_is_lost_with_all_in_it_unless_its_parent_is_synced)
{
  for (int sync_parent = 0; sync_parent < 2; sync_parent++) {
    world w;
    world_new(&w, 3);
    og_sim_set_loss(w.sim, OG_SIM_LOSE_ALL);
    OG_CHECK_OK(&w.cx, ops(&w)->mkdir(&w.cx, "/d"));
    OG_CHECK_OK(&w.cx, write_file(&w.cx, "/d/a", "x", true));
    OG_CHECK_OK(&w.cx, ops(&w)->sync_dir(&w.cx, "/d"));
    if (sync_parent) OG_CHECK_OK(&w.cx, ops(&w)->sync_dir(&w.cx, "/"));
    lose_power(&w);
    assert_string_equal(text_of(&w, "/d/a"), sync_parent ? "x" : "-");
    og_sim_free(w.sim);
  }
}

OG_TEST(simfs, truncation_without_sync_may_bring_back_the_old_bytes)
{
  world w;
  world_new(&w, 4);
  og_sim_set_loss(w.sim, OG_SIM_LOSE_ALL);
  OG_CHECK_OK(&w.cx, write_file(&w.cx, "/a", "old", true));
  OG_CHECK_OK(&w.cx, ops(&w)->sync_dir(&w.cx, "/"));
  OG_CHECK_OK(&w.cx, write_file(&w.cx, "/a", "newer", false));
  assert_string_equal(text_of(&w, "/a"), "newer");
  lose_power(&w);
  assert_string_equal(text_of(&w, "/a"), "old");
  og_sim_free(w.sim);
}

OG_TEST(simfs, sync_after_failed_sync_saves_nothing)
{
  world w;
  world_new(&w, 5);
  og_sim_set_loss(w.sim, OG_SIM_LOSE_ALL);
  og_sim_fail_at(w.process, 3, EIO); /* open, append, sync */
  OG_CHECK_STATUS(&w.cx, write_file(&w.cx, "/a", "x", true), OG_EIO);
  const char *path = "/a";
  OG_CHECK_OK(&w.cx, ops(&w)->sync_paths(&w.cx, &path, 1));
  OG_CHECK_OK(&w.cx, ops(&w)->sync_dir(&w.cx, "/"));
  lose_power(&w);
  assert_string_equal(text_of(&w, "/a"), "");
  og_sim_free(w.sim);
}

OG_TEST(simfs, full_disk_writes_what_fits_and_says_so)
{
  world w;
  world_new(&w, 6);
  og_sim_set_disk_bytes(w.sim, 300);
  OG_CHECK_STATUS(&w.cx, write_file(&w.cx, "/a", "0123456789012345678901234567890123456789012345678901234567", false),
                  OG_ELIMIT);
  OG_CHECK(w.err.detail.kind == OG_DETAIL_RESOURCE_LIMIT);
  OG_CHECK(strlen(text_of(&w, "/a")) == 44);
  OG_CHECK_OK(&w.cx, ops(&w)->unlink(&w.cx, "/a"));
  OG_CHECK_OK(&w.cx, write_file(&w.cx, "/b", "fits", false));
  og_sim_free(w.sim);
}

OG_TEST(simfs, inode_number_is_given_again_after_the_file_is_gone)
{
  world w;
  world_new(&w, 7);
  og_file_info a, b;
  OG_CHECK_OK(&w.cx, write_file(&w.cx, "/a", "x", true));
  OG_CHECK_OK(&w.cx, ops(&w)->path_info(&w.cx, "/a", &a));
  OG_CHECK_OK(&w.cx, ops(&w)->unlink(&w.cx, "/a"));
  OG_CHECK_OK(&w.cx, ops(&w)->sync_dir(&w.cx, "/"));
  OG_CHECK_OK(&w.cx, write_file(&w.cx, "/a", "x", true));
  OG_CHECK_OK(&w.cx, ops(&w)->path_info(&w.cx, "/a", &b));
  OG_CHECK(a.ino == b.ino && a.ctime_ns != b.ctime_ns);
  og_sim_free(w.sim);
}

/* -- tasks -- */

typedef struct counter {
  int value, ended;
} counter;

/* A lost update happens exactly when two tasks interleave. */
static og_status add_twice(og_ctx *cx, void *arg)
{
  counter *c = arg;
  og_file_info info;
  for (int i = 0; i < 2; i++) {
    int seen = c->value;
    OG_TRY(cx->env->ops->path_info(cx, "/", &info));
    c->value = seen + 1;
  }
  c->ended++;
  return OG_OK;
}

static int run_two(uint64_t seed)
{
  counter c = {0};
  og_sim *sim = og_sim_new(seed);
  for (int i = 0; i < 2; i++) (void)og_sim_spawn(og_sim_process_new(sim), add_twice, &c);
  OG_CHECK(og_sim_run(sim) == OG_SIM_DONE);
  OG_CHECK(c.ended == 2);
  og_sim_free(sim);
  return c.value;
}

OG_TEST(sim, one_seed_is_one_schedule_and_seeds_differ)
{
  int seen[5] = {0};
  for (uint64_t seed = 0; seed < 100; seed++) {
    int value = run_two(seed);
    OG_CHECK(value >= 2 && value <= 4);
    OG_CHECK(value == run_two(seed));
    seen[value]++;
  }
  OG_CHECK(seen[2] > 0 && seen[3] > 0 && seen[4] > 0);
}

static og_status work_until_death(og_ctx *cx, void *arg)
{
  counter *c = arg;
  void *mine = og_alloc(cx, 100);
  og_status st = OG_OK;
  while (st == OG_OK) {
    og_file_info info;
    st = cx->env->ops->path_info(cx, "/", &info);
    c->value += st == OG_OK;
  }
  og_free(mine);
  c->ended++;
  return st;
}

OG_TEST(sim, crash_strikes_at_the_named_call_and_memory_is_given_back)
{
  counter c = {0};
  og_sim *sim = og_sim_new(1);
  og_sim_process *p = og_sim_process_new(sim);
  og_sim_task *t = og_sim_spawn(p, work_until_death, &c);
  og_sim_crash_at(p, 8);
  OG_CHECK(og_sim_run(sim) == OG_SIM_DONE);
  OG_CHECK(c.value == 7 && c.ended == 1);
  OG_CHECK(!og_sim_alive(p));
  OG_CHECK(og_sim_task_result(t) == OG_ECANCELLED);
  OG_CHECK_U64(og_sim_runtime(p)->mem.in_use, 0);
  og_sim_free(sim);
}

static og_status write_after_death(og_ctx *cx, void *arg)
{
  (void)arg;
  og_status st = write_file(cx, "/a", "x", true);
  (void)!write_file(cx, "/b", "x", true);
  return st;
}

OG_TEST(sim, the_dead_change_nothing)
{
  world w;
  world_new(&w, 2);
  og_sim_process *p = og_sim_process_new(w.sim);
  (void)og_sim_spawn(p, write_after_death, NULL);
  og_sim_crash_at(p, 2); /* after creating /a */
  OG_CHECK(og_sim_run(w.sim) == OG_SIM_DONE);
  assert_string_equal(text_of(&w, "/a"), "");
  OG_CHECK(!exists(&w, "/b"));
  og_sim_free(w.sim);
}

static og_status never_stops(og_ctx *cx, void *arg)
{
  og_file_info info;
  while (!arg) (void)!cx->env->ops->path_info(cx, "/", &info);
  return OG_OK;
}

OG_TEST(sim, loop_that_ignores_death_is_reported)
{
  og_sim *sim = og_sim_new(3);
  og_sim_process *p = og_sim_process_new(sim);
  og_sim_task *t = og_sim_spawn(p, never_stops, NULL);
  og_sim_crash_at(p, 5);
  OG_CHECK(og_sim_run(sim) == OG_SIM_RUNAWAY);
  OG_CHECK(!og_sim_task_done(t));
  og_sim_free(sim);
}

static og_status child(void *arg)
{
  *(int *)arg += 1;
  return OG_ENOTFOUND;
}

static og_status parent(og_ctx *cx, void *arg)
{
  og_task *t[2];
  for (int i = 0; i < 2; i++) OG_TRY(cx->env->ops->task_start(cx, child, arg, &t[i]));
  og_status a = cx->env->ops->task_join(cx, t[0]);
  og_status b = cx->env->ops->task_join(cx, t[1]);
  return a == OG_ENOTFOUND && b == OG_ENOTFOUND && *(int *)arg == 2 ? OG_OK : OG_EINTERNAL;
}

static og_status sleeper(og_ctx *cx, void *arg)
{
  uint64_t before = og_mono_ns(cx);
  cx->env->ops->sleep_ns(cx->env, 5000000000u);
  *(uint64_t *)arg = og_mono_ns(cx) - before;
  return OG_OK;
}

OG_TEST(sim, tasks_join_and_sleepers_wake_on_virtual_time)
{
  int ran = 0;
  uint64_t slept = 0;
  og_sim *sim = og_sim_new(4);
  og_sim_process *p = og_sim_process_new(sim);
  og_sim_task *t = og_sim_spawn(p, parent, &ran);
  (void)og_sim_spawn(p, sleeper, &slept);
  OG_CHECK(og_sim_run(sim) == OG_SIM_DONE);
  OG_CHECK(og_sim_task_result(t) == OG_OK);
  OG_CHECK(slept >= 5000000000u && slept < 5100000000u);
  og_sim_free(sim);
}

OG_TEST(sim, a_removed_sync_is_found_by_its_site)
{
  world w;
  world_new(&w, 5);
  og_sim_set_loss(w.sim, OG_SIM_LOSE_ALL);
  OG_CHECK_OK(&w.cx, ops(&w)->mkdir(&w.cx, "/g17"));
  OG_CHECK_OK(&w.cx, ops(&w)->sync_dir(&w.cx, "/"));
  OG_CHECK_OK(&w.cx, write_file(&w.cx, "/g17/part-0123456789abcdef.lance", "x", true));
  OG_CHECK_U64(og_sim_sync_sites(w.sim), 2);
  assert_string_equal(og_sim_sync_site(w.sim, 0), "sync folder /");
  assert_string_equal(og_sim_sync_site(w.sim, 1), "sync file /*/part-*.lance");
  og_sim_suppress_site(w.sim, "sync folder /*");
  OG_CHECK_OK(&w.cx, ops(&w)->sync_dir(&w.cx, "/g17"));
  OG_CHECK_U64(og_sim_sync_site_count(w.sim, 2), 1);
  lose_power(&w);
  OG_CHECK(exists(&w, "/g17"));
  OG_CHECK(!exists(&w, "/g17/part-0123456789abcdef.lance"));
  og_sim_free(w.sim);
}

static void make_a_mess(world *w)
{
  OG_CHECK_OK(&w->cx, ops(w)->mkdir(&w->cx, "/kept"));
  OG_CHECK_OK(&w->cx, ops(w)->mkdir(&w->cx, "/kept/in"));
  OG_CHECK_OK(&w->cx, write_file(&w->cx, "/kept/a", "synced", true));
  OG_CHECK_OK(&w->cx, write_file(&w->cx, "/kept/in/b", "not synced", false));
  OG_CHECK_OK(&w->cx, ops(w)->sync_dir(&w->cx, "/"));
  OG_CHECK_OK(&w->cx, ops(w)->sync_dir(&w->cx, "/kept"));
  OG_CHECK_OK(&w->cx, ops(w)->link(&w->cx, "/kept/a", "/kept/in/a2"));
  OG_CHECK_OK(&w->cx, ops(w)->rename(&w->cx, "/kept/in/b", "/kept/b"));
  OG_CHECK_OK(&w->cx, write_file(&w->cx, "/kept/a", "again", false));
  OG_CHECK_OK(&w->cx, ops(w)->mkdir(&w->cx, "/lost"));
  OG_CHECK_OK(&w->cx, write_file(&w->cx, "/lost/c", "synced, in a folder that is not", true));
}

OG_TEST(sim, what_a_loss_would_leave_is_what_it_leaves)
{
  static const og_sim_loss losses[] = {OG_SIM_LOSE_ALL, OG_SIM_LOSE_DATA, OG_SIM_LOSE_ENTRIES};
  uint64_t seen[OG_ARRAY_LEN(losses)];
  for (size_t i = 0; i < OG_ARRAY_LEN(losses); i++) {
    world w, after;
    world_new(&w, 7);
    make_a_mess(&w);
    uint64_t before = og_sim_disk_digest(w.sim);
    after.sim = og_sim_after_loss(w.sim, 8, losses[i]);
    OG_CHECK(after.sim != NULL);
    OG_CHECK_U64(og_sim_disk_digest(w.sim), before); /* it goes on */
    og_sim_set_loss(w.sim, losses[i]);
    lose_power(&w);
    seen[i] = og_sim_disk_digest(w.sim);
    OG_CHECK(seen[i] != before);
    OG_CHECK_U64(og_sim_disk_digest(after.sim), seen[i]);
    og_sim_power_loss(after.sim); /* all of it is durable */
    OG_CHECK_U64(og_sim_disk_digest(after.sim), seen[i]);
    boot(&after);
    assert_string_equal(text_of(&after, "/kept/a"), i == 2 ? "again" : "synced");
    OG_CHECK(exists(&after, "/lost/c") == (i == 1));
    og_sim_free(after.sim);
    og_sim_free(w.sim);
  }
  OG_CHECK(seen[0] != seen[1] && seen[1] != seen[2]);
}

typedef struct ahead {
  og_sim *sim;
  int calls, disks;
  uint64_t changes;
} ahead;

static void count_disks(void *arg)
{
  ahead *a = arg;
  a->calls++;
  if (og_sim_disk_changes(a->sim) == a->changes) return;
  a->changes = og_sim_disk_changes(a->sim);
  a->disks++;
}

static og_status write_and_read(og_ctx *cx, void *arg)
{
  og_file_info info;
  (void)arg;
  OG_TRY(write_file(cx, "/f", "x", true));
  return cx->env->ops->path_info(cx, "/f", &info);
}

OG_TEST(sim, every_call_of_a_run_is_announced_and_changes_are_told)
{
  world w;
  world_new(&w, 9);
  ahead a = {.sim = w.sim};
  og_sim_set_before_call(w.sim, count_disks, &a);
  (void)og_sim_spawn(w.process, write_and_read, NULL);
  OG_CHECK(og_sim_run(w.sim) == OG_SIM_DONE);
  OG_CHECK_U64(a.calls, 4); /* create, write, sync, stat */
  OG_CHECK_U64(a.disks, 3); /* what stat sees, nobody changed again */
  og_sim_free(w.sim);
}

OG_TEST_MAIN(OG_CASE(simfs, synced_file_and_folder_survive_every_power_loss),
             OG_CASE(simfs, without_file_sync_the_bytes_may_go_and_may_stay),
             OG_CASE(simfs, without_folder_sync_the_entry_may_go_and_may_stay),
             OG_CASE(simfs, link_may_vanish_until_the_folder_is_synced),
             OG_CASE(simfs, rename_is_whole_or_absent_after_power_loss),
             OG_CASE(simfs, folder_is_lost_with_all_in_it_unless_its_parent_is_synced),
             OG_CASE(simfs, truncation_without_sync_may_bring_back_the_old_bytes),
             OG_CASE(simfs, sync_after_failed_sync_saves_nothing),
             OG_CASE(simfs, full_disk_writes_what_fits_and_says_so),
             OG_CASE(simfs, inode_number_is_given_again_after_the_file_is_gone),
             OG_CASE(sim, one_seed_is_one_schedule_and_seeds_differ),
             OG_CASE(sim, crash_strikes_at_the_named_call_and_memory_is_given_back),
             OG_CASE(sim, the_dead_change_nothing), OG_CASE(sim, loop_that_ignores_death_is_reported),
             OG_CASE(sim, tasks_join_and_sleepers_wake_on_virtual_time),
             OG_CASE(sim, a_removed_sync_is_found_by_its_site), OG_CASE(sim, what_a_loss_would_leave_is_what_it_leaves),
             OG_CASE(sim, every_call_of_a_run_is_announced_and_changes_are_told))
