/* SPDX-License-Identifier: MIT */
/* generate.c -- a schema and its rows, from a seed.
 *
 * Values come from small pools, so that rows meet: each pool has the ends of its type, and values that differ by
 * little.
 */
#include "model.h"

#include "og_test.h"

static og_str name_of(og_ctx *cx, const char *prefix, uint32_t i)
{
  og_str s;
  OG_CHECK_OK(cx, og_arena_printf(cx, cx->arena, &s, "%s%u", prefix, i));
  return s;
}

m_family m_family_of(m_kind k)
{
  switch (k) {
  case M_STRING:
  case M_ENUM: return M_TEXTS;
  case M_BOOLEAN: return M_BOOLS;
  case M_DATE_T: return M_DATES;
  case M_DATETIME: return M_TIMES;
  default: return M_NUMBERS;
  }
}

/* ---- values */

static const char *const texts[] = {"", "a", "ab", "abc", "b", "B", "\xc3\xa9", "a\"\\b\nc", "bab"};
static const char *const enums[] = {"red", "green", "blue-2"};
static const int64_t smalls[] = {0, 1, 2, 3, 0, 1, 2, 100};
static const double floats[] = {0.5, 1, 2, 2.5, 100, 0.25};
static const int64_t days[] = {10957, 10958, 0, 19000};                           /* 2000-01-01, … */
static const int64_t instants[] = {946684800000, 946684800001, 0, 1041600000000}; /* 2000-01-01T00:00:00, … */

#define PICK(r, list) ((list)[m_below((r), OG_ARRAY_LEN(list))])

m_val m_make_literal(og_ctx *cx, m_rng *r, m_kind kind)
{
  (void)cx;
  switch (kind) {
  case M_STRING: return m_text(og_str_of(PICK(r, texts)));
  case M_ENUM: return m_text(og_str_of(PICK(r, enums)));
  case M_BOOLEAN: return m_bool(m_chance(r, 50));
  case M_F32:
  case M_F64: return m_float(PICK(r, floats));
  case M_DATE_T: return (m_val){.kind = M_DATE, .i = PICK(r, days)};
  case M_DATETIME: return (m_val){.kind = M_TIME, .i = PICK(r, instants)};
  default: return m_int(PICK(r, smalls));
  }
}

static m_val unsigned_val(uint64_t v)
{
  return (m_val){.kind = M_INT, .magnitude = v};
}

/* The ends of a type's range, and what lies beside numbers of other types. */
static m_val extreme(m_rng *r, m_kind kind)
{
  static const int64_t i32[] = {INT32_MIN, INT32_MAX, -1, -2};
  static const int64_t i64[] = {INT64_MIN, INT64_MAX, -1, 9007199254740993, 9007199254740992};
  static const uint64_t u64[] = {UINT64_MAX, 9223372036854775808u, 9223372036854775807u, 9007199254740993u};
  static const double f64[] = {-1, -0.5, 0.1, 9007199254740992.0, 9223372036854775808.0, -2.5};
  switch (kind) {
  case M_I32: return m_int(PICK(r, i32));
  case M_I64: return m_int(PICK(r, i64));
  case M_U32: return unsigned_val(UINT32_MAX);
  case M_U64: return unsigned_val(PICK(r, u64));
  case M_F32: return m_float((double)(m_chance(r, 50) ? 0.1f : -1.0f));
  case M_F64: return m_float(PICK(r, f64));
  case M_DATE_T: return (m_val){.kind = M_DATE, .i = -1};
  case M_DATETIME: return (m_val){.kind = M_TIME, .i = -1};
  default: return m_int(0);
  }
}

m_val m_make_value(og_ctx *cx, m_rng *r, m_kind kind)
{
  bool has_ends = kind != M_STRING && kind != M_ENUM && kind != M_BOOLEAN;
  if (has_ends && m_chance(r, 15)) return extreme(r, kind);
  return m_make_literal(cx, r, kind);
}

static m_val value_of(og_ctx *cx, m_rng *r, const m_prop *p)
{
  if (p->nullable && m_chance(r, 25)) return m_null();
  if (!p->list) return m_make_value(cx, r, p->kind);
  m_val v = {.kind = M_LIST, .n_items = m_below(r, 4)};
  m_val *items = m_take(cx, v.n_items, sizeof *items);
  for (uint32_t i = 0; i < v.n_items; i++) items[i] = m_make_value(cx, r, p->kind);
  v.items = items;
  return v;
}

/* ---- schema */

static void make_props(og_ctx *cx, m_rng *r, m_type *t, uint32_t keys)
{
  static const m_kind common[] = {M_STRING, M_I32, M_I64, M_F64};
  t->n_props = keys + m_below(r, t->is_edge ? 3 : 5) + !t->is_edge;
  t->props = m_take(cx, t->n_props, sizeof *t->props);
  for (uint32_t i = 0; i < t->n_props; i++) {
    m_prop *p = &t->props[i];
    p->name = name_of(cx, "p", i); /* below ten of them: in name order */
    p->kind = m_chance(r, 50) ? PICK(r, common) : (m_kind)m_below(r, M_KINDS);
    p->key = i < keys;
    if (p->key && p->kind != M_I64) p->kind = keys == 1 || i ? M_STRING : M_I32;
    p->list = !p->key && p->kind != M_ENUM && m_chance(r, 12);
    p->nullable = !p->key && m_chance(r, 75);
    p->indexed = !p->key && !p->list && m_chance(r, 30);
  }
}

/* The text a key's member gives to the id, and its value, distinct for every row. */
static m_val key_value(og_ctx *cx, const m_type *t, uint32_t keys, uint32_t prop, uint32_t row)
{
  uint32_t part = keys == 1 ? row : prop ? row % 3 : row / 3;
  if (t->props[prop].kind != M_STRING) return m_int((int64_t)part - 1);
  return m_text(name_of(cx, t->name.ptr, part));
}

static og_str derive_id(og_ctx *cx, uint32_t keys, const m_row *row)
{
  og_buf text = {0};
  og_str id;
  if (keys == 1 && row->values[0].kind == M_TEXT) return row->values[0].s;
  if (keys == 1) {
    m_print_val(cx, &text, &row->values[0]);
  } else { /* texts of the members, whatever their type */
    for (uint32_t i = 0; i < keys; i++) {
      bool quoted = row->values[i].kind == M_TEXT;
      OG_CHECK_OK(cx, og_buf_append_str(cx, &text, i ? OG_STR(",") : OG_STR("[")));
      if (!quoted) OG_CHECK_OK(cx, og_buf_append_byte(cx, &text, '"'));
      m_print_val(cx, &text, &row->values[i]);
      if (!quoted) OG_CHECK_OK(cx, og_buf_append_byte(cx, &text, '"'));
    }
    OG_CHECK_OK(cx, og_buf_append_byte(cx, &text, ']'));
  }
  OG_CHECK_OK(cx, og_arena_str(cx, cx->arena, og_buf_str(&text), &id));
  og_buf_cleanup(&text);
  return id;
}

static void make_nodes(og_ctx *cx, m_rng *r, m_type *t, uint32_t keys, uint32_t n)
{
  t->n_rows = n;
  t->rows = m_take(cx, n, sizeof *t->rows);
  for (uint32_t i = 0; i < n; i++) {
    m_row *row = &t->rows[i];
    row->values = m_take(cx, t->n_props, sizeof *row->values);
    for (uint32_t k = 0; k < t->n_props; k++)
      row->values[k] = k < keys ? key_value(cx, t, keys, k, i) : value_of(cx, r, &t->props[k]);
    row->id = keys ? derive_id(cx, keys, row) : name_of(cx, t->name.ptr, i);
  }
}

static void make_edges(og_ctx *cx, m_rng *r, m_graph *g, m_type *t, uint32_t n)
{
  uint32_t from = g->types[t->from].n_rows, to = g->types[t->to].n_rows;
  t->n_rows = from && to ? n : 0;
  t->rows = m_take(cx, t->n_rows, sizeof *t->rows);
  for (uint32_t i = 0; i < t->n_rows; i++) {
    m_row *row = &t->rows[i];
    row->id = name_of(cx, "e", i);
    row->src = m_below(r, from);
    row->dst = m_below(r, to);
    row->values = m_take(cx, t->n_props, sizeof *row->values);
    for (uint32_t k = 0; k < t->n_props; k++) row->values[k] = value_of(cx, r, &t->props[k]);
  }
}

static const struct {
  const char *name, *word;
} edge_names[] = {{"Knows", "knows"}, {"WorksAt", "worksAt"}, {"In", "in"}, {"Next", "next"}};
static const char *const node_names[] = {"A", "Bb", "C_1"};

void m_make_graph(og_ctx *cx, m_rng *r, m_graph *g)
{
  static const uint32_t sizes[] = {4, 8, 12, 24};
  *g = (m_graph){.n_nodes = 1 + m_below(r, OG_ARRAY_LEN(node_names))};
  g->n_types = g->n_nodes + 1 + m_below(r, OG_ARRAY_LEN(edge_names));
  g->types = m_take(cx, g->n_types, sizeof *g->types);
  g->large = m_below(r, 40) == 0;
  uint32_t most = g->large ? 2600 : PICK(r, sizes);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    m_type *t = &g->types[i];
    uint32_t keys = m_chance(r, 65) ? 1 + (m_chance(r, 25)) : 0;
    t->name = og_str_of(node_names[i]);
    make_props(cx, r, t, keys);
    make_nodes(cx, r, t, keys, g->large ? most - m_below(r, 1500) : m_below(r, 10) ? 1 + m_below(r, most) : 0);
  }
  for (uint32_t i = g->n_nodes; i < g->n_types; i++) {
    m_type *t = &g->types[i];
    t->is_edge = true;
    t->name = og_str_of(edge_names[i - g->n_nodes].name);
    t->word = og_str_of(edge_names[i - g->n_nodes].word);
    t->from = m_below(r, g->n_nodes);
    t->to = m_chance(r, 60) ? t->from : m_below(r, g->n_nodes);
    make_props(cx, r, t, 0);
    make_edges(cx, r, g, t, g->large ? most + m_below(r, 2000) : m_below(r, most * 3));
  }
}

bool m_row_is_there(const m_graph *g, const m_type *t, uint32_t row)
{
  const m_row *x = &t->rows[row];
  if (x->off || !t->is_edge) return !x->off;
  return !g->types[t->from].rows[x->src].off && !g->types[t->to].rows[x->dst].off;
}

/* ---- written down */

static const char *const kind_names[] = {[M_STRING] = "String",    [M_ENUM] = "enum(red, green, blue-2)",
                                         [M_BOOLEAN] = "Bool",     [M_I32] = "I32",
                                         [M_I64] = "I64",          [M_U32] = "U32",
                                         [M_U64] = "U64",          [M_F32] = "F32",
                                         [M_F64] = "F64",          [M_DATE_T] = "Date",
                                         [M_DATETIME] = "DateTime"};

const char *m_kind_name(m_kind k)
{
  return kind_names[k];
}

static void write_type(og_ctx *cx, const m_graph *g, const m_type *t, og_buf *out)
{
  if (t->is_edge)
    OG_CHECK_OK(cx, og_buf_printf(cx, out, "edge %s: %s -> %s {\n", t->name.ptr, g->types[t->from].name.ptr,
                                  g->types[t->to].name.ptr));
  else
    OG_CHECK_OK(cx, og_buf_printf(cx, out, "node %s {\n", t->name.ptr));
  const char *keys[2];
  uint32_t n_keys = 0;
  for (uint32_t i = 0; i < t->n_props; i++) {
    const m_prop *p = &t->props[i];
    OG_CHECK_OK(cx, og_buf_printf(cx, out, "  %s: %s%s%s%s%s\n", p->name.ptr, p->list ? "[" : "", kind_names[p->kind],
                                  p->list ? "]" : "", p->nullable ? "?" : "", p->indexed ? " @index" : ""));
    if (p->key) keys[n_keys++] = p->name.ptr;
  }
  if (n_keys == 1) OG_CHECK_OK(cx, og_buf_printf(cx, out, "  @key(%s)\n", keys[0]));
  if (n_keys == 2) OG_CHECK_OK(cx, og_buf_printf(cx, out, "  @key(%s, %s)\n", keys[0], keys[1]));
  OG_CHECK_OK(cx, og_buf_append_str(cx, out, OG_STR("}\n")));
}

void m_write_schema(og_ctx *cx, const m_graph *g, og_buf *out)
{
  for (uint32_t i = 0; i < g->n_types; i++) write_type(cx, g, &g->types[i], out);
}

static void write_row(og_ctx *cx, const m_graph *g, const m_type *t, const m_row *row, og_buf *out)
{
  m_val id = m_text(row->id);
  const char *between = "";
  if (t->is_edge) {
    m_val ends[2] = {m_text(g->types[t->from].rows[row->src].id), m_text(g->types[t->to].rows[row->dst].id)};
    OG_CHECK_OK(cx, og_buf_printf(cx, out, "{\"edge\":\"%s\",\"from\":", t->name.ptr));
    m_print_val(cx, out, &ends[0]);
    OG_CHECK_OK(cx, og_buf_append_str(cx, out, OG_STR(",\"to\":")));
    m_print_val(cx, out, &ends[1]);
    OG_CHECK_OK(cx, og_buf_append_str(cx, out, OG_STR(",\"data\":{")));
  } else {
    OG_CHECK_OK(cx, og_buf_printf(cx, out, "{\"type\":\"%s\",\"data\":{", t->name.ptr));
  }
  if (t->is_edge || !(t->n_props && t->props[0].key)) {
    OG_CHECK_OK(cx, og_buf_append_str(cx, out, OG_STR("\"id\":")));
    m_print_val(cx, out, &id);
    between = ",";
  }
  for (uint32_t i = 0; i < t->n_props; i++) {
    OG_CHECK_OK(cx, og_buf_printf(cx, out, "%s\"%s\":", between, t->props[i].name.ptr));
    m_print_val(cx, out, &row->values[i]);
    between = ",";
  }
  OG_CHECK_OK(cx, og_buf_append_str(cx, out, OG_STR("}}\n")));
}

void m_write_rows(og_ctx *cx, const m_graph *g, og_buf *out)
{
  for (uint32_t i = 0; i < g->n_types; i++)
    for (uint32_t k = 0; k < g->types[i].n_rows; k++)
      if (m_row_is_there(g, &g->types[i], k)) write_row(cx, g, &g->types[i], &g->types[i].rows[k], out);
}
