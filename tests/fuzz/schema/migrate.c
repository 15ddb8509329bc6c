/* SPDX-License-Identifier: MIT */
/* fuzz_schema_migrate: two `.pg` texts with a line `----` between them, as the accepted schema and the desired one; a
 * text alone is both.
 *
 * A schema is no change of itself.  What is planned has identities that the counter gave out, comes back from its own
 * contract to the byte, and planning the same text once more changes nothing. */
#include "fuzz/fuzz_world.h"

#include "schema/migrate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const og_ulid domain = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static void ir_of(og_ctx *cx, const og_catalog *c, og_buf *out)
{
  fuzz_expect(og_schema_ir_write(cx, c, false, out) == OG_OK);
}

static void expect_same_ir(og_ctx *cx, const og_catalog *a, const og_catalog *b)
{
  og_buf x = {0}, y = {0};
  ir_of(cx, a, &x);
  ir_of(cx, b, &y);
  fuzz_expect(og_str_eq(og_buf_str(&x), og_buf_str(&y)));
  og_buf_cleanup(&x);
  og_buf_cleanup(&y);
}

static void expect_restores(og_ctx *cx, const og_catalog *c)
{
  og_buf ir = {0}, state = {0};
  og_catalog *again;
  fuzz_expect(og_schema_ir_write(cx, c, true, &ir) == OG_OK && og_schema_state_write(cx, c, &state) == OG_OK);
  og_status st = og_schema_restore(cx, c->source, og_buf_str(&ir), og_buf_str(&state), &again);
  if (st != OG_OK) fprintf(stderr, "%s\n", cx->err->text);
  fuzz_expect(st == OG_OK);
  expect_same_ir(cx, c, again);
  og_catalog_unref(again);
  og_buf_cleanup(&ir);
  og_buf_cleanup(&state);
}

static void expect_nothing_to_do(og_ctx *cx, og_catalog *accepted, og_str source)
{
  og_migration m;
  og_status st = og_schema_migrate(cx, accepted, source, OG_STR("again.pg"), true, 0, &m);
  if (st != OG_OK) fprintf(stderr, "%s\n", cx->err->text);
  fuzz_expect(st == OG_OK);
  fuzz_expect(m.n_steps == 0 && m.supported && m.planned->next_id == accepted->next_id);
  og_migration_cleanup(&m);
}

static void check_steps(og_ctx *cx, const og_migration *m)
{
  bool supported = true;
  og_str text;
  for (uint32_t i = 0; i < m->n_steps; i++) {
    const og_step *s = &m->steps[i];
    fuzz_expect(og_step_text(cx, cx->arena, s, &text) == OG_OK && text.len);
    fuzz_expect(og_step_entity(cx, cx->arena, s, &text) == OG_OK && text.len);
    fuzz_expect((s->kind == OG_STEP_UNSUPPORTED) == (s->reason.len > 0));
    supported = supported && s->kind != OG_STEP_UNSUPPORTED;
  }
  fuzz_expect(supported == m->supported);
}

/* What is kept has the incarnation it had; what is new lies above everything there was. */
static void check_identities(const og_migration *m)
{
  for (og_type_kind kind = OG_KIND_INTERFACE; kind <= OG_KIND_EDGE; kind++) {
    const og_type_list will = og_catalog_types(m->planned, kind);
    for (uint32_t i = 0; i < will.n; i++) {
      const og_type_def *t = &will.types[i], *was = og_ids_type(&m->was, t->id);
      fuzz_expect(t->id && t->id < m->planned->next_id);
      fuzz_expect(was ? was->incarnation == t->incarnation : t->id >= m->accepted->next_id);
      for (uint32_t p = 0; p < t->n_properties; p++) {
        const uint64_t id = t->properties[p].id;
        fuzz_expect(id < m->planned->next_id);
        fuzz_expect(og_ids_property(&m->was, id) != NULL || id >= m->accepted->next_id);
      }
    }
  }
}

static void plan(og_ctx *cx, og_catalog *accepted, og_str source)
{
  og_migration m;
  og_status st = og_schema_migrate(cx, accepted, source, OG_STR("next.pg"), false, 5, &m);
  fuzz_expect_error(cx, st);
  fuzz_expect(st == OG_OK || st == OG_EINVALID || st == OG_ELIMIT || st == OG_EUNSUPPORTED || st == OG_ENOMEM);
  if (st != OG_OK) return;
  check_steps(cx, &m);
  check_identities(&m);
  expect_restores(cx, m.planned);
  expect_nothing_to_do(cx, m.planned, source);
  og_migration_cleanup(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_world w;
  og_catalog *accepted;
  og_ctx *cx = fuzz_open(&w);
  const og_str input = og_str_from(data, size), line = OG_STR("\n----\n");
  const size_t at = og_str_find(input, line);
  const og_str first = og_str_sub(input, 0, at);
  const og_str second = at == SIZE_MAX ? first : og_str_sub(input, at + line.len, input.len);
  if (og_schema_compile(cx, first, OG_STR("s.pg"), &domain, 0, &accepted) == OG_OK) {
    expect_nothing_to_do(cx, accepted, first);
    plan(cx, accepted, second);
    og_catalog_unref(accepted);
  }
  fuzz_close(&w);
  return 0;
}
