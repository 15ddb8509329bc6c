/* SPDX-License-Identifier: MIT */
/* schema/restore.c -- an accepted schema comes back from its three texts: source, IR and state.
 *
 *  (1) The source is compiled again: it says what everything means.  The IR adds the numbers, found by position, since
 *      both are in canonical order.
 *  (2) Nothing in the IR is believed unchecked: what the catalog writes must be what was read, so every member of the
 *      IR is compared, not only the numbers taken from it.
 *  (3) Every number is given out once and lies below the counter; zero is no number.
 *  (4) The state seals it: both hashes and the domain.
 */
#include "base/map.h"
#include "schema/internal.h"

#define IR_VERSION 2

static og_status damaged(og_ctx *cx, const char *what)
{
  return og_fail(cx, OG_ECORRUPT,
                 "the schema contract is damaged: %s; restore _schema.pg, _schema.ir.json and "
                 "__schema_state.json from a copy of this graph",
                 what);
}

static og_status check_version(og_ctx *cx, const og_json *document, const char *member, const char *what)
{
  uint64_t version;
  if (!og_json_get_u64(document, og_str_of(member), &version)) return damaged(cx, what);
  if (version == IR_VERSION) return OG_OK;
  return og_fail(
      cx, OG_EUNSUPPORTED,
      "the schema contract has %s %llu, this program knows %d; open the graph with the program that wrote it", member,
      (unsigned long long)version, IR_VERSION);
}

/* ---- numbers */

typedef struct numbers {
  og_ctx *cx;
  uint64_t next; /* the counter: all lie below */
  og_umap seen;
} numbers;

static og_status take_number(numbers *n, const og_json *entry, const char *member, uint64_t *out)
{
  bool was_new;
  if (!og_json_get_u64(entry, og_str_of(member), out)) return damaged(n->cx, "an identity of its IR is missing");
  if (*out == 0 || *out >= n->next) return damaged(n->cx, "an identity of its IR was never given out");
  OG_TRY(og_umap_put(n->cx, &n->seen, *out, 1, &was_new));
  return was_new ? OG_OK : damaged(n->cx, "its IR gives one identity to two things");
}

/* Entry i of an array, which must be about `name`. */
static og_status take_entry(og_ctx *cx, const og_json *array, uint32_t i, og_str name, const og_json **out)
{
  og_str have;
  *out = &array->u.array.items[i];
  if (og_json_get_str(*out, OG_STR("name"), &have) && og_str_eq(have, name)) return OG_OK;
  return damaged(cx, "its source and its IR do not declare the same things");
}

static og_status take_array(og_ctx *cx, const og_json *parent, const char *member, uint32_t n, const og_json **out)
{
  *out = og_json_get(parent, og_str_of(member));
  if (*out && (*out)->kind == OG_JSON_ARRAY && (*out)->u.array.len == n) return OG_OK;
  return damaged(cx, "its source and its IR do not declare the same things");
}

static og_status take_type(numbers *n, og_type_def *t, const og_json *entry, bool table)
{
  const og_json *props, *e;
  OG_TRY(take_number(n, entry, "type_id", &t->id));
  if (table) OG_TRY(take_number(n, entry, "table_incarnation_id", &t->incarnation));
  OG_TRY(take_array(n->cx, entry, "properties", t->n_properties, &props));
  for (uint32_t i = 0; i < t->n_properties; i++) {
    og_property *p = (og_property *)(uintptr_t)&t->properties[i]; /* the catalog is still ours to fill */
    OG_TRY(take_entry(n->cx, props, i, p->name, &e));
    OG_TRY(take_number(n, e, "property_id", &p->id));
  }
  return OG_OK;
}

static og_status take_types(numbers *n, const og_json *ir, const char *member, const og_type_def *types, uint32_t count)
{
  const og_json *array, *e;
  OG_TRY(take_array(n->cx, ir, member, count, &array));
  for (uint32_t i = 0; i < count; i++) {
    OG_TRY(take_entry(n->cx, array, i, types[i].name, &e));
    OG_TRY(take_type(n, (og_type_def *)(uintptr_t)&types[i], e, !og_str_eq(og_str_of(member), OG_STR("interfaces"))));
  }
  return OG_OK;
}

static og_status take_all(numbers *n, og_catalog *c, const og_json *ir)
{
  OG_TRY(take_types(n, ir, "interfaces", c->interfaces, c->n_interfaces));
  OG_TRY(take_types(n, ir, "nodes", c->nodes, c->n_nodes));
  OG_TRY(take_types(n, ir, "edges", c->edges, c->n_edges));
  return og_identity__link(n->cx, c);
}

static og_status take_identities(og_ctx *cx, og_catalog *c, const og_json *ir)
{
  og_str domain;
  OG_TRY(check_version(cx, ir, "ir_version", "its IR has no version"));
  if (!og_json_get_str(ir, OG_STR("schema_identity_domain"), &domain) || !og_ulid_parse(domain, &c->domain) ||
      !og_json_get_u64(ir, OG_STR("next_identity_id"), &c->next_id))
    return damaged(cx, "its IR lacks the identity domain or the counter");
  numbers n = {.cx = cx, .next = c->next_id};
  og_umap_init(&n.seen);
  og_status st = take_all(&n, c, ir);
  og_map_cleanup(&n.seen);
  return st;
}

/* ---- seals */

static og_status check_hash(og_ctx *cx, const og_json *state, const char *member, og_str bytes, const char *what)
{
  char text[OG_SHA256_TEXT];
  og_str recorded;
  OG_TRY(og_sha256_text(cx, bytes, text));
  if (!og_json_get_str(state, og_str_of(member), &recorded) || !og_str_eq(recorded, og_str_from(text, sizeof text)))
    return damaged(cx, what);
  return OG_OK;
}

static og_status check_state(og_ctx *cx, const og_catalog *c, const og_json *state, og_str ir)
{
  OG_AUTO(og_buf) shape = {0};
  char domain[OG_ULID_LEN];
  og_str recorded;
  OG_TRY(check_version(cx, state, "format_version", "its state has no version"));
  OG_TRY(check_version(cx, state, "schema_identity_version", "its state has no identity version"));
  og_ulid_format(&c->domain, domain);
  if (!og_json_get_str(state, OG_STR("schema_identity_domain"), &recorded) ||
      !og_str_eq(recorded, og_str_from(domain, sizeof domain)))
    return damaged(cx, "its IR and its state name different identity domains");
  OG_TRY(og_schema_shape_write(cx, c, &shape));
  OG_TRY(check_hash(cx, state, "schema_shape_hash", og_buf_str(&shape), "its source does not have the recorded shape"));
  return check_hash(cx, state, "schema_ir_hash", ir, "its IR does not have the recorded hash");
}

static og_status respell(og_ctx *cx, const og_json *document, og_buf *out)
{
  og_json_writer w;
  og_json_writer_init(&w, out, false);
  return og_json_node(cx, &w, document);
}

/* `mine` is the IR the catalog writes, `read` the one that was there: the same but for white space. */
static og_status check_ir(og_ctx *cx, og_arena *a, og_str mine, const og_json *read)
{
  OG_AUTO(og_buf) x = {0};
  OG_AUTO(og_buf) y = {0};
  const og_json *tree;
  OG_TRY(og_json_read(cx, a, mine, &tree));
  OG_TRY(respell(cx, tree, &x));
  OG_TRY(respell(cx, read, &y));
  return og_str_eq(og_buf_str(&x), og_buf_str(&y)) ? OG_OK : damaged(cx, "its IR does not say what its source says");
}

static og_status check_contract(og_ctx *cx, og_arena *a, const og_catalog *c, const og_json *ir, const og_json *state)
{
  OG_AUTO(og_buf) mine = {0};
  OG_TRY(og_schema_ir_write(cx, c, false, &mine));
  OG_TRY(check_ir(cx, a, og_buf_str(&mine), ir));
  return check_state(cx, c, state, og_buf_str(&mine));
}

og_status og_schema_restore(og_ctx *cx, og_str source, og_str ir, og_str state, og_catalog **out)
{
  OG_AUTO(og_arena) scratch = {0};
  const og_json *ir_json, *state_json;
  og_catalog *c;
  OG_TRY_NOTE(cx, og_json_read(cx, &scratch, ir, &ir_json), "while reading the schema's IR");
  OG_TRY_NOTE(cx, og_json_read(cx, &scratch, state, &state_json), "while reading the schema's state");
  OG_TRY_NOTE(cx, og_schema__compile(cx, source, OG_STR("_schema.pg"), &c), "while compiling the accepted schema");
  og_status st = take_identities(cx, c, ir_json);
  if (st == OG_OK) st = check_contract(cx, &scratch, c, ir_json, state_json);
  if (st != OG_OK)
    og_catalog_unref(c);
  else
    *out = c;
  return st;
}
