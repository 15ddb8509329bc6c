/* SPDX-License-Identifier: MIT */
/* query/parse.c -- `.gq` by recursive descent.
 *
 * One token of look-ahead, and cheap copies of the lexer where a clause needs a second look: a clause that begins with
 * a variable is a binding ($x: Type), a traversal ($x edge $y) or a comparison ($x.p > 1), and what decides comes two
 * tokens later.  Keywords are positional, as in the language: a property may be called `limit`.
 *
 * The parser only says what was written.  What it means, and most of what is wrong with it, is the checker's.
 */
#include "query/ast.h"

#include "base/limits.h"
#include "base/num.h"
#include "base/vec.h"
#include "schema/lex.h"

typedef struct parser {
  og_ctx *cx;
  og_arena *a;
  og_lexer lx;
  unsigned depth;
} parser;

const char *og_op_text(og_op op)
{
  static const char *const texts[] = {"=", "!=", "<", "<=", ">", ">=", "contains", "starts_with"};
  return texts[op];
}

/* ---- tokens */

static bool at_punct(const parser *p, const char *what)
{
  return p->lx.tok.kind == OG_TOK_PUNCT && og_str_eq(p->lx.tok.text, og_str_of(what));
}

static bool at_word(const parser *p, const char *what)
{
  return p->lx.tok.kind == OG_TOK_WORD && og_str_eq(p->lx.tok.text, og_str_of(what));
}

static bool is_upper(og_str word)
{
  return word.len && word.ptr[0] >= 'A' && word.ptr[0] <= 'Z';
}

static og_status advance(parser *p)
{
  return og_lexer_next(p->cx, &p->lx);
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

static og_status skip_comma(parser *p)
{
  return at_punct(p, ",") ? advance(p) : OG_OK;
}

static og_status take_ident(parser *p, const char *what, og_str *out, og_span *span)
{
  if (p->lx.tok.kind != OG_TOK_WORD) return fail_expected(p, what, OG_STR_NONE);
  if (is_upper(p->lx.tok.text))
    return fail_expected(p, what, OG_STR("names of properties, edges and queries start with a lower-case letter"));
  *out = p->lx.tok.text;
  if (span) *span = p->lx.tok.span;
  return advance(p);
}

static og_status take_type(parser *p, og_str *out, og_span *span)
{
  if (p->lx.tok.kind != OG_TOK_WORD || !is_upper(p->lx.tok.text))
    return fail_expected(p, "a type name", OG_STR("type names start with an upper-case letter"));
  *out = p->lx.tok.text;
  *span = p->lx.tok.span;
  return advance(p);
}

static og_status take_var(parser *p, og_str *out, og_span *span)
{
  if (p->lx.tok.kind != OG_TOK_VAR) return fail_expected(p, "a variable such as $x", OG_STR_NONE);
  *out = p->lx.tok.text;
  *span = p->lx.tok.span;
  return advance(p);
}

static og_status take_int(parser *p, const char *what, int64_t *out)
{
  if (p->lx.tok.kind != OG_TOK_INT) return fail_expected(p, what, OG_STR_NONE);
  if (!og_str_to_i64(p->lx.tok.text, out))
    return og_source_fail(p->cx, OG_EINVALID, p->lx.src, p->lx.tok.span, OG_STR("the largest integer is 2^63 - 1"),
                          "parse error: this integer is too large");
  return advance(p);
}

static og_status deeper(parser *p)
{
  if (++p->depth <= OG_LIMIT_PARSE_DEPTH) return OG_OK;
  og_source_fail(p->cx, OG_ELIMIT, p->lx.src, p->lx.tok.span, OG_STR_NONE,
                 "parse error: nested more than %d levels deep", OG_LIMIT_PARSE_DEPTH);
  og_detail *d = og_error_detail(p->cx, OG_DETAIL_RESOURCE_LIMIT);
  og_detail_set(d->resource, sizeof d->resource, OG_STR("nesting"));
  d->limit = OG_LIMIT_PARSE_DEPTH;
  d->used = p->depth;
  return OG_ELIMIT;
}

/* Moves a vector's elements to the arena, where the AST lives. */
static og_status to_arena(parser *p, og_vec *v, og_status st, const void *out, uint32_t *n)
{
  if (st == OG_OK) {
    void *copy = og_arena_calloc(p->cx, p->a, v->len + 1, v->elem);
    if (copy && v->len) memcpy(copy, v->data, v->len * v->elem);
    if (!copy) st = OG_ENOMEM;
    memcpy((void *)(uintptr_t)out, &copy, sizeof copy);
    *n = (uint32_t)v->len;
  }
  og_vec_cleanup(v);
  return st;
}

/* ---- literals and expressions */

static og_status parse_literal(parser *p, og_literal *out);

static og_status parse_items(parser *p, og_vec *items)
{
  while (!at_punct(p, "]")) {
    og_literal *item = og_vec_push(p->cx, items);
    if (!item) return OG_ENOMEM;
    OG_TRY(parse_literal(p, item));
    if (!at_punct(p, ",")) break;
    OG_TRY(advance(p));
    if (at_punct(p, "]")) return fail_expected(p, "a value after ','", OG_STR_NONE);
  }
  return OG_OK;
}

static og_status parse_list(parser *p, og_literal *out)
{
  og_vec items = OG_VEC_INIT(og_literal);
  out->kind = OG_LIT_LIST;
  OG_TRY(deeper(p));
  OG_TRY(advance(p));
  OG_TRY(to_arena(p, &items, parse_items(p, &items), &out->items, &out->n_items));
  p->depth--;
  out->span.end = p->lx.tok.span.end;
  return expect_punct(p, "]");
}

static og_status parse_dated(parser *p, og_lit_kind kind, og_literal *out)
{
  out->kind = kind;
  OG_TRY(advance(p));
  OG_TRY(expect_punct(p, "("));
  if (p->lx.tok.kind != OG_TOK_STRING) return fail_expected(p, "a string", OG_STR_NONE);
  OG_TRY(og_lexer_string(p->cx, &p->lx, p->a, &out->str));
  OG_TRY(advance(p));
  out->span.end = p->lx.tok.span.end;
  return expect_punct(p, ")");
}

static og_status parse_scalar_literal(parser *p, og_literal *out)
{
  switch (p->lx.tok.kind) {
  case OG_TOK_STRING:
    out->kind = OG_LIT_STRING;
    OG_TRY(og_lexer_string(p->cx, &p->lx, p->a, &out->str));
    return advance(p);
  case OG_TOK_INT: out->kind = OG_LIT_INT; return take_int(p, "an integer", &out->i);
  case OG_TOK_FLOAT:
    out->kind = OG_LIT_FLOAT;
    if (!og_str_to_f64(p->lx.tok.text, &out->f)) return fail_expected(p, "a number in the range of F64", OG_STR_NONE);
    return advance(p);
  case OG_TOK_WORD:
    if (at_word(p, "true") || at_word(p, "false")) {
      out->kind = OG_LIT_BOOL;
      out->b = at_word(p, "true");
      return advance(p);
    }
    if (at_word(p, "date")) return parse_dated(p, OG_LIT_DATE, out);
    if (at_word(p, "datetime")) return parse_dated(p, OG_LIT_DATETIME, out);
    break;
  default: break;
  }
  return fail_expected(p, "a value", OG_STR_NONE);
}

static og_status parse_literal(parser *p, og_literal *out)
{
  *out = (og_literal){.span = p->lx.tok.span};
  return at_punct(p, "[") ? parse_list(p, out) : parse_scalar_literal(p, out);
}

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
    {"bm25", OG_EXPR_BM25, 0, 2, 2},        {"rrf", OG_EXPR_RRF, 0, 2, 3},
};

static int find_call(const parser *p)
{
  og_lexer ahead = p->lx;
  if (p->lx.tok.kind != OG_TOK_WORD) return -1;
  for (size_t i = 0; i < OG_ARRAY_LEN(calls); i++) {
    if (!og_str_eq(p->lx.tok.text, og_str_of(calls[i].word))) continue;
    og_error saved = *p->cx->err; /* looking must not leave an error behind */
    bool call = og_lexer_next(p->cx, &ahead) == OG_OK && ahead.tok.kind == OG_TOK_PUNCT &&
                og_str_eq(ahead.tok.text, OG_STR("("));
    *p->cx->err = saved;
    return call ? (int)i : -1;
  }
  return -1;
}

static og_status parse_expr(parser *p, const og_expr **out);

static og_status parse_call(parser *p, int which, og_expr *e)
{
  e->kind = calls[which].kind;
  e->agg = calls[which].agg;
  OG_TRY(deeper(p));
  OG_TRY(advance(p));
  OG_TRY(expect_punct(p, "("));
  while (!at_punct(p, ")")) {
    if (e->n_args == calls[which].max_args) return fail_expected(p, "')'", OG_STR_NONE);
    OG_TRY(parse_expr(p, &e->args[e->n_args++]));
    if (!at_punct(p, ",")) break;
    OG_TRY(advance(p));
  }
  p->depth--;
  if (e->n_args < calls[which].min_args) return fail_expected(p, "one more argument", OG_STR_NONE);
  e->span.end = p->lx.tok.span.end;
  return expect_punct(p, ")");
}

static og_status parse_var_expr(parser *p, og_expr *e)
{
  e->kind = OG_EXPR_VAR;
  OG_TRY(take_var(p, &e->var, &e->span));
  if (!at_punct(p, ".")) return OG_OK;
  OG_TRY(advance(p));
  og_span span = {0};
  e->kind = OG_EXPR_PROP;
  OG_TRY(take_ident(p, "a property name", &e->prop, &span));
  e->span.end = span.end;
  return OG_OK;
}

static bool at_literal_word(const parser *p)
{
  return at_word(p, "true") || at_word(p, "false");
}

static og_status parse_word_expr(parser *p, og_expr *e)
{
  og_lexer ahead = p->lx;
  bool dated = at_word(p, "date") || at_word(p, "datetime");
  if (dated) OG_TRY(og_lexer_next(p->cx, &ahead));
  if (at_literal_word(p) || (dated && ahead.tok.kind == OG_TOK_PUNCT && og_str_eq(ahead.tok.text, OG_STR("(")))) {
    e->kind = OG_EXPR_LITERAL;
    return parse_literal(p, &e->lit);
  }
  e->kind = OG_EXPR_ALIAS;
  return take_ident(p, "an expression", &e->prop, &e->span);
}

static og_status parse_expr(parser *p, const og_expr **out)
{
  og_expr *e = og_arena_zalloc(p->cx, p->a, sizeof *e);
  if (!e) return OG_ENOMEM;
  e->span = p->lx.tok.span;
  *out = e;
  int call = find_call(p);
  if (call >= 0) return parse_call(p, call, e);
  if (p->lx.tok.kind == OG_TOK_VAR) return parse_var_expr(p, e);
  if (p->lx.tok.kind == OG_TOK_WORD) return parse_word_expr(p, e);
  e->kind = OG_EXPR_LITERAL;
  og_status st = parse_literal(p, &e->lit);
  e->span = e->lit.span;
  return st;
}

/* value = literal | Var | now(): what stands behind `name:` and in a where. */
static og_status parse_value(parser *p, const og_expr **out)
{
  og_span at = p->lx.tok.span;
  OG_TRY(parse_expr(p, out));
  og_expr_kind kind = (*out)->kind;
  if (kind == OG_EXPR_LITERAL || kind == OG_EXPR_VAR || kind == OG_EXPR_NOW) return OG_OK;
  return og_source_fail(p->cx, OG_EINVALID, p->lx.src, at, OG_STR_NONE,
                        "parse error: expected a value: a literal, a parameter or now()");
}

static bool at_op(const parser *p, og_op *op)
{
  for (og_op o = OG_OP_EQ; o <= OG_OP_STARTS_WITH; o++) {
    bool word = o >= OG_OP_CONTAINS;
    if (word ? at_word(p, og_op_text(o)) : at_punct(p, og_op_text(o))) {
      *op = o;
      return true;
    }
  }
  return false;
}

/* ---- clauses */

static og_status parse_assigns(parser *p, og_vec *out)
{
  while (!at_punct(p, "}")) {
    og_assign *a = og_vec_push(p->cx, out);
    if (!a) return OG_ENOMEM;
    OG_TRY(take_ident(p, "a property name", &a->name, &a->name_span));
    if (!at_punct(p, ":"))
      return fail_expected(p, "':'", OG_STR("braces hold name: value; other comparisons are clauses of their own"));
    OG_TRY(advance(p));
    OG_TRY(parse_value(p, &a->value));
    OG_TRY(skip_comma(p));
  }
  return advance(p);
}

static og_status parse_assign_block(parser *p, const og_assign **out, uint32_t *n)
{
  og_vec v = OG_VEC_INIT(og_assign);
  OG_TRY(expect_punct(p, "{"));
  return to_arena(p, &v, parse_assigns(p, &v), out, n);
}

static og_status parse_binding(parser *p, og_clause *c)
{
  c->kind = OG_CLAUSE_BINDING;
  OG_TRY(take_var(p, &c->var, &c->var_span));
  OG_TRY(expect_punct(p, ":"));
  OG_TRY(take_type(p, &c->type, &c->type_span));
  return at_punct(p, "{") ? parse_assign_block(p, &c->matches, &c->n_matches) : OG_OK;
}

static og_status parse_bounds(parser *p, og_clause *c)
{
  c->has_bounds = true;
  OG_TRY(advance(p));
  OG_TRY(take_int(p, "the smallest number of hops", &c->min));
  OG_TRY(expect_punct(p, ","));
  if (p->lx.tok.kind == OG_TOK_INT) {
    c->has_max = true;
    OG_TRY(take_int(p, "the largest number of hops", &c->max));
  }
  return expect_punct(p, "}");
}

static og_status parse_traversal(parser *p, og_clause *c)
{
  c->kind = OG_CLAUSE_TRAVERSAL;
  c->min = c->max = 1;
  OG_TRY(take_var(p, &c->var, &c->var_span));
  if (p->lx.tok.kind == OG_TOK_VAR) {
    OG_TRY(take_var(p, &c->edge_var, &c->edge_var_span));
    OG_TRY(expect_punct(p, ":"));
  }
  c->undirected = at_punct(p, "<");
  if (c->undirected) OG_TRY(advance(p));
  OG_TRY(take_ident(p, "an edge name", &c->edge, &c->edge_span));
  if (c->undirected) OG_TRY(expect_punct(p, ">"));
  if (at_punct(p, "{")) OG_TRY(parse_bounds(p, c));
  return take_var(p, &c->dst, &c->dst_span);
}

/* A word begins no clause, and `or` joins none: tell that, not what the word lacks behind it. */
static og_status fail_word_clause(parser *p, const og_expr *word)
{
  bool ends = og_str_eq(word->prop, OG_STR("return"));
  return og_source_fail(p->cx, OG_EINVALID, p->lx.src, word->span,
                        ends ? OG_STR("close the block in front of it with '}'")
                             : OG_STR("variables start with $; all clauses of a block must hold, there is no 'or'"),
                        "parse error: expected a clause or '}', found '" OG_STR_FMT "'", OG_STR_ARG(word->prop));
}

static og_status parse_filter(parser *p, og_clause *c)
{
  OG_TRY(parse_expr(p, &c->left));
  og_expr_kind kind = c->left->kind;
  if (at_op(p, &c->op)) {
    c->kind = OG_CLAUSE_FILTER;
    OG_TRY(advance(p));
    return parse_expr(p, &c->right);
  }
  c->kind = OG_CLAUSE_TEXT;
  if (kind == OG_EXPR_SEARCH || kind == OG_EXPR_FUZZY || kind == OG_EXPR_MATCH_TEXT) return OG_OK;
  if (kind == OG_EXPR_ALIAS) return fail_word_clause(p, c->left);
  return fail_expected(p, "a comparison (= != < <= > >= contains starts_with)", OG_STR_NONE);
}

typedef enum var_clause { VAR_BINDING, VAR_TRAVERSAL, VAR_FILTER } var_clause;

static bool tok_is(const og_tok *t, const char *punct)
{
  return t->kind == OG_TOK_PUNCT && og_str_eq(t->text, og_str_of(punct));
}

/* A clause begins with a variable: which kind is it? Looks at most four tokens ahead. */
static og_status classify(parser *p, var_clause *out)
{
  og_lexer a = p->lx, b;
  OG_TRY(og_lexer_next(p->cx, &a));
  *out = VAR_FILTER;
  if (tok_is(&a.tok, ":")) *out = VAR_BINDING;
  if (a.tok.kind == OG_TOK_VAR) *out = VAR_TRAVERSAL;
  b = a;
  if (a.tok.kind == OG_TOK_WORD) {
    OG_TRY(og_lexer_next(p->cx, &b));
    og_op op;
    parser after = *p;
    after.lx = a;
    bool operator_word = at_op(&after, &op);
    bool to_var = b.tok.kind == OG_TOK_VAR || tok_is(&b.tok, "{");
    if (to_var || !operator_word) *out = VAR_TRAVERSAL;
  }
  if (tok_is(&a.tok, "<")) {
    OG_TRY(og_lexer_next(p->cx, &b));
    bool word = b.tok.kind == OG_TOK_WORD;
    if (word) OG_TRY(og_lexer_next(p->cx, &b));
    if (word && tok_is(&b.tok, ">")) *out = VAR_TRAVERSAL;
  }
  return OG_OK;
}

static og_status parse_clauses(parser *p, og_vec *out);

static og_status parse_not(parser *p, og_clause *c)
{
  og_vec inner = OG_VEC_INIT(og_clause);
  c->kind = OG_CLAUSE_NOT;
  OG_TRY(deeper(p));
  OG_TRY(advance(p));
  OG_TRY(expect_punct(p, "{"));
  OG_TRY(to_arena(p, &inner, parse_clauses(p, &inner), &c->inner, &c->n_inner));
  p->depth--;
  return OG_OK;
}

static og_status parse_clause(parser *p, og_clause *c)
{
  c->span = p->lx.tok.span;
  if (at_word(p, "not")) return parse_not(p, c);
  if (at_punct(p, ":"))
    return fail_expected(p, "another clause", OG_STR("a variable gets its type in a clause of its own: $x: Type"));
  if (p->lx.tok.kind != OG_TOK_VAR) return parse_filter(p, c);
  var_clause kind;
  OG_TRY(classify(p, &kind));
  if (kind == VAR_BINDING) return parse_binding(p, c);
  return kind == VAR_TRAVERSAL ? parse_traversal(p, c) : parse_filter(p, c);
}

/* clause+ up to and including '}'. */
static og_status parse_clauses(parser *p, og_vec *out)
{
  if (at_punct(p, "}")) return fail_expected(p, "at least one clause", OG_STR_NONE);
  while (!at_punct(p, "}")) {
    og_clause c = {0};
    OG_TRY(parse_clause(p, &c));
    c.span.end = p->lx.tok.span.start;
    OG_TRY(og_vec_add(p->cx, out, &c));
  }
  return advance(p);
}

/* ---- bodies */

static og_status parse_returns(parser *p, og_vec *out)
{
  OG_TRY(expect_punct(p, "{"));
  if (at_punct(p, "}")) return fail_expected(p, "at least one column to return", OG_STR_NONE);
  while (!at_punct(p, "}")) {
    og_projection *r = og_vec_push(p->cx, out);
    if (!r) return OG_ENOMEM;
    OG_TRY(parse_expr(p, &r->expr));
    if (at_word(p, "as")) {
      OG_TRY(advance(p));
      OG_TRY(take_ident(p, "a column name", &r->alias, &r->alias_span));
    }
    OG_TRY(skip_comma(p));
  }
  return advance(p);
}

static og_status parse_order(parser *p, og_vec *out)
{
  OG_TRY(expect_punct(p, "{"));
  for (;;) {
    og_ordering *o = og_vec_push(p->cx, out);
    if (!o) return OG_ENOMEM;
    OG_TRY(parse_expr(p, &o->expr));
    if ((at_word(p, "asc") || at_word(p, "desc")) && o->expr->kind != OG_EXPR_NEAREST) {
      o->desc = at_word(p, "desc");
      OG_TRY(advance(p));
    }
    if (!at_punct(p, ",")) break;
    OG_TRY(advance(p));
  }
  return expect_punct(p, "}");
}

static og_status parse_limit(parser *p, og_query *q)
{
  int64_t n = 0;
  OG_TRY(advance(p));
  q->has_limit = true;
  q->limit_span = p->lx.tok.span;
  OG_TRY(take_int(p, "the number of rows", &n));
  q->limit = (uint64_t)n;
  return OG_OK;
}

static og_status parse_read(parser *p, og_query *q)
{
  og_vec clauses = OG_VEC_INIT(og_clause), returns = OG_VEC_INIT(og_projection), order = OG_VEC_INIT(og_ordering);
  OG_TRY(advance(p));
  OG_TRY(expect_punct(p, "{"));
  OG_TRY(to_arena(p, &clauses, parse_clauses(p, &clauses), &q->clauses, &q->n_clauses));
  if (!at_word(p, "return")) return fail_expected(p, "'return'", OG_STR_NONE);
  OG_TRY(advance(p));
  OG_TRY(to_arena(p, &returns, parse_returns(p, &returns), &q->returns, &q->n_returns));
  if (at_word(p, "order")) {
    OG_TRY(advance(p));
    OG_TRY(to_arena(p, &order, parse_order(p, &order), &q->order, &q->n_order));
  }
  return at_word(p, "limit") ? parse_limit(p, q) : OG_OK;
}

static og_status parse_where(parser *p, og_stmt *s)
{
  if (!at_word(p, "where")) return fail_expected(p, "'where'", OG_STR("update and delete need a predicate"));
  OG_TRY(advance(p));
  OG_TRY(take_ident(p, "a property name", &s->pred_prop, &s->pred_span));
  if (!at_op(p, &s->pred_op) || s->pred_op >= OG_OP_CONTAINS)
    return fail_expected(p, "a comparison (= != < <= > >=)", OG_STR_NONE);
  OG_TRY(advance(p));
  return parse_value(p, &s->pred_value);
}

static og_status parse_stmt(parser *p, og_stmt *s)
{
  s->span = p->lx.tok.span;
  s->kind = at_word(p, "insert") ? OG_STMT_INSERT : at_word(p, "update") ? OG_STMT_UPDATE : OG_STMT_DELETE;
  OG_TRY(advance(p));
  OG_TRY(take_type(p, &s->type, &s->type_span));
  if (s->kind == OG_STMT_INSERT) return parse_assign_block(p, &s->assigns, &s->n_assigns);
  if (s->kind == OG_STMT_UPDATE) {
    if (!at_word(p, "set")) return fail_expected(p, "'set'", OG_STR_NONE);
    OG_TRY(advance(p));
    OG_TRY(parse_assign_block(p, &s->assigns, &s->n_assigns));
  }
  return parse_where(p, s);
}

static bool at_stmt(const parser *p)
{
  return at_word(p, "insert") || at_word(p, "update") || at_word(p, "delete");
}

static og_status parse_stmts(parser *p, og_vec *out)
{
  while (at_stmt(p)) {
    og_stmt *s = og_vec_push(p->cx, out);
    if (!s) return OG_ENOMEM;
    OG_TRY(parse_stmt(p, s));
  }
  return OG_OK;
}

static const char *may_follow(const og_query *q)
{
  if (q->is_mutation) return "another statement or '}'";
  if (q->has_limit) return "'}'";
  return q->n_order ? "',', 'limit' or '}'" : "'order', 'limit' or '}'";
}

static og_status parse_body(parser *p, og_query *q)
{
  og_vec stmts = OG_VEC_INIT(og_stmt);
  OG_TRY(expect_punct(p, "{"));
  if (at_word(p, "match")) {
    OG_TRY(parse_read(p, q));
  } else if (at_stmt(p)) {
    q->is_mutation = true;
    OG_TRY(to_arena(p, &stmts, parse_stmts(p, &stmts), &q->stmts, &q->n_stmts));
  } else {
    return fail_expected(p, "'match', 'insert', 'update' or 'delete'", OG_STR_NONE);
  }
  if (!at_punct(p, "}")) return fail_expected(p, may_follow(q), OG_STR_NONE);
  q->span.end = p->lx.tok.span.end;
  return advance(p);
}

/* ---- heads */

static og_status parse_param_type(parser *p, og_param_decl *d)
{
  d->list = at_punct(p, "[");
  if (d->list) OG_TRY(advance(p));
  OG_TRY(take_type(p, &d->type, &d->type_span));
  if (og_str_eq(d->type, OG_STR("Vector")) && !d->list) {
    int64_t dim = 0;
    OG_TRY(expect_punct(p, "("));
    OG_TRY(take_int(p, "the vector's dimension", &dim));
    if (dim < 1 || dim > OG_LIMIT_VECTOR_DIM)
      return og_source_fail(p->cx, OG_EINVALID, p->lx.src, d->type_span, OG_STR_NONE,
                            "parse error: a vector has 1 to %d dimensions", OG_LIMIT_VECTOR_DIM);
    d->dim = (uint32_t)dim;
    OG_TRY(expect_punct(p, ")"));
  }
  if (d->list) OG_TRY(expect_punct(p, "]"));
  d->nullable = at_punct(p, "?");
  return d->nullable ? advance(p) : OG_OK;
}

static og_status parse_params(parser *p, og_vec *out)
{
  OG_TRY(expect_punct(p, "("));
  while (!at_punct(p, ")")) {
    og_param_decl *d = og_vec_push(p->cx, out);
    if (!d) return OG_ENOMEM;
    if (out->len > OG_LIMIT_PARAMS) return fail_expected(p, "at most 1024 parameters", OG_STR_NONE);
    OG_TRY(take_var(p, &d->name, &d->span));
    OG_TRY(expect_punct(p, ":"));
    OG_TRY(parse_param_type(p, d));
    if (!at_punct(p, ",")) break;
    OG_TRY(advance(p));
    if (at_punct(p, ")")) return fail_expected(p, "a parameter after ','", OG_STR_NONE);
  }
  return expect_punct(p, ")");
}

static og_status parse_annotations(parser *p, og_query *q)
{
  while (p->lx.tok.kind == OG_TOK_ANNOT) {
    og_tok name = p->lx.tok;
    og_str *slot = og_str_eq(name.text, OG_STR("description"))   ? &q->description
                   : og_str_eq(name.text, OG_STR("instruction")) ? &q->instruction
                                                                 : NULL;
    if (!slot) return fail_expected(p, "@description(…) or @instruction(…)", OG_STR_NONE);
    if (slot->ptr)
      return og_source_fail(p->cx, OG_EINVALID, p->lx.src, name.span, OG_STR_NONE,
                            "parse error: query '" OG_STR_FMT "' has @" OG_STR_FMT " twice", OG_STR_ARG(q->name),
                            OG_STR_ARG(name.text));
    OG_TRY(advance(p));
    OG_TRY(expect_punct(p, "("));
    if (p->lx.tok.kind != OG_TOK_STRING) return fail_expected(p, "a string", OG_STR_NONE);
    OG_TRY(og_lexer_string(p->cx, &p->lx, p->a, slot));
    OG_TRY(advance(p));
    OG_TRY(expect_punct(p, ")"));
  }
  return OG_OK;
}

static og_status parse_query(parser *p, og_query *q)
{
  og_vec params = OG_VEC_INIT(og_param_decl);
  q->span = p->lx.tok.span;
  if (!at_word(p, "query")) return fail_expected(p, "'query'", OG_STR_NONE);
  OG_TRY(advance(p));
  OG_TRY(take_ident(p, "a query name", &q->name, &q->name_span));
  OG_TRY(to_arena(p, &params, parse_params(p, &params), &q->params, &q->n_params));
  OG_TRY(parse_annotations(p, q));
  return parse_body(p, q);
}

static og_status parse_file(parser *p, og_vec *out)
{
  while (p->lx.tok.kind != OG_TOK_END) {
    og_query *q = og_vec_push(p->cx, out);
    if (!q) return OG_ENOMEM;
    OG_TRY(parse_query(p, q));
  }
  return OG_OK;
}

og_status og_query_parse(og_ctx *cx, og_arena *a, og_str text, og_str file_name, og_query_file *out)
{
  og_vec queries = OG_VEC_INIT(og_query);
  *out = (og_query_file){.source = {text, file_name}};
  OG_TRY(og_source_check(cx, &out->source));
  parser p = {.cx = cx, .a = a};
  OG_TRY(og_lexer_init(cx, &p.lx, &out->source, false));
  return to_arena(&p, &queries, parse_file(&p, &queries), &out->queries, &out->n_queries);
}

og_status og_query_find(og_ctx *cx, const og_query_file *f, og_str name, const og_query **out)
{
  if (name.len == 0 && f->n_queries == 1) {
    *out = &f->queries[0];
    return OG_OK;
  }
  if (f->n_queries == 0) return og_fail(cx, OG_EINVALID, "the source holds no query");
  if (name.len == 0)
    return og_fail(cx, OG_EINVALID, "the source holds multiple queries (%u); name the one to run", f->n_queries);
  og_str near = OG_STR_NONE;
  for (uint32_t i = 0; i < f->n_queries; i++) {
    if (og_str_eq(f->queries[i].name, name)) {
      *out = &f->queries[i];
      return OG_OK;
    }
    if (og_str_distance(f->queries[i].name, name, 2) <= 2) near = f->queries[i].name;
  }
  return og_fail(cx, OG_EINVALID, "query '" OG_STR_FMT "' not found%s" OG_STR_FMT "%s", OG_STR_ARG(name),
                 near.ptr ? "; did you mean '" : "", OG_STR_ARG(near), near.ptr ? "'?" : "");
}
