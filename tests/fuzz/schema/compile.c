/* SPDX-License-Identifier: MIT */
/* fuzz_schema_compile: any bytes as a `.pg` text.
 *
 * What compiles compiles the same again, spells its types so that they can be read again, and comes back from its
 * contract, whose three texts are then the same to the byte.  What parses is formatted, formatted again the same, and
 * then compiles to the same shape. */
#include "fuzz/fuzz_world.h"

#include "query/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const og_ulid domain = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

typedef struct contract {
  og_buf ir, state, shape;
} contract;

static void contract_of(og_ctx *cx, const og_catalog *c, contract *out)
{
  *out = (contract){0};
  fuzz_expect(og_schema_ir_write(cx, c, true, &out->ir) == OG_OK);
  fuzz_expect(og_schema_state_write(cx, c, &out->state) == OG_OK);
  fuzz_expect(og_schema_shape_write(cx, c, &out->shape) == OG_OK);
}

static void contract_cleanup(contract *c)
{
  og_buf_cleanup(&c->ir);
  og_buf_cleanup(&c->state);
  og_buf_cleanup(&c->shape);
}

static void expect_same(const contract *a, const contract *b)
{
  fuzz_expect(og_str_eq(og_buf_str(&a->ir), og_buf_str(&b->ir)));
  fuzz_expect(og_str_eq(og_buf_str(&a->state), og_buf_str(&b->state)));
  fuzz_expect(og_str_eq(og_buf_str(&a->shape), og_buf_str(&b->shape)));
}

/* The type as the catalog spells it, alone in a schema, is that type. */
static void respell_type(og_ctx *cx, const og_property *p)
{
  og_str text, source, again;
  og_catalog *c;
  fuzz_expect(og_prop_type_text(cx, cx->arena, &p->type, &text) == OG_OK);
  if (text.len > 4096) return; /* an enum longer than OG_STR_FMT writes */
  fuzz_expect(og_arena_printf(cx, cx->arena, &source, "node N { p: " OG_STR_FMT " }", OG_STR_ARG(text)) == OG_OK);
  fuzz_expect(og_schema_check(cx, source, OG_STR("t.pg"), &c) == OG_OK && c->nodes[0].n_properties == 1);
  fuzz_expect(og_prop_type_text(cx, cx->arena, &c->nodes[0].properties[0].type, &again) == OG_OK);
  fuzz_expect(og_str_eq(text, again));
  og_catalog_unref(c);
}

static void check_types(og_ctx *cx, const og_catalog *c, const og_type_def *types, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++) {
    const og_type_def *t = &types[i];
    fuzz_expect(t->id > 0 && t->id < c->next_id);
    if (t->incarnation) fuzz_expect(og_catalog_table(c, t->key) == t);
    for (uint32_t k = 0; k < t->n_properties; k++) {
      fuzz_expect(og_type_property(t, t->properties[k].name) == (int32_t)k);
      respell_type(cx, &t->properties[k]);
    }
    (void)og_type_suggest_property(t, t->name);
  }
}

static void check(og_ctx *cx, og_str source, const og_catalog *c)
{
  contract first, second, third;
  og_catalog *again, *restored;
  check_types(cx, c, c->interfaces, c->n_interfaces);
  check_types(cx, c, c->nodes, c->n_nodes);
  check_types(cx, c, c->edges, c->n_edges);
  for (uint32_t i = 0; i < c->n_nodes; i++) {
    fuzz_expect(og_catalog_node(c, c->nodes[i].name) == &c->nodes[i]);
    (void)og_catalog_suggest_node(c, c->nodes[i].name);
  }
  for (uint32_t i = 0; i < c->n_edges; i++) {
    fuzz_expect(og_catalog_edge_exact(c, c->edges[i].name) == &c->edges[i]);
    fuzz_expect(c->edges[i].from < c->n_nodes && c->edges[i].to < c->n_nodes);
  }
  og_status st = og_schema_compile(cx, source, OG_STR("other.pg"), &domain, 3, &again);
  fuzz_expect(st == OG_OK);
  contract_of(cx, c, &first);
  contract_of(cx, again, &second);
  expect_same(&first, &second);
  st = og_schema_restore(cx, source, og_buf_str(&first.ir), og_buf_str(&first.state), &restored);
  if (st != OG_OK) fprintf(stderr, "%s\n", cx->err->text);
  fuzz_expect(st == OG_OK);
  contract_of(cx, restored, &third);
  expect_same(&first, &third);
  og_catalog_unref(again);
  og_catalog_unref(restored);
  contract_cleanup(&first);
  contract_cleanup(&second);
  contract_cleanup(&third);
}

/* `c`: what the text compiled to; NULL: it did not. */
static void format(og_ctx *cx, og_str source, const og_catalog *c)
{
  og_buf once = {0}, twice = {0};
  og_catalog *other;
  og_status st = og_format(cx, source, OG_STR("s.pg"), true, &once);
  fuzz_expect_error(cx, st);
  if (st == OG_OK) st = og_format(cx, og_buf_str(&once), OG_STR("s.pg"), true, &twice);
  if (st == OG_OK) {
    fuzz_expect(og_str_eq(og_buf_str(&once), og_buf_str(&twice)));
    st = og_schema_compile(cx, og_buf_str(&once), OG_STR("s.pg"), &domain, 3, &other);
    fuzz_expect((st == OG_OK) == (c != NULL) || st == OG_ENOMEM || st == OG_ELIMIT);
    if (st == OG_OK) {
      contract x, y;
      contract_of(cx, c, &x);
      contract_of(cx, other, &y);
      fuzz_expect(og_str_eq(og_buf_str(&x.shape), og_buf_str(&y.shape)));
      contract_cleanup(&x);
      contract_cleanup(&y);
      og_catalog_unref(other);
    }
  }
  fuzz_expect(c == NULL || st == OG_OK || st == OG_ENOMEM || st == OG_ELIMIT); /* a little longer than it may be */
  og_error_clear(cx);
  og_buf_cleanup(&once);
  og_buf_cleanup(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  og_catalog *c;
  og_ctx *cx = fuzz_open(&w);
  og_str source = og_str_from(data, size);
  og_status st = og_schema_compile(cx, source, OG_STR("s.pg"), &domain, 3, &c);
  fuzz_expect_error(cx, st);
  fuzz_expect(st == OG_OK || st == OG_EINVALID || st == OG_ELIMIT || st == OG_EUNSUPPORTED || st == OG_ENOMEM);
  if (st == OG_OK) {
    check(cx, source, c);
    format(cx, source, c);
    og_catalog_unref(c);
  } else {
    og_error_clear(cx);
    format(cx, source, NULL);
  }
  fuzz_close(&w);
  return 0;
}
