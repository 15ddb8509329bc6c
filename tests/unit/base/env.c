/* SPDX-License-Identifier: MIT */
/* One body for both worlds, then what only the real one can show. */
#define _DEFAULT_SOURCE 1
#include "og_test.h"

#include "base/env_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct world {
  og_ctx cx;
  og_error err;
  og_runtime rt;
  og_sim *sim; /* NULL: the real one */
  char dir[64];
} world;

static void world_real(world *w)
{
  *w = (world){.dir = "/tmp/og-env-XXXXXX"};
  OG_CHECK(mkdtemp(w->dir) != NULL);
  og_mem_init(&w->rt.mem, 0);
  OG_CHECK(og_env_posix_new(&w->rt.mem, &w->rt.env) == OG_OK);
  og_ctx_init(&w->cx, &w->rt, &w->err, NULL);
}

static void world_sim(world *w)
{
  *w = (world){.dir = "/w"};
  w->sim = og_sim_new(1);
  OG_CHECK(w->sim != NULL);
  og_sim_ctx_init(og_sim_process_new(w->sim), &w->cx, &w->err, NULL);
  OG_CHECK_OK(&w->cx, w->cx.env->ops->mkdir(&w->cx, w->dir));
}

static void world_free(world *w)
{
  if (w->sim) {
    og_sim_free(w->sim);
    return;
  }
  OG_CHECK_OK(&w->cx, w->cx.env->ops->rmdir(&w->cx, w->dir)); /* each test leaves it empty */
  og_env_posix_free(w->rt.env);
  OG_CHECK_U64(w->rt.mem.in_use, 0);
}

static const char *at(const world *w, const char *name)
{
  static char paths[4][256];
  static unsigned next;
  char *p = paths[next++ % 4];
  snprintf(p, sizeof paths[0], "%s/%s", w->dir, name);
  return p;
}

static og_status write_file(world *w, const char *name, og_open_mode mode, og_str text)
{
  og_file *f = NULL;
  const og_env_ops *env = w->cx.env->ops;
  OG_TRY(env->file_open(&w->cx, at(w, name), mode, &f));
  og_status st = env->file_append(&w->cx, f, text.ptr, text.len);
  if (st == OG_OK) st = env->file_sync(&w->cx, f);
  env->file_close(w->cx.env, f);
  return st;
}

static void check_text(world *w, const char *name, og_str want)
{
  og_buf b = {0};
  OG_CHECK_OK(&w->cx, og_env_read_file(&w->cx, at(w, name), 100, &b));
  OG_CHECK_STR(og_buf_str(&b), want);
  og_buf_cleanup(&b);
}

static void check_files(world *w)
{
  const og_env_ops *env = w->cx.env->ops;
  og_buf b = {0};
  OG_CHECK_OK(&w->cx, write_file(w, "a", OG_OPEN_CREATE_NEW, OG_STR("hello")));
  OG_CHECK_STATUS(&w->cx, write_file(w, "a", OG_OPEN_CREATE_NEW, OG_STR("no")), OG_EEXISTS);
  check_text(w, "a", OG_STR("hello"));
  OG_CHECK_OK(&w->cx, write_file(w, "a", OG_OPEN_TRUNCATE, OG_STR("bye")));
  check_text(w, "a", OG_STR("bye"));
  OG_CHECK_STATUS(&w->cx, og_env_read_file(&w->cx, at(w, "a"), 2, &b), OG_ELIMIT);
  OG_CHECK_STATUS(&w->cx, og_env_read_file(&w->cx, at(w, "none"), 2, &b), OG_ENOTFOUND);
  OG_CHECK(strstr(w->err.text, at(w, "none")) != NULL);
  OG_CHECK_STATUS(&w->cx, og_env_read_file(&w->cx, w->dir, 2, &b), OG_EINVALID); /* a folder */
  OG_CHECK_STATUS(&w->cx, og_env_read_file(&w->cx, at(w, "a/b"), 2, &b), OG_EINVALID);
  og_file *f = NULL;
  char got[4];
  OG_CHECK_OK(&w->cx, env->file_open(&w->cx, at(w, "a"), OG_OPEN_READ, &f));
  OG_CHECK_OK(&w->cx, env->file_read(&w->cx, f, 1, got, 2));
  OG_CHECK(memcmp(got, "ye", 2) == 0);
  OG_CHECK_STATUS(&w->cx, env->file_read(&w->cx, f, 1, got, 3), OG_ECORRUPT);
  OG_CHECK_STATUS(&w->cx, env->file_read(&w->cx, f, UINT64_MAX, got, 3), OG_ECORRUPT);
  env->file_close(w->cx.env, f);
  OG_CHECK_OK(&w->cx, env->unlink(&w->cx, at(w, "a")));
  OG_CHECK_STATUS(&w->cx, env->unlink(&w->cx, at(w, "a")), OG_ENOTFOUND);
  og_buf_cleanup(&b);
}

static void check_names(world *w)
{
  const og_env_ops *env = w->cx.env->ops;
  og_file_info a, b;
  OG_CHECK_OK(&w->cx, write_file(w, "a", OG_OPEN_CREATE_NEW, OG_STR("a")));
  OG_CHECK_OK(&w->cx, write_file(w, "b", OG_OPEN_CREATE_NEW, OG_STR("b")));
  OG_CHECK_STATUS(&w->cx, env->link(&w->cx, at(w, "a"), at(w, "b")), OG_EEXISTS);
  OG_CHECK_OK(&w->cx, env->link(&w->cx, at(w, "a"), at(w, "c")));
  OG_CHECK_OK(&w->cx, env->path_info(&w->cx, at(w, "a"), &a));
  OG_CHECK_OK(&w->cx, env->path_info(&w->cx, at(w, "c"), &b));
  OG_CHECK(a.ino == b.ino && a.dev == b.dev && a.size == 1 && !a.is_dir && !a.is_link);
  OG_CHECK_OK(&w->cx, env->rename(&w->cx, at(w, "b"), at(w, "a")));
  check_text(w, "a", OG_STR("b"));
  check_text(w, "c", OG_STR("a"));
  const char *paths[3] = {at(w, "a"), at(w, "c"), w->dir};
  OG_CHECK_OK(&w->cx, env->sync_paths(&w->cx, paths, 3));
  OG_CHECK_OK(&w->cx, env->unlink(&w->cx, at(w, "a")));
  OG_CHECK_STATUS(&w->cx, env->sync_paths(&w->cx, paths, 3), OG_ENOTFOUND);
  OG_CHECK_OK(&w->cx, env->unlink(&w->cx, at(w, "c")));
}

static og_status count_entry(og_ctx *cx, void *arg, og_str name, bool is_dir)
{
  (void)cx;
  OG_CHECK(name.len == 1 && is_dir == (name.ptr[0] == 'd'));
  *(int *)arg += 1;
  return OG_OK;
}

static og_status stop_at_once(og_ctx *cx, void *arg, og_str name, bool is_dir)
{
  (void)arg;
  (void)name;
  (void)is_dir;
  return og_fail(cx, OG_ECONFLICT, "enough");
}

static void check_folders(world *w)
{
  const og_env_ops *env = w->cx.env->ops;
  unsigned made = 99;
  int n = 0;
  OG_CHECK_OK(&w->cx, og_env_make_dirs(&w->cx, at(w, "d/d/d"), &made));
  OG_CHECK_U64(made, 3);
  OG_CHECK_OK(&w->cx, og_env_make_dirs(&w->cx, at(w, "d/d/d"), &made));
  OG_CHECK_U64(made, 0);
  OG_CHECK_STATUS(&w->cx, env->mkdir(&w->cx, at(w, "d")), OG_EEXISTS);
  OG_CHECK_OK(&w->cx, write_file(w, "d/a", OG_OPEN_CREATE_NEW, OG_STR("a")));
  OG_CHECK_STATUS(&w->cx, og_env_make_dirs(&w->cx, at(w, "d/a"), NULL), OG_EINVALID);
  OG_CHECK_OK(&w->cx, env->list_dir(&w->cx, at(w, "d"), count_entry, &n));
  OG_CHECK(n == 2);
  OG_CHECK_STATUS(&w->cx, env->list_dir(&w->cx, at(w, "d"), stop_at_once, NULL), OG_ECONFLICT);
  OG_CHECK_STATUS(&w->cx, env->list_dir(&w->cx, at(w, "none"), count_entry, &n), OG_ENOTFOUND);
  OG_CHECK_STATUS(&w->cx, env->rmdir(&w->cx, at(w, "d")), OG_EEXISTS);
  OG_CHECK_OK(&w->cx, env->unlink(&w->cx, at(w, "d/a")));
  OG_CHECK_OK(&w->cx, env->rmdir(&w->cx, at(w, "d/d/d")));
  OG_CHECK_OK(&w->cx, env->rmdir(&w->cx, at(w, "d/d")));
  OG_CHECK_OK(&w->cx, env->rmdir(&w->cx, at(w, "d")));
}

static og_status set_one(void *arg)
{
  *(int *)arg = 1;
  return OG_EDENIED;
}

static void check_rest(world *w)
{
  const og_env_ops *env = w->cx.env->ops;
  uint8_t a[20] = {0}, b[20] = {0};
  OG_CHECK_OK(&w->cx, og_random(&w->cx, a, sizeof a));
  OG_CHECK_OK(&w->cx, og_random(&w->cx, b, sizeof b));
  OG_CHECK(memcmp(a, b, sizeof a) != 0);
  uint64_t before = og_mono_ns(&w->cx);
  env->sleep_ns(w->cx.env, 1000000);
  OG_CHECK(og_mono_ns(&w->cx) >= before + 1000000);
  OG_CHECK(og_wall_us(&w->cx) > 1600000000000000);
  int ran = 0;
  og_task *t = NULL;
  OG_CHECK_OK(&w->cx, env->task_start(&w->cx, set_one, &ran, &t));
  OG_CHECK(env->task_join(&w->cx, t) == OG_EDENIED);
  OG_CHECK(ran == 1);
  og_buf cwd = {0};
  OG_CHECK_OK(&w->cx, env->cwd(&w->cx, &cwd));
  OG_CHECK(cwd.len > 0 && cwd.data[0] == '/');
  og_buf_cleanup(&cwd);
}

static void check_all(world *w)
{
  check_files(w);
  check_names(w);
  check_folders(w);
  check_rest(w);
  world_free(w);
}

OG_TEST(env, real_world_keeps_the_contract)
{
  world w;
  world_real(&w);
  check_all(&w);
}

OG_TEST(env, simulated_world_keeps_the_contract)
{
  world w;
  world_sim(&w);
  check_all(&w);
}

OG_TEST(env, links_are_followed_for_users_only_and_pipes_not_read)
{
  world w;
  world_real(&w);
  og_buf b = {0};
  og_file_info info;
  OG_CHECK_OK(&w.cx, write_file(&w, "a", OG_OPEN_CREATE_NEW, OG_STR("a")));
  OG_CHECK(symlink(at(&w, "a"), at(&w, "l")) == 0);
  OG_CHECK(mkfifo(at(&w, "p"), 0600) == 0);
  og_file *f = NULL;
  OG_CHECK_STATUS(&w.cx, w.cx.env->ops->file_open(&w.cx, at(&w, "l"), OG_OPEN_READ, &f), OG_EDENIED);
  OG_CHECK_OK(&w.cx, og_env_read_file(&w.cx, at(&w, "l"), 10, &b));
  og_buf_cleanup(&b);
  OG_CHECK_STATUS(&w.cx, write_file(&w, "l", OG_OPEN_TRUNCATE, OG_STR("x")), OG_EDENIED);
  OG_CHECK_STATUS(&w.cx, og_env_read_file(&w.cx, at(&w, "p"), 10, &b), OG_EINVALID);
  OG_CHECK_OK(&w.cx, w.cx.env->ops->path_info(&w.cx, at(&w, "l"), &info));
  OG_CHECK(info.is_link && info.size == 1);
  check_text(&w, "a", OG_STR("a"));
  const char *names[3] = {"a", "l", "p"};
  for (int i = 0; i < 3; i++) OG_CHECK_OK(&w.cx, w.cx.env->ops->unlink(&w.cx, at(&w, names[i])));
  world_free(&w);
}

OG_TEST(env, files_and_folders_are_made_under_the_umask)
{
  world w;
  world_real(&w);
  struct stat sb;
  mode_t before = umask(0027);
  OG_CHECK_OK(&w.cx, write_file(&w, "a", OG_OPEN_CREATE_NEW, OG_STR("a")));
  OG_CHECK_OK(&w.cx, w.cx.env->ops->mkdir(&w.cx, at(&w, "d")));
  umask(before);
  OG_CHECK(stat(at(&w, "a"), &sb) == 0 && (sb.st_mode & 0777) == 0640);
  OG_CHECK(stat(at(&w, "d"), &sb) == 0 && (sb.st_mode & 0777) == 0750);
  OG_CHECK_OK(&w.cx, w.cx.env->ops->unlink(&w.cx, at(&w, "a")));
  OG_CHECK_OK(&w.cx, w.cx.env->ops->rmdir(&w.cx, at(&w, "d")));
  world_free(&w);
}

OG_TEST(env, many_paths_are_synced_and_the_first_missing_one_is_named)
{
  world w;
  world_real(&w);
  char paths[40][128];
  const char *list[40];
  for (int i = 0; i < 40; i++) {
    char name[16];
    snprintf(name, sizeof name, "f%d", i);
    OG_CHECK_OK(&w.cx, write_file(&w, name, OG_OPEN_CREATE_NEW, OG_STR("x")));
    snprintf(paths[i], sizeof paths[i], "%s", at(&w, name));
    list[i] = paths[i];
  }
  OG_CHECK_OK(&w.cx, w.cx.env->ops->sync_paths(&w.cx, list, 40));
  OG_CHECK_OK(&w.cx, w.cx.env->ops->unlink(&w.cx, list[7]));
  OG_CHECK_OK(&w.cx, w.cx.env->ops->unlink(&w.cx, list[23]));
  OG_CHECK_STATUS(&w.cx, w.cx.env->ops->sync_paths(&w.cx, list, 40), OG_ENOTFOUND);
  OG_CHECK(strstr(w.err.text, list[7]) != NULL);
  for (int i = 0; i < 40; i++)
    if (i != 7 && i != 23) OG_CHECK_OK(&w.cx, w.cx.env->ops->unlink(&w.cx, list[i]));
  world_free(&w);
}

OG_TEST_MAIN(OG_CASE(env, real_world_keeps_the_contract),
             OG_CASE(env, simulated_world_keeps_the_contract),
             OG_CASE(env, links_are_followed_for_users_only_and_pipes_not_read),
             OG_CASE(env, files_and_folders_are_made_under_the_umask),
             OG_CASE(env, many_paths_are_synced_and_the_first_missing_one_is_named))
