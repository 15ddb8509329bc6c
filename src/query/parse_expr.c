/* SPDX-License-Identifier: MIT */
/* query/parse_expr.c -- literals and expressions, by precedence climbing.
 *
 *   or      = and { "or" and }                          n-ary: a chain is one node
 *   and     = not { "and" not }
 *   not     = "not" "(" or ")" | compare
 *   compare = sum [ op sum | [ "not" ] "in" list | "is" [ "not" ] "null" ]
 *   sum     = product { ( "+" | "-" ) product }
 *   product = sign { ( "*" | "/" | "%" ) sign }
 *   sign    = "-" sign | primary                        before a number it is the number's own
 *   primary = "(" or ")" | call | Var [ "." ident ] | literal | ident
 *
 * No word is reserved.  A word that joins operands does so only behind an operand, and not when ':' follows it, for
 * then it is the name of the next property; a function's name is one only when '(' follows.
 */
#include "query/parse.h"

#include "base/limits.h"
#include "base/num.h"

/* ---- literals */

static og_status parse_literal(og_parser *p, og_literal *out);

static og_status parse_items(og_parser *p, og_vec *items)
{
  while (!og_parse__at_punct(p, "]")) {
    og_literal *item = og_vec_push(p->cx, items);
    if (!item) return OG_ENOMEM;
    OG_TRY(parse_literal(p, item));
    if (!og_parse__at_punct(p, ",")) break;
    OG_TRY(og_parse__advance(p));
    if (og_parse__at_punct(p, "]")) return og_parse__expected(p, "a value after ','", OG_STR_NONE);
  }
  return OG_OK;
}

static og_status parse_list(og_parser *p, og_literal *out)
{
  og_vec items = OG_VEC_INIT(og_literal);
  out->kind = OG_LIT_LIST;
  OG_TRY(og_parse__deeper(p));
  OG_TRY(og_parse__advance(p));
  OG_TRY(og_parse__to_arena(p, &items, parse_items(p, &items), &out->items, &out->n_items));
  p->depth--;
  out->span.end = p->lx.tok.span.end;
  return og_parse__punct(p, "]");
}

static og_status parse_dated(og_parser *p, og_lit_kind kind, og_literal *out)
{
  out->kind = kind;
  OG_TRY(og_parse__advance(p));
  OG_TRY(og_parse__punct(p, "("));
  if (p->lx.tok.kind != OG_TOK_STRING) return og_parse__expected(p, "a string", OG_STR_NONE);
  OG_TRY(og_lexer_string(p->cx, &p->lx, p->a, &out->str));
  OG_TRY(og_parse__advance(p));
  out->span.end = p->lx.tok.span.end;
  return og_parse__punct(p, ")");
}

/* The smallest integer has no positive twin, so the sign is read with the digits. */
static og_status parse_number(og_parser *p, bool negative, og_literal *out)
{
  const og_tok *t = &p->lx.tok;
  out->span.end = t->span.end;
  if (t->kind == OG_TOK_FLOAT) {
    out->kind = OG_LIT_FLOAT;
    if (!og_str_to_f64(t->text, &out->f)) return og_parse__expected(p, "a number in the range of F64", OG_STR_NONE);
    if (negative) out->f = -out->f;
    return og_parse__advance(p);
  }
  out->kind = OG_LIT_INT;
  if (!negative) return og_parse__int(p, "an integer", &out->i);
  uint64_t magnitude;
  if (!og_str_to_u64(t->text, &magnitude) || magnitude > (uint64_t)INT64_MAX + 1)
    return og_source_fail(p->cx, OG_EINVALID, p->lx.src, t->span, OG_STR("the smallest integer is -2^63"),
                          "parse error: this integer is too small");
  out->i = magnitude > INT64_MAX ? INT64_MIN : -(int64_t)magnitude;
  return og_parse__advance(p);
}

static bool at_number(const og_parser *p)
{
  return p->lx.tok.kind == OG_TOK_INT || p->lx.tok.kind == OG_TOK_FLOAT;
}

/* What people bring along from other languages. */
static og_str foreign_hint(const og_parser *p)
{
  const size_t start = p->lx.tok.span.start;
  if (og_parse__at_punct(p, "*")) return OG_STR("count rows by a variable: count($v)");
  if (og_parse__at_punct(p, "=")) return OG_STR("equality is a single '='");
  if (og_parse__at_punct(p, ">") && start && p->lx.src->text.ptr[start - 1] == '<') return OG_STR("write !=");
  return OG_STR_NONE;
}

static og_status parse_scalar_literal(og_parser *p, og_literal *out)
{
  if (at_number(p)) return parse_number(p, false, out);
  if (og_parse__at_punct(p, "-")) {
    OG_TRY(og_parse__advance(p));
    return at_number(p) ? parse_number(p, true, out) : og_parse__expected(p, "a number behind '-'", OG_STR_NONE);
  }
  if (p->lx.tok.kind == OG_TOK_STRING) {
    out->kind = OG_LIT_STRING;
    OG_TRY(og_lexer_string(p->cx, &p->lx, p->a, &out->str));
    return og_parse__advance(p);
  }
  if (og_parse__at_word(p, "true") || og_parse__at_word(p, "false")) {
    out->kind = OG_LIT_BOOL;
    out->b = og_parse__at_word(p, "true");
    return og_parse__advance(p);
  }
  if (og_parse__at_word(p, "null")) {
    out->kind = OG_LIT_NULL;
    return og_parse__advance(p);
  }
  if (og_parse__at_word(p, "date")) return parse_dated(p, OG_LIT_DATE, out);
  if (og_parse__at_word(p, "datetime")) return parse_dated(p, OG_LIT_DATETIME, out);
  return og_parse__expected(p, "a value", foreign_hint(p));
}

static og_status parse_literal(og_parser *p, og_literal *out)
{
  *out = (og_literal){.span = p->lx.tok.span};
  return og_parse__at_punct(p, "[") ? parse_list(p, out) : parse_scalar_literal(p, out);
}

/* ---- nodes */

static og_expr *new_expr(og_parser *p, og_expr_kind kind)
{
  og_expr *e = og_arena_zalloc(p->cx, p->a, sizeof *e);
  if (!e) return NULL;
  e->kind = kind;
  e->span = p->lx.tok.span;
  e->depth = 1;
  return e;
}

/* Gives `e` its operands, which begin and end it. */
static og_status adopt(og_parser *p, og_expr *e, const og_expr *const *args, uint32_t n)
{
  e->args = args;
  e->n_args = n;
  for (uint32_t i = 0; i < n; i++) {
    if (args[i]->depth >= e->depth) e->depth = args[i]->depth + 1;
    if (args[i]->span.start < e->span.start) e->span.start = args[i]->span.start;
    if (args[i]->span.end > e->span.end) e->span.end = args[i]->span.end;
  }
  if (e->depth <= OG_LIMIT_EXPR_DEPTH) return OG_OK;
  og_source_fail(p->cx, OG_ELIMIT, p->lx.src, e->span, OG_STR_NONE,
                 "parse error: an expression of more than %d operations in one another", OG_LIMIT_EXPR_DEPTH);
  og_detail *d = og_error_detail(p->cx, OG_DETAIL_RESOURCE_LIMIT);
  og_detail_set(d->resource, sizeof d->resource, OG_STR("nesting"));
  d->limit = OG_LIMIT_EXPR_DEPTH;
  d->used = e->depth;
  return OG_ELIMIT;
}

static og_status adopt_two(og_parser *p, og_expr *e, const og_expr *left, const og_expr *right)
{
  const og_expr **args = og_arena_calloc(p->cx, p->a, 2, sizeof *args);
  if (!args) return OG_ENOMEM;
  args[0] = left;
  args[1] = right;
  return adopt(p, e, args, right ? 2 : 1);
}

/* The expressions gathered in `v`, in the arena; frees the vector. */
static og_status take_exprs(og_parser *p, og_vec *v, og_status st, og_expr *e)
{
  const og_expr **args = st == OG_OK ? og_arena_calloc(p->cx, p->a, v->len + 1, sizeof *args) : NULL;
  uint32_t n = (uint32_t)v->len;
  if (st == OG_OK && !args) st = OG_ENOMEM;
  for (uint32_t i = 0; st == OG_OK && i < n; i++) args[i] = OG_VEC_AT(v, const og_expr *, i);
  og_vec_cleanup(v);
  return st == OG_OK ? adopt(p, e, args, n) : st;
}

/* ---- calls */

static const struct {
  const char *word;
  og_expr_kind kind;
  og_agg agg;
  uint8_t min_args, max_args;
} calls[] = {
    {"now", OG_EXPR_NOW, 0, 0, 0},          {"count", OG_EXPR_AGG, OG_AGG_COUNT, 1, 1},
    {"sum", OG_EXPR_AGG, OG_AGG_SUM, 1, 1}, {"avg", OG_EXPR_AGG, OG_AGG_AVG, 1, 1},
    {"min", OG_EXPR_AGG, OG_AGG_MIN, 1, 1}, {"max", OG_EXPR_AGG, OG_AGG_MAX, 1, 1},
    {"nearest", OG_EXPR_NEAREST, 0, 2, 2},  {"search", OG_EXPR_SEARCH, 0, 2, 2},
    {"fuzzy", OG_EXPR_FUZZY, 0, 2, 3},      {"match_text", OG_EXPR_MATCH_TEXT, 0, 2, 2},
    {"phrase", OG_EXPR_PHRASE, 0, 2, 2},    {"bm25", OG_EXPR_BM25, 0, 2, 2},
    {"rrf", OG_EXPR_RRF, 0, 2, 3},
};

typedef struct call_form {
  og_expr_kind kind;
  og_agg agg;
  og_fn fn;
  uint8_t min_args, max_args;
} call_form;

static bool find_call(og_str word, call_form *out)
{
  for (size_t i = 0; i < OG_ARRAY_LEN(calls); i++) {
    if (!og_str_eq(word, og_str_of(calls[i].word))) continue;
    *out = (call_form){calls[i].kind, calls[i].agg, 0, calls[i].min_args, calls[i].max_args};
    return true;
  }
  for (og_fn fn = OG_FN_ABS; fn < OG_FN_COUNT_; fn++) {
    const og_fn_info *info = og_fn_describe(fn);
    if (!og_str_eq(word, og_str_of(info->text))) continue;
    *out = (call_form){OG_EXPR_CALL, 0, fn, info->min_args, info->max_args};
    return true;
  }
  return false;
}

static og_status unknown_call(og_parser *p)
{
  const char *words[OG_ARRAY_LEN(calls) + OG_FN_COUNT_];
  size_t n = 0;
  for (size_t i = 0; i < OG_ARRAY_LEN(calls); i++) words[n++] = calls[i].word;
  for (og_fn fn = OG_FN_ABS; fn < OG_FN_COUNT_; fn++) words[n++] = og_fn_describe(fn)->text;
  return og_parse__expected_word(p, "a function", words, n);
}

static og_status parse_args(og_parser *p, const call_form *form, og_vec *args)
{
  while (!og_parse__at_punct(p, ")")) {
    const og_expr *arg;
    if (args->len == form->max_args) return og_parse__expected(p, "')'", OG_STR_NONE);
    OG_TRY(og_parse__expr(p, &arg));
    OG_TRY(og_vec_add(p->cx, args, &arg));
    if (!og_parse__at_punct(p, ",")) break;
    OG_TRY(og_parse__advance(p));
  }
  if (args->len < form->min_args) return og_parse__expected(p, "one more argument", OG_STR_NONE);
  return OG_OK;
}

/* `distinct` counts as such only before an argument: count(distinct) has none. */
static og_status parse_distinct(og_parser *p, og_expr *e)
{
  og_tok next;
  if (e->kind != OG_EXPR_AGG || !og_parse__at_word(p, "distinct")) return OG_OK;
  if (og_parse__peek(p, &next) && og_parse__tok_is(&next, ")")) return OG_OK;
  e->distinct = true;
  return og_parse__advance(p);
}

static og_status parse_call(og_parser *p, const call_form *form, const og_expr **out)
{
  og_vec v = OG_VEC_INIT(const og_expr *);
  og_expr *e = new_expr(p, form->kind);
  if (!e) return OG_ENOMEM;
  *out = e;
  e->agg = form->agg;
  e->fn = form->fn;
  OG_TRY(og_parse__deeper(p));
  OG_TRY(og_parse__advance(p));
  OG_TRY(og_parse__punct(p, "("));
  OG_TRY(parse_distinct(p, e));
  OG_TRY(take_exprs(p, &v, parse_args(p, form, &v), e));
  p->depth--;
  e->span.end = p->lx.tok.span.end;
  return og_parse__punct(p, ")");
}

/* ---- primaries */

static og_status parse_var(og_parser *p, const og_expr **out)
{
  og_expr *e = new_expr(p, OG_EXPR_VAR);
  if (!e) return OG_ENOMEM;
  *out = e;
  OG_TRY(og_parse__var(p, &e->var, &e->span));
  if (!og_parse__at_punct(p, ".")) return OG_OK;
  OG_TRY(og_parse__advance(p));
  og_span span = {0};
  e->kind = OG_EXPR_PROP;
  OG_TRY(og_parse__ident(p, "a property name", &e->prop, &span));
  e->span.end = span.end;
  return OG_OK;
}

static og_status parse_literal_expr(og_parser *p, const og_expr **out)
{
  og_expr *e = new_expr(p, OG_EXPR_LITERAL);
  if (!e) return OG_ENOMEM;
  *out = e;
  og_status st = parse_literal(p, &e->lit);
  e->span = e->lit.span;
  return st;
}

/* date("…") is a literal; date of anything else is a function. */
static bool at_dated_literal(const og_parser *p)
{
  if (og_parse__at_head(p, "datetime", "(")) return true;
  if (!og_parse__at_head(p, "date", "(")) return false;
  og_parser ahead = *p;
  og_error saved = *p->cx->err;
  bool literal = og_parse__advance(&ahead) == OG_OK && og_parse__advance(&ahead) == OG_OK &&
                 ahead.lx.tok.kind == OG_TOK_STRING && og_parse__advance(&ahead) == OG_OK &&
                 og_parse__at_punct(&ahead, ")");
  *p->cx->err = saved;
  return literal;
}

static og_status parse_word(og_parser *p, const og_expr **out)
{
  og_tok next;
  call_form form;
  if (og_parse__at_word(p, "true") || og_parse__at_word(p, "false") || og_parse__at_word(p, "null") ||
      at_dated_literal(p))
    return parse_literal_expr(p, out);
  if (og_parse__peek(p, &next) && og_parse__tok_is(&next, "("))
    return find_call(p->lx.tok.text, &form) ? parse_call(p, &form, out) : unknown_call(p);
  og_expr *e = new_expr(p, OG_EXPR_ALIAS);
  if (!e) return OG_ENOMEM;
  *out = e;
  return og_parse__ident(p, "an expression", &e->prop, &e->span);
}

static og_status parse_group(og_parser *p, const og_expr **out)
{
  OG_TRY(og_parse__deeper(p));
  OG_TRY(og_parse__advance(p));
  OG_TRY(og_parse__expr(p, out));
  p->depth--;
  return og_parse__punct(p, ")");
}

static og_status parse_primary(og_parser *p, const og_expr **out)
{
  if (og_parse__at_punct(p, "(")) return parse_group(p, out);
  if (p->lx.tok.kind == OG_TOK_VAR) return parse_var(p, out);
  if (p->lx.tok.kind == OG_TOK_WORD) return parse_word(p, out);
  return parse_literal_expr(p, out);
}

/* ---- arithmetic */

static og_status parse_sign(og_parser *p, const og_expr **out)
{
  og_tok next;
  if (!og_parse__at_punct(p, "-")) return parse_primary(p, out);
  if (og_parse__peek(p, &next) && (next.kind == OG_TOK_INT || next.kind == OG_TOK_FLOAT))
    return parse_literal_expr(p, out);
  og_expr *e = new_expr(p, OG_EXPR_CALL);
  if (!e) return OG_ENOMEM;
  e->fn = OG_FN_NEG;
  OG_TRY(og_parse__deeper(p));
  OG_TRY(og_parse__advance(p));
  OG_TRY(parse_sign(p, out));
  p->depth--;
  const og_expr *of = *out;
  *out = e;
  return adopt_two(p, e, of, NULL);
}

typedef struct sign_fn {
  const char *sign;
  og_fn fn;
} sign_fn;

static bool at_sign(const og_parser *p, const sign_fn *signs, size_t n, og_fn *fn)
{
  for (size_t i = 0; i < n; i++) {
    *fn = signs[i].fn;
    if (og_parse__at_punct(p, signs[i].sign)) return true;
  }
  return false;
}

static og_status parse_product(og_parser *p, const og_expr **out)
{
  static const sign_fn signs[] = {{"*", OG_FN_MUL}, {"/", OG_FN_DIV}, {"%", OG_FN_MOD}};
  og_fn fn;
  OG_TRY(parse_sign(p, out));
  while (at_sign(p, signs, OG_ARRAY_LEN(signs), &fn)) {
    const og_expr *left = *out, *right;
    og_expr *e = new_expr(p, OG_EXPR_CALL);
    if (!e) return OG_ENOMEM;
    e->fn = fn;
    OG_TRY(og_parse__advance(p));
    OG_TRY(parse_sign(p, &right));
    OG_TRY(adopt_two(p, e, left, right));
    *out = e;
  }
  return OG_OK;
}

static og_status parse_sum(og_parser *p, const og_expr **out)
{
  static const sign_fn signs[] = {{"+", OG_FN_ADD}, {"-", OG_FN_SUB}};
  og_fn fn;
  OG_TRY(parse_product(p, out));
  while (at_sign(p, signs, OG_ARRAY_LEN(signs), &fn)) {
    const og_expr *left = *out, *right;
    og_expr *e = new_expr(p, OG_EXPR_CALL);
    if (!e) return OG_ENOMEM;
    e->fn = fn;
    OG_TRY(og_parse__advance(p));
    OG_TRY(parse_product(p, &right));
    OG_TRY(adopt_two(p, e, left, right));
    *out = e;
  }
  return OG_OK;
}

/* ---- conditions */

bool og_parse__at_word_op(const og_parser *p)
{
  static const char *const words[] = {"contains", "starts_with", "ends_with", "in", "is", "and", "or", "not"};
  og_tok next;
  for (size_t i = 0; i < OG_ARRAY_LEN(words); i++) {
    if (!og_parse__at_word(p, words[i])) continue;
    if (!og_parse__peek(p, &next)) return true;
    bool in = next.kind == OG_TOK_WORD && og_str_eq(next.text, OG_STR("in"));
    return og_str_eq(p->lx.tok.text, OG_STR("not")) ? in : !og_parse__tok_is(&next, ":");
  }
  return false;
}

static bool at_op(const og_parser *p, og_op *op)
{
  for (og_op o = OG_OP_EQ; o <= OG_OP_ENDS_WITH; o++) {
    *op = o;
    if (o < OG_OP_CONTAINS ? og_parse__at_punct(p, og_op_text(o))
                           : og_parse__at_word(p, og_op_text(o)) && og_parse__at_word_op(p))
      return true;
  }
  return false;
}

static og_status parse_comparison(og_parser *p, og_op op, const og_expr **out)
{
  const og_expr *left = *out, *right;
  og_expr *e = new_expr(p, OG_EXPR_COMPARE);
  if (!e) return OG_ENOMEM;
  e->op = op;
  OG_TRY(og_parse__advance(p));
  OG_TRY(parse_sum(p, &right));
  *out = e;
  return adopt_two(p, e, left, right);
}

static og_status parse_list_exprs(og_parser *p, og_vec *items)
{
  while (!og_parse__at_punct(p, "]")) {
    const og_expr *item;
    OG_TRY(parse_sum(p, &item));
    OG_TRY(og_vec_add(p->cx, items, &item));
    if (!og_parse__at_punct(p, ",")) break;
    OG_TRY(og_parse__advance(p));
    if (og_parse__at_punct(p, "]")) return og_parse__expected(p, "a value after ','", OG_STR_NONE);
  }
  return OG_OK;
}

/* A list of literals is a literal; else a LIST. */
static og_status parse_in_list(og_parser *p, const og_expr **out)
{
  og_vec v = OG_VEC_INIT(const og_expr *);
  og_expr *e = new_expr(p, OG_EXPR_LIST);
  if (!e) return OG_ENOMEM;
  *out = e;
  OG_TRY(og_parse__deeper(p));
  OG_TRY(og_parse__advance(p));
  OG_TRY(take_exprs(p, &v, parse_list_exprs(p, &v), e));
  p->depth--;
  e->span.end = p->lx.tok.span.end;
  OG_TRY(og_parse__punct(p, "]"));
  for (uint32_t i = 0; i < e->n_args; i++)
    if (e->args[i]->kind != OG_EXPR_LITERAL || e->args[i]->lit.kind == OG_LIT_NULL) return OG_OK;
  og_literal *list = og_arena_calloc(p->cx, p->a, (size_t)e->n_args + 1, sizeof *list);
  if (!list) return OG_ENOMEM;
  for (uint32_t i = 0; i < e->n_args; i++) list[i] = e->args[i]->lit;
  e->kind = OG_EXPR_LITERAL;
  e->lit = (og_literal){.kind = OG_LIT_LIST, .span = e->span, .items = list, .n_items = e->n_args};
  e->args = NULL;
  e->n_args = 0;
  return OG_OK;
}

static og_status parse_in(og_parser *p, const og_expr **out)
{
  const og_expr *left = *out, *right;
  og_expr *e = new_expr(p, OG_EXPR_IN);
  if (!e) return OG_ENOMEM;
  e->negated = og_parse__at_word(p, "not");
  if (e->negated) OG_TRY(og_parse__advance(p));
  OG_TRY(og_parse__advance(p));
  OG_TRY(og_parse__at_punct(p, "[") ? parse_in_list(p, &right) : parse_sum(p, &right));
  *out = e;
  return adopt_two(p, e, left, right);
}

static og_status parse_is(og_parser *p, const og_expr **out)
{
  const og_expr *of = *out;
  og_expr *e = new_expr(p, OG_EXPR_IS_NULL);
  if (!e) return OG_ENOMEM;
  OG_TRY(og_parse__advance(p));
  e->negated = og_parse__at_word(p, "not");
  if (e->negated) OG_TRY(og_parse__advance(p));
  if (!og_parse__at_word(p, "null"))
    return og_parse__expected(p, e->negated ? "'null'" : "'null' or 'not null'", OG_STR_NONE);
  e->span.end = p->lx.tok.span.end;
  OG_TRY(og_parse__advance(p));
  *out = e;
  return adopt_two(p, e, of, NULL);
}

static og_status parse_compare(og_parser *p, const og_expr **out)
{
  og_op op;
  OG_TRY(parse_sum(p, out));
  if (at_op(p, &op)) return parse_comparison(p, op, out);
  if (!og_parse__at_word_op(p)) return OG_OK;
  if (og_parse__at_word(p, "in") || og_parse__at_word(p, "not")) return parse_in(p, out);
  return og_parse__at_word(p, "is") ? parse_is(p, out) : OG_OK;
}

static og_status parse_not(og_parser *p, const og_expr **out)
{
  if (!og_parse__at_head(p, "not", "(")) return parse_compare(p, out);
  og_expr *e = new_expr(p, OG_EXPR_NOT);
  if (!e) return OG_ENOMEM;
  OG_TRY(og_parse__advance(p));
  OG_TRY(parse_group(p, out));
  const og_expr *of = *out;
  *out = e;
  return adopt_two(p, e, of, NULL);
}

typedef og_status (*level_fn)(og_parser *p, const og_expr **out);

static og_status add_chain(og_parser *p, og_expr_kind kind, const og_expr *e, og_vec *terms)
{
  for (uint32_t i = 0; e->kind == kind && i < e->n_args; i++) OG_TRY(og_vec_add(p->cx, terms, &e->args[i]));
  return e->kind == kind ? OG_OK : og_vec_add(p->cx, terms, &e);
}

static og_status parse_terms(og_parser *p, og_expr_kind kind, const char *word, level_fn term, og_vec *terms)
{
  while (og_parse__at_word(p, word) && og_parse__at_word_op(p)) {
    const og_expr *e;
    OG_TRY(og_parse__advance(p));
    OG_TRY(term(p, &e));
    OG_TRY(add_chain(p, kind, e, terms));
  }
  return OG_OK;
}

/* term { word term }: one node for the whole chain. */
static og_status parse_chain(og_parser *p, og_expr_kind kind, const char *word, level_fn term, const og_expr **out)
{
  og_vec v = OG_VEC_INIT(const og_expr *);
  OG_TRY(term(p, out));
  if (!og_parse__at_word(p, word) || !og_parse__at_word_op(p)) return OG_OK;
  og_expr *e = new_expr(p, kind);
  if (!e) return OG_ENOMEM;
  og_status st = add_chain(p, kind, *out, &v);
  if (st == OG_OK) st = parse_terms(p, kind, word, term, &v);
  *out = e;
  return take_exprs(p, &v, st, e);
}

static og_status parse_and(og_parser *p, const og_expr **out)
{
  return parse_chain(p, OG_EXPR_AND, "and", parse_not, out);
}

og_status og_parse__expr(og_parser *p, const og_expr **out)
{
  return parse_chain(p, OG_EXPR_OR, "or", parse_and, out);
}
