/* SPDX-License-Identifier: MIT */
/* Manifests: nothing is lost when one is written back, and no lie is believed. */
#include "unit/og_test_world.h"

#include "lance/manifest.h"
#include "lance/pb.h"

static const char *const samples[] = {"history/hist.lance/_versions/18446744073709551608.manifest",
                                      "history/segs.lance/_versions/18446744073709551608.manifest",
                                      "lance12/hist.lance/_versions/18446744073709551608.manifest",
                                      "v2.1/del.lance/_versions/18446744073709551610.manifest",
                                      "written-by-c/t.lance/_versions/18446744073709551610.manifest"};

static void read_sample(og_ctx *cx, const char *name, og_buf *out)
{
  og_str path;
  OG_CHECK_OK(cx, og_arena_printf(cx, cx->arena, &path, OG_TEST_DATA "/lance/%s", name));
  OG_CHECK_OK(cx, og_env_read_file(cx, path.ptr, 1 << 20, out));
}

OG_TEST(manifest, samples_are_the_same_after_a_round)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
    og_manifest m, again;
    og_buf bytes = {0}, once = {0}, twice = {0};
    read_sample(cx, samples[i], &bytes);
    OG_CHECK_OK(cx, og_manifest_decode(cx, og_buf_str(&bytes), &m));
    OG_CHECK(m.n_fragments > 0 && m.transaction.len > 0);
    OG_CHECK_OK(cx, og_manifest_encode(cx, &m, &once));
    OG_CHECK_OK(cx, og_manifest_decode(cx, og_buf_str(&once), &again));
    OG_CHECK_OK(cx, og_manifest_encode(cx, &again, &twice));
    OG_CHECK_STR(og_buf_str(&once), og_buf_str(&twice));
    OG_CHECK_STR(m.transaction, again.transaction);
    OG_CHECK_STR(m.index_section, again.index_section);
    OG_CHECK(once.len + 8 >= bytes.len); /* what is left out are defaults and a position */
    og_manifest_cleanup(&m);
    og_manifest_cleanup(&again);
    og_buf_cleanup(&bytes);
    og_buf_cleanup(&once);
    og_buf_cleanup(&twice);
  }
  og_test_world_close(&w);
}

/* Field 99, varint: something a later Lance might say. */
#define NEWS(n) OG_STR("\x98\x06" n)

static void build(og_ctx *cx, og_manifest *m)
{
  static const int32_t ids[] = {0}, columns[] = {0};
  static og_data_file file;
  static og_fragment fragment;
  static og_base_path base;
  static const og_external_file elsewhere = {.len = 6}; /* only that there is one is looked at when writing */
  static og_str config[] = {{"k", 1}, {"v", 1}};
  const og_field field = {.name = OG_STR("id"), .type = og_type_of(OG_TYPE_UTF8)};
  og_schema *arrow;
  file = (og_data_file){.path = OG_STR("a.lance"),
                        .fields = ids,
                        .columns = columns,
                        .n = 1,
                        .major = 2,
                        .minor = 2,
                        .size = 77,
                        .has_base = true,
                        .base = 0,
                        .unknown = NEWS("\x01")};
  fragment = (og_fragment){
      .id = 4,
      .rows = 10,
      .files = &file,
      .n_files = 1,
      .del = {.present = true, .kind = 1, .read_version = 3, .id = 5, .rows = 2, .unknown = NEWS("\x02")},
      .ids = {.present = true, .external = &elsewhere, .bytes = OG_STR("\x0a\x01s\x10\x05\x18\x06\x98\x06\x07")},
      .created = {.present = true, .bytes = OG_STR("")},
      .unknown = NEWS("\x03")};
  base = (og_base_path){.id = 0, .name = OG_STR("n"), .is_root = true, .path = OG_STR("/x"), .unknown = NEWS("\x04")};
  *m = (og_manifest){.fragments = &fragment,
                     .n_fragments = 1,
                     .version = 7,
                     .reader_flags = OG_FLAG_STABLE_IDS,
                     .tx_file = OG_STR("6-u.txn"),
                     .format = OG_STR("lance"),
                     .format_version = OG_STR("2.2"),
                     .format_unknown = NEWS("\x05"),
                     .config = config,
                     .n_config = 1,
                     .table_meta = config,
                     .n_table_meta = 1,
                     .bases = &base,
                     .n_bases = 1,
                     .index_section = OG_STR("\x98\x06\x08"),
                     .transaction = OG_STR("\x98\x06\x09"),
                     .unknown = NEWS("\x06")};
  OG_CHECK_OK(cx, og_schema_new(cx, &field, 1, NULL, 0, &arrow));
  OG_CHECK_OK(cx, og_lance_schema_new(cx, arrow, &m->schema));
  og_schema_unref(arrow);
}

OG_TEST(manifest, unknown_fields_are_kept_at_every_level)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_manifest m, back;
  og_buf bytes = {0};
  build(cx, &m);
  OG_CHECK_OK(cx, og_manifest_encode(cx, &m, &bytes));
  OG_CHECK_OK(cx, og_manifest_decode(cx, og_buf_str(&bytes), &back));
  OG_CHECK_STR(back.fragments[0].files[0].unknown, NEWS("\x01"));
  OG_CHECK_STR(back.fragments[0].del.unknown, NEWS("\x02"));
  OG_CHECK_STR(back.fragments[0].unknown, NEWS("\x03"));
  OG_CHECK_STR(back.bases[0].unknown, NEWS("\x04"));
  OG_CHECK_STR(back.format_unknown, NEWS("\x05"));
  OG_CHECK_STR(back.unknown, NEWS("\x06"));
  OG_CHECK_STR(back.fragments[0].ids.bytes, m.fragments[0].ids.bytes);
  OG_CHECK_STR(back.fragments[0].ids.external->path, OG_STR("s"));
  OG_CHECK_U64(back.fragments[0].ids.external->off, 5);
  OG_CHECK_STR(back.index_section, m.index_section);
  OG_CHECK_STR(back.transaction, m.transaction);
  OG_CHECK_U64(back.n_table_meta, 1);
  OG_CHECK_STR(back.table_meta[1], OG_STR("v"));
  OG_CHECK(back.fragments[0].created.present && !back.fragments[0].updated.present);
  og_manifest_cleanup(&back);
  og_lance_schema_unref(m.schema);
  og_buf_cleanup(&bytes);
  og_test_world_close(&w);
}

typedef void (*spoil_fn)(og_manifest *m);

static void check_refused(spoil_fn spoil, og_status want)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_manifest m, back;
  og_buf bytes = {0};
  build(cx, &m);
  spoil(&m);
  OG_CHECK_OK(cx, og_manifest_encode(cx, &m, &bytes));
  OG_CHECK_STATUS(cx, og_manifest_decode(cx, og_buf_str(&bytes), &back), want);
  og_lance_schema_unref(m.schema);
  og_buf_cleanup(&bytes);
  og_test_world_close(&w);
}

static void climb(og_manifest *m)
{
  m->fragments[0].files[0].path = OG_STR("../../etc/passwd");
}
static void root(og_manifest *m)
{
  m->fragments[0].files[0].path = OG_STR("/etc/passwd");
}
static void too_many_deleted(og_manifest *m)
{
  m->fragments[0].del.rows = 11;
}
static void too_many_rows(og_manifest *m)
{
  m->fragments[0].rows = (uint64_t)1 << 40;
}
static void no_ids(og_manifest *m)
{
  m->fragments[0].ids.present = false;
}
static void new_flag(og_manifest *m)
{
  m->reader_flags |= 64;
}
static void twins(og_manifest *m)
{
  static og_fragment two[2];
  two[0] = two[1] = m->fragments[0];
  m->fragments = two;
  m->n_fragments = 2;
}

OG_TEST(manifest, lies_are_refused)
{
  check_refused(climb, OG_ECORRUPT);
  check_refused(root, OG_ECORRUPT);
  check_refused(too_many_deleted, OG_ECORRUPT);
  check_refused(too_many_rows, OG_ECORRUPT);
  check_refused(no_ids, OG_ECORRUPT);
  check_refused(twins, OG_ECORRUPT);
  check_refused(new_flag, OG_EUNSUPPORTED);
}

OG_TEST(manifest, every_truncation_is_refused)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_manifest m;
  og_buf bytes = {0};
  read_sample(cx, samples[0], &bytes);
  for (size_t len = 0; len < bytes.len; len++)
    OG_CHECK_STATUS(cx, og_manifest_decode(cx, og_str_from(bytes.data, len), &m), OG_ECORRUPT);
  og_buf_cleanup(&bytes);
  og_test_world_close(&w);
}

OG_TEST(index_section, a_clone_names_the_base_of_each_index)
{
  og_test_world w;
  og_ctx *cx = og_test_world_open(&w);
  og_buf section = {0}, out = {0}, want = {0};
  OG_CHECK_OK(cx, og_pb_put_bytes(cx, &section, 1, OG_STR("\x1a\x01i")));
  OG_CHECK_OK(cx, og_pb_put_bytes(cx, &section, 1, OG_STR("\x48\x05")));
  OG_CHECK_OK(cx, og_index_section_inherit(cx, og_buf_str(&section), 2, &out));
  OG_CHECK_OK(cx, og_pb_put_bytes(cx, &want, 1, OG_STR("\x1a\x01i\x48\x02")));
  OG_CHECK_OK(cx, og_pb_put_bytes(cx, &want, 1, OG_STR("\x48\x05")));
  OG_CHECK_STR(og_buf_str(&out), og_buf_str(&want));
  og_buf_cleanup(&section);
  og_buf_cleanup(&out);
  og_buf_cleanup(&want);
  og_test_world_close(&w);
}

OG_TEST_MAIN(OG_CASE(manifest, samples_are_the_same_after_a_round),
             OG_CASE(manifest, unknown_fields_are_kept_at_every_level), OG_CASE(manifest, lies_are_refused),
             OG_CASE(manifest, every_truncation_is_refused),
             OG_CASE(index_section, a_clone_names_the_base_of_each_index))
