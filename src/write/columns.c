/* SPDX-License-Identifier: MIT */
/* write/columns.c -- a scanner for the records of a load, driven by the schema.
 *
 *  (1) A line is read into cells, one per column, and only a line that was read to its end goes into the builders: what
 *      is refused leaves no trace.
 *  (2) Nothing is taken that the slow way (og_json_parse, then load.c) would refuse or understand differently.  In
 *      doubt a line is odd: keys with escapes, integers of more than 18 digits, minus zero, numbers as text, Blobs,
 *      types named behind their data.  Messages are made in one place only, there.
 *  (3) A text has zero bytes behind it, and a zero byte or a newline ends every scan: no scan needs to look for the
 * end. (4) Texts are looked at eight bytes at a time (Mycroft's test for a byte in a word), which finds the first
 * quote, backslash, control character or byte beyond ASCII; the last make the text pass the UTF-8 check.
 *
 * Types with constraints over single rows or with unique tuples are left to the slow way.
 */
#include "write/columns.h"

#include "base/civil.h"
#include "base/limits.h"
#include "base/num.h"
#include "graph/tables.h"
#include "write/value.h"

#include <math.h>

typedef enum cell_kind {
  CELL_NONE,
  CELL_NULL,
  CELL_TEXT,
  CELL_INT,
  CELL_UINT,
  CELL_FLOAT,
  CELL_BOOL,
  CELL_LIST
} cell_kind;

typedef struct cell {
  cell_kind kind;
  union {
    og_str s;
    int64_t i;
    uint64_t u;
    double f;
    bool b;
    struct {
      size_t first, n; /* of og_columns.items */
    } list;
  } v;
} cell;

/* What is gathered of one type. */
typedef struct target {
  const og_type_def *type;
  og_schema *schema;
  og_builder **builders; /* the id's may lag behind: rows without one */
  uint32_t n_columns, first;
  bool plain; /* its rows may be taken */
  int64_t rows;
  og_vec lines;    /* uint32_t */
  uint32_t *order; /* which property stood n-th in the last row */
} target;

struct og_columns {
  const og_catalog *catalog;
  og_vec targets;   /* target *, in the order they came */
  target **by_type; /* nodes, then edges */
  target *last[2];
  cell *cells; /* room for the widest target */
  uint32_t n_cells;
  og_vec items;    /* cell: of lists */
  og_buf text;     /* being unescaped */
  og_arena arena;  /* texts of the line that were unescaped */
  bool arena_used; /* by the line */
};

/* One line while it is read. */
typedef struct reader {
  og_ctx *cx;
  og_columns *c;
  const char *at;
  og_status st; /* not OG_OK: no memory */
} reader;

/* ---- words */

#define ONES  0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

/* High bits of bytes that end a run of plain text; the lowest one set is exact. */
static inline uint64_t special(uint64_t w)
{
  uint64_t quote = w ^ (ONES * '"'), backslash = w ^ (ONES * '\\');
  return (((quote - ONES) & ~quote) | ((backslash - ONES) & ~backslash) | ((w - ONES * 0x20) & ~w) | w) & HIGHS;
}

/* The first byte from `p` on that is no plain text. */
static inline const char *plain_end(const char *p)
{
  for (;; p += 8) {
    uint64_t w, found;
    memcpy(&w, p, 8);
    found = special(w);
    if (found) return p + __builtin_ctzll(found) / 8;
  }
}

static inline void skip_space(reader *r)
{
  while (*r->at == ' ' || *r->at == '\t' || *r->at == '\r') r->at++;
}

static inline bool take(reader *r, char c)
{
  skip_space(r);
  if (*r->at != c) return false;
  r->at++;
  return true;
}

/* Not memcmp, which may look behind the text. */
static inline bool stands_at(const char *p, og_str word)
{
  for (size_t i = 0; i < word.len; i++)
    if (p[i] != word.ptr[i]) return false;
  return true;
}

static inline bool take_word(reader *r, const char *word, size_t n)
{
  if (memcmp(r->at, word, n) != 0) return false;
  r->at += n;
  return true;
}

/* ---- texts */

static int hex_digit(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  c = (char)(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex4(const char *p, uint32_t *out)
{
  *out = 0;
  for (int i = 0; i < 4; i++) {
    int d = hex_digit(p[i]);
    if (d < 0) return false;
    *out = *out << 4 | (uint32_t)d;
  }
  return true;
}

/* \uXXXX, or two of them that make one character; `p` is at the first X. */
static bool code_point(const char **p, uint32_t *out)
{
  uint32_t low;
  if (!hex4(*p, out) || *out == 0) return false;
  *p += 4;
  if (*out < 0xD800 || *out > 0xDFFF) return true;
  if (*out > 0xDBFF || (*p)[0] != '\\' || (*p)[1] != 'u' || !hex4(*p + 2, &low) || low < 0xDC00 || low > 0xDFFF)
    return false;
  *p += 6;
  *out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
  return true;
}

static size_t utf8_encode(uint32_t c, char out[4])
{
  if (c < 0x80) {
    out[0] = (char)c;
    return 1;
  }
  size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (size_t i = n; i-- > 1; c >>= 6) out[i] = (char)(0x80 | (c & 0x3F));
  out[0] = (char)((0xF00u >> n) | c);
  return n;
}

/* What stands behind a backslash at *p; false: nothing that may. */
static bool unescape_one(const char **p, char out[4], size_t *n)
{
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  uint32_t c;
  const char *known = **p ? strchr(from, **p) : NULL;
  if (known) {
    out[0] = to[known - from];
    *n = 1;
    ++*p;
    return true;
  }
  if (**p != 'u') return false;
  ++*p;
  if (!code_point(p, &c)) return false;
  *n = utf8_encode(c, out);
  return true;
}

/* A text with escapes, from its beginning; `p` is at the first backslash. */
static bool unescape(reader *r, const char *from, const char *p, og_str *out)
{
  og_columns *c = r->c;
  og_buf_clear(&c->text);
  for (;;) {
    char bytes[4];
    size_t n;
    r->st = og_buf_append(r->cx, &c->text, from, (size_t)(p - from));
    if (r->st != OG_OK) return false;
    if (*p == '"') break;
    p++;
    if (!unescape_one(&p, bytes, &n)) return false;
    r->st = og_buf_append(r->cx, &c->text, bytes, n);
    if (r->st != OG_OK) return false;
    from = p;
    while (*(p = plain_end(p)) & 0x80) p++;
    if (*p != '"' && *p != '\\') return false;
  }
  r->at = p + 1;
  if (og_utf8_check(og_buf_str(&c->text)) != SIZE_MAX) return false;
  c->arena_used = true;
  r->st = og_arena_str(r->cx, &c->arena, og_buf_str(&c->text), out);
  return r->st == OG_OK;
}

/* A text; `at` is behind its first quote. */
static bool text(reader *r, og_str *out)
{
  const char *from = r->at, *p = plain_end(from);
  bool ascii = true;
  for (; *p & 0x80; p = plain_end(p + 1)) ascii = false;
  if (*p == '\\') return unescape(r, from, p, out);
  if (*p != '"') return false;
  *out = og_str_from(from, (size_t)(p - from));
  r->at = p + 1;
  return ascii || og_utf8_check(*out) == SIZE_MAX;
}

static bool take_text(reader *r, og_str *out)
{
  return take(r, '"') && text(r, out);
}

/* A member's name, which has no escapes, and its colon. */
static bool take_key(reader *r, og_str *out)
{
  if (!take(r, '"')) return false;
  const char *from = r->at, *p = plain_end(from);
  if (*p != '"') return false;
  *out = og_str_from(from, (size_t)(p - from));
  r->at = p + 1;
  return take(r, ':');
}

/* ---- numbers */

static inline bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

/* The rest of a number behind its integer part, by JSON's grammar. */
static bool scan_fraction(const char **p)
{
  if (**p == '.') {
    if (!is_digit(*++*p)) return false;
    while (is_digit(**p)) ++*p;
  }
  if (**p == 'e' || **p == 'E') {
    ++*p;
    if (**p == '+' || **p == '-') ++*p;
    if (!is_digit(**p)) return false;
    while (is_digit(**p)) ++*p;
  }
  return true;
}

static bool number(reader *r, cell *out)
{
  const char *p = r->at, *digits;
  bool negative = *p == '-';
  uint64_t v = 0;
  p += negative;
  digits = p;
  for (; is_digit(*p); p++) v = v * 10 + (uint64_t)(*p - '0');
  if (p == digits || p - digits > 18 || (*digits == '0' && p - digits > 1)) return false;
  if (*p == '.' || *p == 'e' || *p == 'E') {
    out->kind = CELL_FLOAT;
    if (!scan_fraction(&p) || !og_str_to_f64(og_str_from(r->at, (size_t)(p - r->at)), &out->v.f)) return false;
  } else {
    if (negative && v == 0) return false;
    out->kind = CELL_INT;
    out->v.i = negative ? -(int64_t)v : (int64_t)v;
  }
  r->at = p;
  return true;
}

static bool integer_value(reader *r, og_scalar_kind kind, cell *out)
{
  if (!number(r, out) || out->kind != CELL_INT) return false;
  int64_t v = out->v.i;
  switch (kind) {
  case OG_SC_I32: return v >= INT32_MIN && v <= INT32_MAX;
  case OG_SC_I64: return true;
  default:
    out->kind = CELL_UINT;
    out->v.u = (uint64_t)v;
    return v >= 0 && (kind == OG_SC_U64 || v <= UINT32_MAX);
  }
}

static bool float_value(reader *r, bool narrow, cell *out)
{
  if (!number(r, out)) return false;
  double v = out->kind == CELL_INT ? (double)out->v.i : out->v.f;
  if (narrow) v = (double)(float)v;
  out->kind = CELL_FLOAT;
  out->v.f = v;
  return isfinite(v);
}

/* ---- values */

static bool is_member(const og_prop_type *t, og_str v)
{
  for (uint32_t i = 0; i < t->n_enum; i++)
    if (og_str_eq(t->enum_values[i], v)) return true;
  return t->n_enum == 0;
}

static bool date_value(reader *r, og_scalar_kind kind, cell *out)
{
  og_str s;
  int32_t days;
  if (!take_text(r, &s)) return false;
  out->kind = CELL_INT;
  if (kind == OG_SC_DATETIME) return og_datetime_parse(s, &out->v.i);
  if (!og_date_parse(s, &days)) return false;
  out->v.i = days;
  return true;
}

static bool bool_value(reader *r, cell *out)
{
  out->kind = CELL_BOOL;
  out->v.b = *r->at == 't';
  return out->v.b ? take_word(r, "true", 4) : take_word(r, "false", 5);
}

/* One that is neither a list nor null; `at` is at its first byte. */
static bool scalar_value(reader *r, const og_prop_type *t, og_scalar_kind kind, cell *out)
{
  switch (kind) {
  case OG_SC_STRING: out->kind = CELL_TEXT; return take_text(r, &out->v.s) && is_member(t, out->v.s);
  case OG_SC_BOOL: return bool_value(r, out);
  case OG_SC_I32:
  case OG_SC_I64:
  case OG_SC_U32:
  case OG_SC_U64: return integer_value(r, kind, out);
  case OG_SC_F32:
  case OG_SC_F64: return float_value(r, kind == OG_SC_F32, out);
  case OG_SC_DATE:
  case OG_SC_DATETIME: return date_value(r, kind, out);
  case OG_SC_BLOB:
  case OG_SC_VECTOR: break;
  }
  return false;
}

static bool list_value(reader *r, const og_prop_type *t, cell *out)
{
  og_vec *items = &r->c->items;
  og_scalar_kind kind = t->kind == OG_SC_VECTOR ? OG_SC_F32 : t->kind;
  out->kind = CELL_LIST;
  out->v.list.first = items->len;
  if (!take(r, '[')) return false;
  for (bool end = take(r, ']'); !end; end = take(r, ']')) {
    if (items->len > out->v.list.first && !take(r, ',')) return false;
    skip_space(r);
    cell *item = og_vec_push(r->cx, items);
    if (!item) {
      r->st = OG_ENOMEM;
      return false;
    }
    if (!scalar_value(r, t, kind, item)) return false;
  }
  out->v.list.n = items->len - out->v.list.first;
  return t->kind != OG_SC_VECTOR || out->v.list.n == t->dim;
}

static bool value(reader *r, const og_prop_type *t, cell *out)
{
  skip_space(r);
  if (*r->at == 'n') {
    out->kind = CELL_NULL;
    return t->nullable && take_word(r, "null", 4);
  }
  if (t->list && t->kind == OG_SC_VECTOR) return false;
  return t->list || t->kind == OG_SC_VECTOR ? list_value(r, t, out) : scalar_value(r, t, t->kind, out);
}

/* ---- targets */

static void target_free(target *t)
{
  for (uint32_t i = 0; t->builders && i < t->n_columns; i++) og_builder_free(t->builders[i]);
  og_free(t->builders);
  og_free(t->order);
  og_vec_cleanup(&t->lines);
  og_schema_unref(t->schema);
  og_free(t);
}

/* Rules that need whole rows, or rows of others, one by one. */
static bool is_plain(const og_type_def *t)
{
  for (uint32_t i = 0; i < t->n_constraints; i++)
    if (t->constraints[i].kind != OG_CON_KEY && t->constraints[i].kind != OG_CON_INDEX) return false;
  return !t->is_edge || (t->card_min == 0 && !t->has_card_max);
}

static og_status target_init(og_ctx *cx, og_columns *c, target *t)
{
  t->first = og_type_first_property(t->type);
  t->n_columns = t->first + t->type->n_properties;
  t->plain = is_plain(t->type);
  OG_TRY(og_type_schema(cx, t->type, &t->schema));
  t->builders = og_calloc(cx, t->n_columns + 1, sizeof(og_builder *));
  t->order = og_calloc(cx, t->type->n_properties + 1, sizeof *t->order);
  if (!t->builders || !t->order) return OG_ENOMEM;
  for (uint32_t i = 0; i < t->n_columns; i++) OG_TRY(og_builder_new(cx, &t->schema->fields[i], &t->builders[i]));
  for (uint32_t i = 0; i < t->type->n_properties; i++) t->order[i] = i;
  if (c->n_cells >= t->n_columns) return OG_OK;
  cell *cells = og_realloc(cx, c->cells, t->n_columns * sizeof *cells);
  if (!cells) return OG_ENOMEM;
  c->cells = cells;
  c->n_cells = t->n_columns;
  return OG_OK;
}

static og_status target_new(og_ctx *cx, og_columns *c, const og_type_def *type, target **out)
{
  target *t = og_zalloc(cx, sizeof *t);
  if (!t) return OG_ENOMEM;
  t->type = type;
  t->lines = OG_VEC_INIT(uint32_t);
  og_status st = target_init(cx, c, t);
  if (st == OG_OK) st = og_vec_add(cx, &c->targets, &t);
  if (st != OG_OK)
    target_free(t);
  else
    *out = t;
  return st;
}

static target *target_of(reader *r, bool edge, og_str name)
{
  og_columns *c = r->c;
  target *t = c->last[edge];
  if (t && og_str_eq(t->type->name, name)) return t;
  const og_type_def *type = edge ? og_catalog_edge(c->catalog, name) : og_catalog_node(c->catalog, name);
  if (!type) return NULL;
  target **known =
      &c->by_type[edge ? c->catalog->n_nodes + (size_t)(type - c->catalog->edges) : (size_t)(type - c->catalog->nodes)];
  if (!*known) r->st = target_new(r->cx, c, type, known);
  if (r->st != OG_OK) return NULL;
  return c->last[edge] = *known;
}

/* ---- a record */

/* The next member's property: mostly the one that stood here in the row before.  -1: none of this name. */
static int32_t take_property(reader *r, target *t, uint32_t nth, bool *is_id)
{
  og_str key;
  skip_space(r);
  if (nth < t->type->n_properties) {
    og_str guess = t->type->properties[t->order[nth]].name;
    if (*r->at == '"' && stands_at(r->at + 1, guess) && r->at[1 + guess.len] == '"') {
      r->at += guess.len + 2;
      return take(r, ':') ? (int32_t)t->order[nth] : -1;
    }
  }
  if (!take_key(r, &key)) return -1;
  *is_id = og_str_eq(key, OG_STR("id"));
  int32_t p = *is_id ? -1 : og_type_property(t->type, key);
  if (p >= 0 && nth < t->type->n_properties) t->order[nth] = (uint32_t)p;
  return p;
}

static bool take_id(reader *r, cell *out)
{
  skip_space(r);
  if (out->kind != CELL_NONE) return false;
  if (*r->at == 'n') {
    out->kind = CELL_NULL;
    return take_word(r, "null", 4);
  }
  out->kind = CELL_TEXT;
  return take_text(r, &out->v.s);
}

static bool data(reader *r, target *t)
{
  cell *cells = r->c->cells;
  uint32_t nth = 0;
  if (!take(r, '{')) return false;
  for (bool end = take(r, '}'), first = true; !end; end = take(r, '}'), first = false) {
    bool is_id = false;
    if (!first && !take(r, ',')) return false;
    int32_t p = take_property(r, t, nth, &is_id);
    nth += !is_id;
    if (is_id) {
      if (!take_id(r, &cells[OG_COLUMN_ID])) return false;
      continue;
    }
    if (p < 0) return false;
    cell *out = &cells[t->first + (uint32_t)p];
    if (out->kind != CELL_NONE || !value(r, &t->type->properties[p].type, out)) return false;
  }
  return true;
}

typedef struct record {
  target *t;
  bool edge, has_data;
  og_str from, to;
} record;

static bool start(reader *r, record *rec, bool edge)
{
  og_str name;
  if (rec->t || !take_text(r, &name)) return false;
  rec->edge = edge;
  rec->t = target_of(r, edge, name);
  if (!rec->t) return false;
  for (uint32_t i = 0; i < rec->t->n_columns; i++) r->c->cells[i].kind = CELL_NONE;
  return true;
}

static bool member(reader *r, record *rec)
{
  og_str key;
  if (!take_key(r, &key)) return false;
  if (og_str_eq(key, OG_STR("from"))) return !rec->from.ptr && take_text(r, &rec->from);
  if (og_str_eq(key, OG_STR("to"))) return !rec->to.ptr && take_text(r, &rec->to);
  if (og_str_eq(key, OG_STR("edge"))) return start(r, rec, true);
  if (og_str_eq(key, OG_STR("type"))) return start(r, rec, false);
  if (!og_str_eq(key, OG_STR("data")) || !rec->t || rec->has_data) return false;
  rec->has_data = true;
  return data(r, rec->t);
}

static bool read_record(reader *r, record *rec)
{
  if (!take(r, '{')) return false;
  do
    if (!member(r, rec)) return false;
  while (take(r, ','));
  if (!take(r, '}')) return false;
  skip_space(r);
  if (!rec->t || rec->edge != (rec->from.ptr != NULL) || rec->edge != (rec->to.ptr != NULL)) return false;
  for (uint32_t i = 0; i < rec->t->type->n_properties; i++)
    if (!rec->t->type->properties[i].type.nullable && r->c->cells[rec->t->first + i].kind == CELL_NONE) return false;
  if (!rec->edge) return true;
  r->c->cells[OG_COLUMN_SRC] = (cell){.kind = CELL_TEXT, .v.s = rec->from};
  r->c->cells[OG_COLUMN_DST] = (cell){.kind = CELL_TEXT, .v.s = rec->to};
  return true;
}

/* ---- ids */

static og_scalar scalar_of(const cell *c, og_type type)
{
  og_scalar s = {.type = type};
  switch (c->kind) {
  case CELL_TEXT: s.v.s = c->v.s; break;
  case CELL_INT: s.v.i = c->v.i; break;
  case CELL_UINT: s.v.u = c->v.u; break;
  case CELL_FLOAT: s.v.f = c->v.f; break;
  case CELL_BOOL: s.v.b = c->v.b; break;
  default: s.is_null = true;
  }
  return s;
}

/* The id that a key gives; false: the record names another one, or its key is null. */
static bool derive_id(reader *r, const target *t)
{
  og_columns *c = r->c;
  const og_constraint *key = t->type->key_fields;
  cell *id = &c->cells[OG_COLUMN_ID];
  og_str derived;
  const cell *only = &c->cells[og_type_column(t->type, key->fields[0])];
  if (key->n == 1 && only->kind == CELL_TEXT) {
    derived = only->v.s;
  } else {
    c->arena_used = true;
    og_scalar *row = og_arena_calloc(r->cx, &c->arena, t->n_columns, sizeof *row);
    r->st = row ? OG_OK : OG_ENOMEM;
    for (uint32_t i = 0; r->st == OG_OK && i < key->n; i++) {
      uint32_t column = og_type_column(t->type, key->fields[i]);
      row[column] = scalar_of(&c->cells[column], t->schema->fields[column].type);
      if (row[column].is_null) return false;
    }
    if (r->st == OG_OK) r->st = og_value_id(r->cx, t->type, row, &c->arena, &derived);
    if (r->st != OG_OK) return false;
  }
  if (id->kind == CELL_TEXT && !og_str_eq(id->v.s, derived)) return false;
  *id = (cell){.kind = CELL_TEXT, .v.s = derived};
  return true;
}

/* ---- rows */

static og_status append(og_ctx *cx, const og_columns *c, og_builder *b, const cell *v)
{
  switch (v->kind) {
  case CELL_TEXT: return og_builder_str(cx, b, v->v.s);
  case CELL_INT: return og_builder_i64(cx, b, v->v.i);
  case CELL_UINT: return og_builder_u64(cx, b, v->v.u);
  case CELL_FLOAT: return og_builder_f64(cx, b, v->v.f);
  case CELL_BOOL: return og_builder_bool(cx, b, v->v.b);
  case CELL_NONE:
  case CELL_NULL: return og_builder_null(cx, b);
  case CELL_LIST: break;
  }
  OG_TRY(og_builder_list_begin(cx, b));
  for (size_t i = 0; i < v->v.list.n; i++)
    OG_TRY(append(cx, c, og_builder_child(b, 0), &OG_VEC_AT(&c->items, cell, v->v.list.first + i)));
  return og_builder_list_end(cx, b);
}

/* Ids are filled up to the row before, then this one; nothing is done as long as no row has named one. */
static og_status append_id(og_ctx *cx, const og_columns *c, target *t)
{
  og_builder *b = t->builders[OG_COLUMN_ID];
  if (c->cells[OG_COLUMN_ID].kind != CELL_TEXT) return OG_OK;
  while (og_builder_len(b) < t->rows) OG_TRY(og_builder_null(cx, b));
  return og_builder_str(cx, b, c->cells[OG_COLUMN_ID].v.s);
}

static og_status append_row(og_ctx *cx, og_columns *c, target *t, uint32_t line)
{
  OG_TRY(append_id(cx, c, t));
  for (uint32_t i = 1; i < t->n_columns; i++) OG_TRY(append(cx, c, t->builders[i], &c->cells[i]));
  OG_TRY(og_vec_add(cx, &t->lines, &line));
  t->rows++;
  return OG_OK;
}

static og_columns_fate read_line(reader *r, const char *from, const char *end, record *rec)
{
  if (!read_record(r, rec)) return OG_COLUMNS_ODD;
  bool newline = *r->at == '\n';
  if (!newline && r->at != end) return OG_COLUMNS_ODD;
  if (r->at - from > (ptrdiff_t)OG_LIMIT_NDJSON_SLOTS) return OG_COLUMNS_ODD; /* its limits are looked at there */
  r->at += newline;
  if (!rec->t->plain) return OG_COLUMNS_RECORD;
  if (rec->t->type->key_fields && !derive_id(r, rec->t)) return OG_COLUMNS_ODD;
  return OG_COLUMNS_TAKEN;
}

og_status og_columns_line(og_ctx *cx, og_columns *c, const char **at, const char *end, uint32_t line,
                          og_columns_fate *fate)
{
  reader r = {.cx = cx, .c = c, .at = *at};
  record rec = {0};
  og_vec_clear(&c->items);
  *fate = read_line(&r, *at, end, &rec);
  og_status st = r.st;
  if (st == OG_OK && *fate == OG_COLUMNS_TAKEN) {
    st = append_row(cx, c, rec.t, line);
    *at = r.at;
  }
  if (c->arena_used) og_arena_reset(&c->arena);
  c->arena_used = false;
  return st;
}

/* ---- life */

og_status og_columns_new(og_ctx *cx, const og_catalog *catalog, og_columns **out)
{
  og_columns *c = og_zalloc(cx, sizeof *c);
  if (!c) return OG_ENOMEM;
  c->catalog = catalog;
  c->targets = OG_VEC_INIT(target *);
  c->items = OG_VEC_INIT(cell);
  c->by_type = og_calloc(cx, (size_t)catalog->n_nodes + catalog->n_edges + 1, sizeof(target *));
  if (!c->by_type) {
    og_free(c);
    return OG_ENOMEM;
  }
  *out = c;
  return OG_OK;
}

void og_columns_free(og_columns *c)
{
  if (!c) return;
  for (size_t i = 0; i < c->targets.len; i++) target_free(OG_VEC_AT(&c->targets, target *, i));
  og_vec_cleanup(&c->targets);
  og_vec_cleanup(&c->items);
  og_buf_cleanup(&c->text);
  og_arena_cleanup(&c->arena);
  og_free(c->by_type);
  og_free(c->cells);
  og_free(c);
}

void og_columns_block_cleanup(og_columns_block *b)
{
  for (uint32_t i = 0; b->columns && i < b->n_columns; i++) og_column_unref(b->columns[i]);
  og_free(b->columns);
  og_free(b->lines);
  og_schema_unref(b->schema);
  *b = (og_columns_block){0};
}

static og_status cut_target(og_ctx *cx, target *t, og_columns_block *out)
{
  *out = (og_columns_block){.type = t->type, .n_columns = t->n_columns, .rows = t->rows};
  out->columns = og_calloc(cx, t->n_columns, sizeof(og_column *));
  out->lines = og_calloc(cx, (size_t)t->rows, sizeof *out->lines);
  if (!out->columns || !out->lines) return OG_ENOMEM;
  out->schema = og_schema_ref(t->schema);
  memcpy(out->lines, t->lines.data, (size_t)t->rows * sizeof *out->lines);
  og_builder *ids = t->builders[OG_COLUMN_ID];
  while (og_builder_len(ids) > 0 && og_builder_len(ids) < t->rows) OG_TRY(og_builder_null(cx, ids));
  for (uint32_t i = 0; i < t->n_columns; i++)
    if (i != OG_COLUMN_ID || og_builder_len(ids) > 0) OG_TRY(og_builder_finish(cx, t->builders[i], &out->columns[i]));
  t->rows = 0;
  og_vec_clear(&t->lines);
  return OG_OK;
}

og_status og_columns_cut(og_ctx *cx, og_columns *c, og_vec *blocks)
{
  for (size_t i = 0; i < c->targets.len; i++) {
    target *t = OG_VEC_AT(&c->targets, target *, i);
    og_columns_block b;
    if (t->rows == 0) continue;
    og_status st = cut_target(cx, t, &b);
    if (st == OG_OK) st = og_vec_add(cx, blocks, &b);
    if (st != OG_OK) og_columns_block_cleanup(&b);
    OG_TRY(st);
  }
  return OG_OK;
}
