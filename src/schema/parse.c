/* SPDX-License-Identifier: MIT */
/* schema/parse.c -- `.pg` by recursive descent: what was written, with spans.  Rules about it are compile.c's. */
#include "schema/decl.h"

#include "base/limits.h"
#include "base/map.h"
#include "base/num.h"
#include "base/vec.h"

typedef struct parser {
  og_ctx *cx;
  og_arena *a;
  og_lexer lx;
} parser;

static bool at_punct(const parser *p, const char *what)
{
  return p->lx.tok.kind == OG_TOK_PUNCT && og_str_eq(p->lx.tok.text, og_str_of(what));
}

static bool at_word(const parser *p, const char *what)
{
  return p->lx.tok.kind == OG_TOK_WORD && og_str_eq(p->lx.tok.text, og_str_of(what));
}

static og_status advance(parser *p)
{
  return og_lexer_next(p->cx, &p->lx);
}

static og_status fail_at(parser *p, og_span at, og_str hint, const char *message)
{
  return og_source_fail(p->cx, OG_EINVALID, p->lx.src, at, hint, "parse error: %s", message);
}

static og_status fail_expected(parser *p, const char *what, og_str hint)
{
  const og_tok *t = &p->lx.tok;
  if (t->kind == OG_TOK_END)
    return og_source_fail(p->cx, OG_EINVALID, p->lx.src, t->span, hint, "parse error: expected %s, but the text ends",
                          what);
  return og_source_fail(p->cx, OG_EINVALID, p->lx.src, t->span, hint,
                        "parse error: expected %s, found '" OG_STR_FMT "'", what,
                        OG_STR_ARG(og_str_sub(p->lx.src->text, t->span.start, t->span.end)));
}

static og_status expect_punct(parser *p, const char *what)
{
  char quoted[8] = {'\'', 0};
  size_t n = strlen(what);
  memcpy(quoted + 1, what, n);
  quoted[n + 1] = '\'';
  if (!at_punct(p, what)) return fail_expected(p, quoted, OG_STR_NONE);
  return advance(p);
}

/* The word of a list that is within two edits, and no longer a way off than half of it; NULL: none. */
static const char *nearest_word(og_str word, const char *const *words, size_t n)
{
  const char *best = NULL;
  unsigned distance = word.len < 4 ? (unsigned)word.len / 2 + 1 : 3;
  for (size_t i = 0; i < n; i++) {
    const unsigned d = og_str_distance(word, og_str_of(words[i]), 2);
    if (d >= distance) continue;
    distance = d;
    best = words[i];
  }
  return best;
}

static bool is_upper(og_str word)
{
  return word.len && word.ptr[0] >= 'A' && word.ptr[0] <= 'Z';
}

static og_status take_type(parser *p, const char *what, og_str *out, og_span *span)
{
  if (p->lx.tok.kind != OG_TOK_WORD || !is_upper(p->lx.tok.text))
    return fail_expected(p, what, OG_STR("type names start with an upper-case letter"));
  *out = p->lx.tok.text;
  *span = p->lx.tok.span;
  return advance(p);
}

static og_status take_ident(parser *p, const char *what, og_str *out, og_span *span)
{
  if (p->lx.tok.kind != OG_TOK_WORD) return fail_expected(p, what, OG_STR_NONE);
  if (is_upper(p->lx.tok.text))
    return fail_expected(p, what, OG_STR("property names start with a lower-case letter or '_'"));
  *out = p->lx.tok.text;
  *span = p->lx.tok.span;
  return advance(p);
}

static og_status to_arena(parser *p, og_vec *v, og_status st, void *out, uint32_t *n)
{
  if (st == OG_OK) {
    void *copy = og_arena_calloc(p->cx, p->a, v->len + 1, v->elem);
    if (copy && v->len) memcpy(copy, v->data, v->len * v->elem);
    if (!copy) st = OG_ENOMEM;
    memcpy(out, &copy, sizeof copy);
    if (n) *n = (uint32_t)v->len;
  }
  og_vec_cleanup(v);
  return st;
}

/* ---- annotations */

static int by_name(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(*(const og_str *)a, *(const og_str *)b);
}

/* A literal as annotations store it, strings decoded and the rest as written; or a name where that may stand. */
static og_status take_annotation_value(parser *p, bool name_too, og_str *out)
{
  const og_tok t = p->lx.tok;
  const char *what = name_too ? "a literal or a name" : "a literal";
  switch (t.kind) {
  case OG_TOK_STRING: OG_TRY(og_lexer_string(p->cx, &p->lx, p->a, out)); break;
  case OG_TOK_INT:
  case OG_TOK_FLOAT: *out = t.text; break;
  case OG_TOK_WORD:
    if (!at_word(p, "true") && !at_word(p, "false") && (!name_too || is_upper(t.text)))
      return fail_expected(p, what, OG_STR("put text in double quotes"));
    *out = t.text;
    break;
  default: return fail_expected(p, what, OG_STR_NONE);
  }
  return advance(p);
}

typedef struct kwarg {
  og_str key; /* first: it is what by_name compares */
  og_str value;
  og_span span;
} kwarg;

static og_status parse_kwargs_into(parser *p, og_vec *list)
{
  while (at_punct(p, ",")) {
    kwarg *arg = og_vec_push(p->cx, list);
    if (!arg) return OG_ENOMEM;
    OG_TRY(advance(p));
    OG_TRY(take_ident(p, "a keyword argument", &arg->key, &arg->span));
    OG_TRY(expect_punct(p, "="));
    OG_TRY(take_annotation_value(p, false, &arg->value));
  }
  return og_sort(p->cx, list->data, list->len, list->elem, by_name, NULL);
}

static og_status store_kwargs(parser *p, const og_vec *list, og_annotation *out)
{
  og_str *pairs = og_arena_calloc(p->cx, p->a, 2 * list->len + 1, sizeof *pairs);
  if (!pairs) return OG_ENOMEM;
  for (size_t i = 0; i < list->len; i++) {
    const kwarg *arg = &OG_VEC_AT(list, kwarg, i);
    if (i && og_str_eq(arg->key, arg[-1].key))
      return fail_at(p, arg->span, OG_STR_NONE, "this keyword argument is given twice");
    pairs[2 * i] = arg->key;
    pairs[2 * i + 1] = arg->value;
  }
  out->kwargs = pairs;
  out->n_kwargs = (uint32_t)list->len;
  return OG_OK;
}

static og_status parse_kwargs(parser *p, og_annotation *out)
{
  og_vec list = OG_VEC_INIT(kwarg);
  og_status st = parse_kwargs_into(p, &list);
  if (st == OG_OK) st = store_kwargs(p, &list, out);
  og_vec_cleanup(&list);
  return st;
}

static og_status parse_annotation(parser *p, og_decl_annotation *out)
{
  *out = (og_decl_annotation){.a = {.name = p->lx.tok.text}, .span = p->lx.tok.span};
  if (og_str_eq(out->a.name, OG_STR("card")))
    return fail_at(p, out->span, OG_STR("write @card(min..max) or @card(min..) right behind an edge's endpoints"),
                   "@card does not stand here");
  OG_TRY(advance(p));
  if (!at_punct(p, "(")) return OG_OK;
  OG_TRY(advance(p));
  OG_TRY(take_annotation_value(p, true, &out->a.value));
  OG_TRY(parse_kwargs(p, &out->a));
  out->span.end = p->lx.tok.span.end;
  return expect_punct(p, ")");
}

static og_status parse_annotations_into(parser *p, og_vec *out)
{
  while (p->lx.tok.kind == OG_TOK_ANNOT) {
    og_decl_annotation *a = og_vec_push(p->cx, out);
    if (!a) return OG_ENOMEM;
    OG_TRY(parse_annotation(p, a));
  }
  return OG_OK;
}

static og_status parse_annotations(parser *p, const og_decl_annotation **out, uint32_t *n)
{
  og_vec v = OG_VEC_INIT(og_decl_annotation);
  return to_arena(p, &v, parse_annotations_into(p, &v), out, n);
}

/* ---- types */

static og_status parse_dimension(parser *p, og_prop_type *t)
{
  uint64_t dim = 0;
  OG_TRY(advance(p));
  OG_TRY(expect_punct(p, "("));
  og_span at = p->lx.tok.span;
  if (p->lx.tok.kind != OG_TOK_INT) return fail_expected(p, "the vector's dimension", OG_STR_NONE);
  if (!og_str_to_u64(p->lx.tok.text, &dim) || dim > INT32_MAX)
    return fail_at(p, at, OG_STR_NONE, "Vector dimension exceeds maximum supported 2147483647");
  if (dim == 0) return fail_at(p, at, OG_STR_NONE, "Vector dimension must be greater than zero");
  t->kind = OG_SC_VECTOR;
  t->dim = (uint32_t)dim;
  OG_TRY(advance(p));
  return expect_punct(p, ")");
}

static og_status parse_enum_values(parser *p, og_map *seen, og_vec *values)
{
  for (;;) {
    og_span at = p->lx.tok.span;
    bool was_new;
    if (!og_lexer_enum_value(&p->lx)) return fail_expected(p, "an enum value", OG_STR_NONE);
    og_str value = p->lx.tok.text;
    OG_TRY(og_map_put(p->cx, seen, value, 1, &was_new));
    if (!was_new)
      return fail_at(p, (og_span){at.start, p->lx.tok.span.end}, OG_STR_NONE,
                     "enum type cannot include duplicate values");
    OG_TRY(og_vec_add(p->cx, values, &value));
    OG_TRY(advance(p));
    if (!at_punct(p, ",")) return expect_punct(p, ")");
    OG_TRY(advance(p));
  }
}

static og_status parse_enum_list(parser *p, og_vec *values)
{
  og_map seen;
  og_map_init(&seen, false);
  og_status st = parse_enum_values(p, &seen, values);
  og_map_cleanup(&seen);
  return st == OG_OK ? og_sort(p->cx, values->data, values->len, values->elem, by_name, NULL) : st;
}

static og_status parse_enum(parser *p, og_prop_type *t)
{
  og_vec values = OG_VEC_INIT(og_str);
  t->kind = OG_SC_STRING;
  OG_TRY(advance(p));
  OG_TRY(expect_punct(p, "("));
  if (at_punct(p, ")")) return fail_at(p, p->lx.tok.span, OG_STR_NONE, "enum type must include at least one value");
  return to_arena(p, &values, parse_enum_list(p, &values), &t->enum_values, &t->n_enum);
}

static const char *const type_words[] = {"String", "Blob", "Bool", "I32",      "I64",  "U32",   "U64",
                                         "F32",    "F64",  "Date", "DateTime", "enum", "Vector"};
#define TYPES_HINT                                                                                                     \
  "types: String Blob Bool I32 I64 U32 U64 F32 F64 DateTime Date Vector(n) enum(…) [T]; what leads to another type " \
  "is "                                                                                                                \
  "an edge"

static og_status unknown_type(parser *p)
{
  /* What people write who come from other languages. */
  static const char *const others[][2] = {{"Int", "I32"},           {"Integer", "I64"},  {"Long", "I64"},
                                          {"Float", "F64"},         {"Double", "F64"},   {"Text", "String"},
                                          {"Str", "String"},        {"Boolean", "Bool"}, {"Timestamp", "DateTime"},
                                          {"Datetime", "DateTime"}, {"Bytes", "Blob"}};
  const og_str word = p->lx.tok.text;
  og_str hint = OG_STR(TYPES_HINT);
  const char *near = NULL;
  for (size_t i = 0; i < OG_ARRAY_LEN(others) && !near; i++)
    if (og_str_eq_fold(word, og_str_of(others[i][0]))) near = others[i][1];
  if (!near) near = nearest_word(word, type_words, OG_ARRAY_LEN(type_words));
  if (near) OG_TRY(og_arena_printf(p->cx, p->a, &hint, "did you mean '%s'?", near));
  return og_source_fail(p->cx, OG_EINVALID, p->lx.src, p->lx.tok.span, hint,
                        "parse error: unknown type '" OG_STR_FMT "'", OG_STR_ARG(word));
}

static og_status parse_scalar(parser *p, og_prop_type *t)
{
  if (p->lx.tok.kind != OG_TOK_WORD) return fail_expected(p, "a type", OG_STR(TYPES_HINT));
  return og_scalar_by_name(p->lx.tok.text, &t->kind) ? advance(p) : unknown_type(p);
}

static og_status parse_type(parser *p, og_prop_type *t)
{
  *t = (og_prop_type){0};
  if (at_punct(p, "[")) {
    OG_TRY(advance(p));
    og_span at = p->lx.tok.span;
    t->list = true;
    OG_TRY(parse_scalar(p, t));
    if (t->kind == OG_SC_BLOB) return fail_at(p, at, OG_STR_NONE, "list of Blob is not supported");
    OG_TRY(expect_punct(p, "]"));
  } else if (at_word(p, "Vector")) {
    OG_TRY(parse_dimension(p, t));
  } else if (at_word(p, "enum")) {
    OG_TRY(parse_enum(p, t));
  } else {
    OG_TRY(parse_scalar(p, t));
  }
  t->nullable = at_punct(p, "?");
  return t->nullable ? advance(p) : OG_OK;
}

/* ---- bodies */

static const struct {
  const char *name;
  og_constraint_kind kind;
} constraint_words[] = {{"key", OG_CON_KEY},
                        {"unique", OG_CON_UNIQUE},
                        {"index", OG_CON_INDEX},
                        {"range", OG_CON_RANGE},
                        {"check", OG_CON_CHECK}};

static int constraint_word(og_str name)
{
  for (size_t i = 0; i < OG_ARRAY_LEN(constraint_words); i++)
    if (og_str_eq(name, og_str_of(constraint_words[i].name))) return (int)i;
  return -1;
}

/* @key|unique|index|range|check right before '(' is a constraint of the body, also on a property's line. */
static og_status at_constraint(parser *p, bool *out)
{
  og_lexer ahead = p->lx;
  *out = false;
  if (p->lx.tok.kind != OG_TOK_ANNOT || constraint_word(p->lx.tok.text) < 0) return OG_OK;
  OG_TRY(og_lexer_next(p->cx, &ahead));
  *out = ahead.tok.kind == OG_TOK_PUNCT && og_str_eq(ahead.tok.text, OG_STR("("));
  return OG_OK;
}

static og_status parse_names(parser *p, og_vec *names, og_vec *spans)
{
  for (;;) {
    og_str name;
    og_span span;
    OG_TRY(take_ident(p, "a property name", &name, &span));
    OG_TRY(og_vec_add(p->cx, names, &name));
    OG_TRY(og_vec_add(p->cx, spans, &span));
    if (!at_punct(p, ",")) return OG_OK;
    OG_TRY(advance(p));
  }
}

static og_status parse_bound(parser *p, og_bound *out)
{
  bool negative = at_punct(p, "-");
  og_span start = p->lx.tok.span;
  if (negative) OG_TRY(advance(p));
  OG_AUTO(og_buf) text = {0};
  if (negative && p->lx.tok.span.start != start.end)
    return fail_at(p, start, OG_STR_NONE, "the sign must stand right before its number");
  if (p->lx.tok.kind != OG_TOK_INT && p->lx.tok.kind != OG_TOK_FLOAT)
    return fail_expected(p, "a number", OG_STR("bounds: min..max, min.. or ..max"));
  if (negative) OG_TRY(og_buf_append_byte(p->cx, &text, '-'));
  OG_TRY(og_buf_append_str(p->cx, &text, p->lx.tok.text));
  out->has = true;
  out->is_float = p->lx.tok.kind == OG_TOK_FLOAT;
  if (!out->is_float && !og_str_to_i64(og_buf_str(&text), &out->i)) out->is_float = true;
  if (!og_str_to_f64(og_buf_str(&text), &out->f)) return fail_at(p, start, OG_STR_NONE, "this bound is out of range");
  return advance(p);
}

static og_status parse_bounds(parser *p, og_decl_constraint *c)
{
  if (!at_punct(p, "..")) OG_TRY(parse_bound(p, &c->min));
  if (!at_punct(p, "..")) return fail_expected(p, "'..'", OG_STR("bounds: min..max, min.. or ..max"));
  OG_TRY(advance(p));
  if (!at_punct(p, ")")) OG_TRY(parse_bound(p, &c->max));
  if (c->min.has || c->max.has) return OG_OK;
  return fail_at(p, c->span, OG_STR("bounds: min..max, min.. or ..max"), "@range needs at least one bound");
}

static og_status parse_constraint_args(parser *p, og_decl_constraint *c, og_vec *names, og_vec *spans)
{
  if (c->kind == OG_CON_KEY || c->kind == OG_CON_UNIQUE || c->kind == OG_CON_INDEX) return parse_names(p, names, spans);
  og_str name;
  og_span span;
  OG_TRY(take_ident(p, "a property name", &name, &span));
  OG_TRY(og_vec_add(p->cx, names, &name));
  OG_TRY(og_vec_add(p->cx, spans, &span));
  if (!at_punct(p, ",")) return fail_expected(p, "','", OG_STR("@range(prop, min..max), @check(prop, \"regex\")"));
  OG_TRY(advance(p));
  if (c->kind == OG_CON_RANGE) return parse_bounds(p, c);
  if (p->lx.tok.kind != OG_TOK_STRING)
    return fail_expected(p, "the pattern as a string", OG_STR("@check(prop, \"regex\")"));
  OG_TRY(og_lexer_string(p->cx, &p->lx, p->a, &c->pattern));
  return advance(p);
}

static og_status parse_constraint(parser *p, og_decl_constraint *c)
{
  og_vec names = OG_VEC_INIT(og_str), spans = OG_VEC_INIT(og_span);
  *c = (og_decl_constraint){.kind = constraint_words[constraint_word(p->lx.tok.text)].kind, .span = p->lx.tok.span};
  OG_TRY(advance(p));
  OG_TRY(expect_punct(p, "("));
  og_status st = parse_constraint_args(p, c, &names, &spans);
  st = to_arena(p, &names, st, &c->names, &c->n);
  OG_TRY(to_arena(p, &spans, st, &c->name_spans, NULL));
  c->span.end = p->lx.tok.span.end;
  return expect_punct(p, ")");
}

static og_status parse_property_annotations(parser *p, og_vec *out)
{
  while (p->lx.tok.kind == OG_TOK_ANNOT) {
    bool constraint;
    OG_TRY(at_constraint(p, &constraint));
    if (constraint) return OG_OK;
    og_decl_annotation *a = og_vec_push(p->cx, out);
    if (!a) return OG_ENOMEM;
    OG_TRY(parse_annotation(p, a));
  }
  return OG_OK;
}

static og_status parse_property(parser *p, og_decl_property *out)
{
  og_vec annotations = OG_VEC_INIT(og_decl_annotation);
  if (at_punct(p, ","))
    return fail_expected(p, "a property, a constraint or '}'", OG_STR("properties follow each other without commas"));
  OG_TRY(take_ident(p, "a property, a constraint or '}'", &out->name, &out->span));
  OG_TRY(expect_punct(p, ":"));
  out->type_span = p->lx.tok.span;
  OG_TRY(parse_type(p, &out->type));
  return to_arena(p, &annotations, parse_property_annotations(p, &annotations), &out->annotations, &out->n_annotations);
}

static og_status parse_member(parser *p, const og_decl *d, og_vec *properties, og_vec *constraints)
{
  bool constraint;
  OG_TRY(at_constraint(p, &constraint));
  if (constraint && d->kind == OG_DECL_INTERFACE)
    return fail_at(p, p->lx.tok.span, OG_STR_NONE, "an interface holds properties only");
  if (constraint) {
    og_decl_constraint *c = og_vec_push(p->cx, constraints);
    return c ? parse_constraint(p, c) : OG_ENOMEM;
  }
  og_decl_property *prop = og_vec_push(p->cx, properties);
  if (!prop) return OG_ENOMEM;
  return parse_property(p, prop);
}

static og_status parse_members(parser *p, const og_decl *d, og_vec *properties, og_vec *constraints)
{
  OG_TRY(expect_punct(p, "{"));
  while (!at_punct(p, "}")) OG_TRY(parse_member(p, d, properties, constraints));
  return advance(p);
}

static og_status parse_block(parser *p, og_decl *d)
{
  og_vec properties = OG_VEC_INIT(og_decl_property), constraints = OG_VEC_INIT(og_decl_constraint);
  og_status st = parse_members(p, d, &properties, &constraints);
  st = to_arena(p, &properties, st, &d->properties, &d->n_properties);
  return to_arena(p, &constraints, st, &d->constraints, &d->n_constraints);
}

/* ---- declarations */

static og_status parse_implements_into(parser *p, og_vec *names, og_vec *spans)
{
  do {
    og_str name;
    og_span span;
    OG_TRY(advance(p)); /* 'implements' or ',' */
    OG_TRY(take_type(p, "an interface name", &name, &span));
    OG_TRY(og_vec_add(p->cx, names, &name));
    OG_TRY(og_vec_add(p->cx, spans, &span));
  } while (at_punct(p, ","));
  return OG_OK;
}

static og_status parse_implements(parser *p, og_decl *d)
{
  og_vec names = OG_VEC_INIT(og_str), spans = OG_VEC_INIT(og_span);
  og_status st = parse_implements_into(p, &names, &spans);
  st = to_arena(p, &names, st, &d->implements, &d->n_implements);
  return to_arena(p, &spans, st, &d->implements_spans, NULL);
}

static og_status take_count(parser *p, uint32_t *out)
{
  uint64_t v;
  if (p->lx.tok.kind != OG_TOK_INT)
    return fail_expected(p, "a number of edges", OG_STR("@card(min..max) or @card(min..)"));
  if (!og_str_to_u64(p->lx.tok.text, &v) || v > UINT32_MAX)
    return fail_at(p, p->lx.tok.span, OG_STR_NONE, "this cardinality is out of range");
  *out = (uint32_t)v;
  return advance(p);
}

static og_status parse_card(parser *p, og_decl *d)
{
  og_span span = p->lx.tok.span;
  OG_TRY(advance(p));
  if (!at_punct(p, "(")) return fail_expected(p, "'('", OG_STR("@card(min..max) or @card(min..)"));
  OG_TRY(advance(p));
  OG_TRY(take_count(p, &d->card_min));
  if (!at_punct(p, "..")) return fail_expected(p, "'..'", OG_STR("@card(min..max) or @card(min..)"));
  OG_TRY(advance(p));
  d->has_card_max = p->lx.tok.kind == OG_TOK_INT;
  if (d->has_card_max) OG_TRY(take_count(p, &d->card_max));
  span.end = p->lx.tok.span.end;
  OG_TRY(expect_punct(p, ")"));
  if (!d->has_card_max || d->card_min <= d->card_max) return OG_OK;
  return og_source_fail(p->cx, OG_EINVALID, p->lx.src, span, OG_STR_NONE,
                        "parse error: cardinality min (%u) exceeds max (%u)", d->card_min, d->card_max);
}

static og_status parse_edge_head(parser *p, og_decl *d)
{
  OG_TRY(expect_punct(p, ":"));
  OG_TRY(take_type(p, "the node type the edge comes from", &d->from, &d->from_span));
  OG_TRY(expect_punct(p, "->"));
  OG_TRY(take_type(p, "the node type the edge goes to", &d->to, &d->to_span));
  bool card = p->lx.tok.kind == OG_TOK_ANNOT && og_str_eq(p->lx.tok.text, OG_STR("card"));
  if (card) OG_TRY(parse_card(p, d));
  return parse_annotations(p, &d->annotations, &d->n_annotations);
}

static og_status unknown_declaration(parser *p)
{
  static const char *const words[] = {"interface", "node", "edge"};
  const char *near = p->lx.tok.kind == OG_TOK_WORD ? nearest_word(p->lx.tok.text, words, OG_ARRAY_LEN(words)) : NULL;
  og_str hint = OG_STR_NONE;
  if (near) OG_TRY(og_arena_printf(p->cx, p->a, &hint, "did you mean '%s'?", near));
  return fail_expected(p, "'interface', 'node' or 'edge'", hint);
}

static og_status parse_decl(parser *p, og_decl *d)
{
  d->kind = at_word(p, "interface") ? OG_DECL_INTERFACE : at_word(p, "node") ? OG_DECL_NODE : OG_DECL_EDGE;
  if (d->kind == OG_DECL_EDGE && !at_word(p, "edge")) return unknown_declaration(p);
  OG_TRY(advance(p));
  OG_TRY(take_type(p, "a type name", &d->name, &d->span));
  if (d->kind == OG_DECL_EDGE) {
    OG_TRY(parse_edge_head(p, d));
    return at_punct(p, "{") ? parse_block(p, d) : OG_OK;
  }
  if (d->kind == OG_DECL_NODE) {
    OG_TRY(parse_annotations(p, &d->annotations, &d->n_annotations));
    if (at_word(p, "implements")) OG_TRY(parse_implements(p, d));
  }
  if (p->lx.tok.kind == OG_TOK_ANNOT && d->n_implements)
    return fail_expected(p, "'{'", OG_STR("annotations of a type stand before 'implements'"));
  return parse_block(p, d);
}

static og_status parse_decls(parser *p, og_vec *out)
{
  while (p->lx.tok.kind != OG_TOK_END) {
    og_decl *d = og_vec_push(p->cx, out);
    if (!d) return OG_ENOMEM;
    if (out->len > OG_LIMIT_TYPES) return fail_at(p, p->lx.tok.span, OG_STR_NONE, "a schema has at most 65536 types");
    OG_TRY(parse_decl(p, d));
  }
  return OG_OK;
}

og_status og_schema__parse(og_ctx *cx, og_arena *a, og_str text, og_str file_name, og_decl_file *out)
{
  og_vec decls = OG_VEC_INIT(og_decl);
  *out = (og_decl_file){.source = {text, file_name}};
  OG_TRY(og_source_check(cx, &out->source));
  parser p = {.cx = cx, .a = a};
  OG_TRY(og_lexer_init(cx, &p.lx, &out->source, true));
  return to_arena(&p, &decls, parse_decls(&p, &decls), &out->decls, &out->n);
}

og_status og_schema_parse_only(og_ctx *cx, og_arena *a, og_str source, og_str file_name)
{
  og_decl_file file;
  return og_schema__parse(cx, a, source, file_name, &file);
}
