/* SPDX-License-Identifier: MIT */
#include "og_test.h"

#include "base/env_sim.h"
#include "store/store.h"

typedef struct world {
  og_sim *sim;
  og_ctx cx;
  og_error err;
} world;

static void world_new(world *w)
{
  w->sim = og_sim_new(1);
  og_sim_ctx_init(og_sim_process_new(w->sim), &w->cx, &w->err, NULL);
}

OG_TEST(uri, paths_and_file_uris_name_one_absolute_folder)
{
  static const char *const rows[][2] = {
      {"/data/g", "/data/g"},
      {"/data//x/../g/.", "/data/g"},
      {"/../../g/", "/g"},
      {"g", "/g"},
      {"./a/b", "/a/b"},
      {"file:///data/g", "/data/g"},
      {"FILE://localhost/data/g", "/data/g"},
      {"file:///a%20b/%C3%A9", "/a b/\xc3\xa9"},
      {"a:b", "/a:b"},
      {"/x%20y", "/x%20y"},
  };
  world w;
  world_new(&w);
  for (size_t i = 0; i < OG_ARRAY_LEN(rows); i++) {
    og_store *s = NULL;
    OG_CHECK_OK(&w.cx, og_store_open(&w.cx, og_str_of(rows[i][0]), false, &s));
    OG_CHECK_STR(og_store_root(s), og_str_of(rows[i][1]));
    og_store_unref(s);
  }
  og_sim_free(w.sim);
}

OG_TEST(uri, what_is_no_place_for_a_graph_is_refused_by_name)
{
  static const struct {
    const char *uri;
    og_status status;
  } rows[] = {
      {"", OG_EINVALID},
      {"/", OG_EINVALID},
      {"/a/..", OG_EINVALID},
      {"file://host/a", OG_EINVALID},
      {"file:///a%2", OG_EINVALID},
      {"file:///a%zz", OG_EINVALID},
      {"file:///a%00b", OG_EINVALID},
      {"s3://bucket/g", OG_EUNSUPPORTED},
      {"/a\xff", OG_EINVALID},
  };
  world w;
  world_new(&w);
  for (size_t i = 0; i < OG_ARRAY_LEN(rows); i++) {
    og_store *s = NULL;
    OG_CHECK_STATUS(&w.cx, og_store_open(&w.cx, og_str_of(rows[i].uri), false, &s), rows[i].status);
    OG_CHECK(s == NULL);
  }
  OG_CHECK_STATUS(&w.cx, og_store_open(&w.cx, OG_STR("s3://b/g"), false, &(og_store *){NULL}),
                  OG_EUNSUPPORTED);
  OG_CHECK(strstr(w.err.text, "s3://") != NULL);
  og_sim_free(w.sim);
}

OG_TEST(uri, opening_creates_nothing)
{
  world w;
  world_new(&w);
  og_store *s = NULL;
  og_file_info info;
  OG_CHECK_OK(&w.cx, og_store_open(&w.cx, OG_STR("/g"), false, &s));
  OG_CHECK_STATUS(&w.cx, og_store_get(&w.cx, s, OG_STR("a"), 10, &(og_buf){0}), OG_ENOTFOUND);
  OG_CHECK_STATUS(&w.cx, w.cx.env->ops->path_info(&w.cx, "/g", &info), OG_ENOTFOUND);
  og_store_unref(s);
  og_sim_free(w.sim);
}

OG_TEST_MAIN(OG_CASE(uri, paths_and_file_uris_name_one_absolute_folder),
             OG_CASE(uri, what_is_no_place_for_a_graph_is_refused_by_name),
             OG_CASE(uri, opening_creates_nothing))
