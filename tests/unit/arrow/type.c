/* SPDX-License-Identifier: MIT */
#include "arrow_test.h"

OG_TEST(type, timestamps_differ_by_unit_and_zone)
{
  og_type a = {.id = OG_TYPE_TIMESTAMP, .unit = OG_UNIT_MS}, b = a, c = a;
  b.utc = true;
  c.unit = OG_UNIT_US;
  OG_CHECK(og_type_eq(a, a) && !og_type_eq(a, b) && !og_type_eq(a, c));
  OG_CHECK_STR(og_str_of(og_type_name(b)), OG_STR("timestamp[ms, UTC]"));
  OG_CHECK(!og_type_eq(og_type_fixed_list(2), og_type_fixed_list(3)));
}

OG_TEST(type, a_schema_owns_a_deep_copy)
{
  world w;
  og_ctx *cx = world_open(&w);
  char name[] = "name", value[] = "v";
  og_str meta[] = {OG_STR("k"), og_str_of(value)};
  og_field item = LEAF("item", OG_TYPE_F32);
  og_field f = {.name = og_str_of(name),
                .type = og_type_fixed_list(4),
                .children = &item,
                .n_children = 1,
                .meta = meta,
                .n_meta = 1};
  og_schema *s;
  OG_CHECK_OK(cx, og_schema_new(cx, &f, 1, meta, 1, &s));
  name[0] = value[0] = 'x';
  item.type.id = OG_TYPE_F64;
  og_str v;
  OG_CHECK(og_schema_find(s, OG_STR("name")) == 0 && og_schema_find(s, OG_STR("xame")) == -1);
  OG_CHECK(og_field_meta(&s->fields[0], OG_STR("k"), &v));
  OG_CHECK_STR(v, OG_STR("v"));
  OG_CHECK_STR(s->meta[1], OG_STR("v"));
  OG_CHECK(s->fields[0].children[0].type.id == OG_TYPE_F32);
  og_schema *again = og_schema_ref(s);
  og_schema_unref(s);
  OG_CHECK(again->n_fields == 1);
  og_schema_unref(again);
  world_close(&w);
}

OG_TEST(type, fields_are_equal_whatever_the_order_of_metadata)
{
  og_str ab[] = {OG_STR("a"), OG_STR("1"), OG_STR("b"), OG_STR("2")};
  og_str ba[] = {OG_STR("b"), OG_STR("2"), OG_STR("a"), OG_STR("1")};
  og_field x = LEAF("x", OG_TYPE_I8), y = x;
  x.meta = ab;
  y.meta = ba;
  x.n_meta = y.n_meta = 2;
  OG_CHECK(og_field_eq(&x, &y, true));
  ba[3] = OG_STR("3");
  OG_CHECK(!og_field_eq(&x, &y, true) && og_field_eq(&x, &y, false));
  y.nullable = false;
  OG_CHECK(!og_field_eq(&x, &y, false));
}

OG_TEST_MAIN(OG_CASE(type, timestamps_differ_by_unit_and_zone),
             OG_CASE(type, a_schema_owns_a_deep_copy),
             OG_CASE(type, fields_are_equal_whatever_the_order_of_metadata))
