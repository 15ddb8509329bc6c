/* SPDX-License-Identifier: MIT */
/* query/parse.c -- `.gq` by recursive descent: files, queries, blocks and clauses; parse_expr.c has the expressions.
 *
 * One token of look-ahead, and cheap copies of the lexer where a clause needs a second look: a clause that begins with
 * a variable is a binding ($x: Type), a traversal ($x edge $y) or a condition ($x.p > 1), and what decides comes two
 * or three tokens later.  Keywords are positional, as in the language: a property may be called `limit`, an edge `in`.
 *
 * The parser only says what was written.  What it means, and most of what is wrong with it, is the checker's.
 */
#include "query/parse.h"

#include "base/limits.h"

const char *og_op_text(og_op op)
{
  static const char *const texts[] = {"=", "!=", "<", "<=", ">", ">=", "contains", "starts_with", "ends_with"};
  return texts[op];
}

const char *og_agg_text(og_agg agg)
{
  static const char *const texts[] = {"count", "sum", "avg", "min", "max"};
  return texts[agg];
}

const og_fn_info *og_fn_describe(og_fn fn)
{
  enum { MANY = 255 };
  static const og_fn_info fns[OG_FN_COUNT_] = {
      [OG_FN_NEG] = {"-", 1, 1},
      [OG_FN_ADD] = {"+", 2, 2},
      [OG_FN_SUB] = {"-", 2, 2},
      [OG_FN_MUL] = {"*", 2, 2},
      [OG_FN_DIV] = {"/", 2, 2},
      [OG_FN_MOD] = {"%", 2, 2},
      [OG_FN_ABS] = {"abs", 1, 1},
      [OG_FN_ROUND] = {"round", 1, 2},
      [OG_FN_FLOOR] = {"floor", 1, 1},
      [OG_FN_CEIL] = {"ceil", 1, 1},
      [OG_FN_LEAST] = {"least", 1, MANY},
      [OG_FN_GREATEST] = {"greatest", 1, MANY},
      [OG_FN_COALESCE] = {"coalesce", 1, MANY},
      [OG_FN_IF] = {"if", 3, 3},
      [OG_FN_LOWER] = {"lower", 1, 1},
      [OG_FN_UPPER] = {"upper", 1, 1},
      [OG_FN_TRIM] = {"trim", 1, 1},
      [OG_FN_LENGTH] = {"length", 1, 1},
      [OG_FN_SUBSTRING] = {"substring", 2, 3},
      [OG_FN_REPLACE] = {"replace", 3, 3},
      [OG_FN_CONCAT] = {"concat", 1, MANY},
      [OG_FN_YEAR] = {"year", 1, 1},
      [OG_FN_MONTH] = {"month", 1, 1},
      [OG_FN_DAY] = {"day", 1, 1},
      [OG_FN_HOUR] = {"hour", 1, 1},
      [OG_FN_MINUTE] = {"minute", 1, 1},
      [OG_FN_SECOND] = {"second", 1, 1},
      [OG_FN_TO_DATE] = {"date", 1, 1},
      [OG_FN_TO_STRING] = {"string", 1, 1},
      [OG_FN_TO_INT] = {"int", 1, 1},
      [OG_FN_TO_FLOAT] = {"float", 1, 1},
      [OG_FN_ID] = {"id", 1, 1},
      [OG_FN_TYPE] = {"type", 1, 1},
      [OG_FN_HOPS] = {"hops", 1, 1},
      [OG_FN_NODES] = {"nodes", 1, 1},
      [OG_FN_EDGES] = {"edges", 1, 1},
  };
  return &fns[fn];
}

/* ---- tokens */

bool og_parse__at_punct(const og_parser *p, const char *what)
{
  return p->lx.tok.kind == OG_TOK_PUNCT && og_str_eq(p->lx.tok.text, og_str_of(what));
}

bool og_parse__at_word(const og_parser *p, const char *what)
{
  return p->lx.tok.kind == OG_TOK_WORD && og_str_eq(p->lx.tok.text, og_str_of(what));
}

static bool is_upper(og_str word)
{
  return word.len && word.ptr[0] >= 'A' && word.ptr[0] <= 'Z';
}

og_status og_parse__advance(og_parser *p)
{
  return og_lexer_next(p->cx, &p->lx);
}

bool og_parse__tok_is(const og_tok *t, const char *punct)
{
  return t->kind == OG_TOK_PUNCT && og_str_eq(t->text, og_str_of(punct));
}

bool og_parse__peek(const og_parser *p, og_tok *tok)
{
  og_lexer ahead = p->lx;
  og_error saved = *p->cx->err; /* looking must not leave an error behind */
  bool ok = og_lexer_next(p->cx, &ahead) == OG_OK;
  *p->cx->err = saved;
  *tok = ahead.tok;
  return ok;
}

bool og_parse__at_head(const og_parser *p, const char *what, const char *sign)
{
  og_tok next;
  return og_parse__at_word(p, what) && og_parse__peek(p, &next) && og_parse__tok_is(&next, sign);
}

og_status og_parse__expected(og_parser *p, const char *what, og_str hint)
{
  const og_tok *t = &p->lx.tok;
  if (t->kind == OG_TOK_END)
    return og_source_fail(p->cx, OG_EINVALID, p->lx.src, t->span, hint, "parse error: expected %s, but the text ends",
                          what);
  return og_source_fail(p->cx, OG_EINVALID, p->lx.src, t->span, hint,
                        "parse error: expected %s, found '" OG_STR_FMT "'", what,
                        OG_STR_ARG(og_str_sub(p->lx.src->text, t->span.start, t->span.end)));
}

og_status og_parse__expected_word(og_parser *p, const char *what, const char *const *words, size_t n)
{
  og_str found = p->lx.tok.text, hint = OG_STR_NONE;
  unsigned best = found.len > 4 ? 2 : 1;
  for (size_t i = 0; p->lx.tok.kind == OG_TOK_WORD && i < n; i++) {
    unsigned distance = og_str_distance(found, og_str_of(words[i]), best);
    bool nearer = distance <= best && distance < found.len && !(hint.len && distance == best);
    if (distance == 0 || !nearer) continue; /* the right word in the wrong place is not misspelt */
    best = distance;
    OG_TRY(og_arena_printf(p->cx, p->a, &hint, "did you mean '%s'?", words[i]));
  }
  return og_parse__expected(p, what, hint);
}

og_status og_parse__punct(og_parser *p, const char *what)
{
  char quoted[8] = {'\'', 0};
  size_t n = strlen(what);
  memcpy(quoted + 1, what, n);
  quoted[n + 1] = '\'';
  if (!og_parse__at_punct(p, what)) return og_parse__expected(p, quoted, OG_STR_NONE);
  return og_parse__advance(p);
}

static og_status skip_comma(og_parser *p)
{
  return og_parse__at_punct(p, ",") ? og_parse__advance(p) : OG_OK;
}

og_status og_parse__ident(og_parser *p, const char *what, og_str *out, og_span *span)
{
  if (p->lx.tok.kind != OG_TOK_WORD) return og_parse__expected(p, what, OG_STR_NONE);
  if (is_upper(p->lx.tok.text))
    return og_parse__expected(p, what, OG_STR("names of properties, edges and queries start with a lower-case letter"));
  *out = p->lx.tok.text;
  if (span) *span = p->lx.tok.span;
  return og_parse__advance(p);
}

static og_status take_type(og_parser *p, og_str *out, og_span *span)
{
  if (p->lx.tok.kind != OG_TOK_WORD || !is_upper(p->lx.tok.text))
    return og_parse__expected(p, "a type name", OG_STR("type names start with an upper-case letter"));
  *out = p->lx.tok.text;
  *span = p->lx.tok.span;
  return og_parse__advance(p);
}

og_status og_parse__var(og_parser *p, og_str *out, og_span *span)
{
  if (p->lx.tok.kind != OG_TOK_VAR) return og_parse__expected(p, "a variable such as $x", OG_STR_NONE);
  *out = p->lx.tok.text;
  *span = p->lx.tok.span;
  return og_parse__advance(p);
}

og_status og_parse__int(og_parser *p, const char *what, int64_t *out)
{
  if (p->lx.tok.kind != OG_TOK_INT) return og_parse__expected(p, what, OG_STR_NONE);
  if (!og_str_to_i64(p->lx.tok.text, out))
    return og_source_fail(p->cx, OG_EINVALID, p->lx.src, p->lx.tok.span, OG_STR("the largest integer is 2^63 - 1"),
                          "parse error: this integer is too large");
  return og_parse__advance(p);
}

og_status og_parse__deeper(og_parser *p)
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
og_status og_parse__to_arena(og_parser *p, og_vec *v, og_status st, const void *out, uint32_t *n)
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

/* ---- clauses */

static og_status parse_assigns(og_parser *p, og_vec *out)
{
  while (!og_parse__at_punct(p, "}")) {
    og_assign *a = og_vec_push(p->cx, out);
    if (!a) return OG_ENOMEM;
    OG_TRY(og_parse__ident(p, "a property name", &a->name, &a->name_span));
    if (!og_parse__at_punct(p, ":"))
      return og_parse__expected(p, "':'",
                                OG_STR("braces hold name: value; other comparisons are clauses of their own"));
    OG_TRY(og_parse__advance(p));
    OG_TRY(og_parse__expr(p, &a->value));
    OG_TRY(skip_comma(p));
  }
  return og_parse__advance(p);
}

static og_status parse_assign_block(og_parser *p, const og_assign **out, uint32_t *n)
{
  og_vec v = OG_VEC_INIT(og_assign);
  OG_TRY(og_parse__punct(p, "{"));
  return og_parse__to_arena(p, &v, parse_assigns(p, &v), out, n);
}

static og_status parse_binding(og_parser *p, og_clause *c)
{
  c->kind = OG_CLAUSE_BINDING;
  OG_TRY(og_parse__var(p, &c->var, &c->var_span));
  OG_TRY(og_parse__punct(p, ":"));
  OG_TRY(take_type(p, &c->type, &c->type_span));
  return og_parse__at_punct(p, "{") ? parse_assign_block(p, &c->matches, &c->n_matches) : OG_OK;
}

/* {min,max}, {min,*}; {min,} is refused by the checker. */
static og_status parse_bounds(og_parser *p, og_clause *c)
{
  c->has_bounds = true;
  OG_TRY(og_parse__advance(p));
  OG_TRY(og_parse__int(p, "the smallest number of hops", &c->min));
  OG_TRY(og_parse__punct(p, ","));
  if (p->lx.tok.kind == OG_TOK_INT) {
    c->has_max = true;
    OG_TRY(og_parse__int(p, "the largest number of hops", &c->max));
  } else if (og_parse__at_punct(p, "*")) {
    c->has_max = c->unbounded = true;
    OG_TRY(og_parse__advance(p));
  }
  return og_parse__punct(p, "}");
}

static og_status parse_path(og_parser *p, og_clause *c)
{
  og_tok next;
  if (!og_parse__at_word(p, "path") || !og_parse__peek(p, &next) || next.kind != OG_TOK_VAR) return OG_OK;
  OG_TRY(og_parse__advance(p));
  return og_parse__var(p, &c->path_var, &c->path_span);
}

static og_status parse_traversal(og_parser *p, og_clause *c)
{
  c->kind = OG_CLAUSE_TRAVERSAL;
  c->min = c->max = 1;
  OG_TRY(og_parse__var(p, &c->var, &c->var_span));
  if (p->lx.tok.kind == OG_TOK_VAR) {
    OG_TRY(og_parse__var(p, &c->edge_var, &c->edge_var_span));
    OG_TRY(og_parse__punct(p, ":"));
  }
  c->undirected = og_parse__at_punct(p, "<");
  if (c->undirected) OG_TRY(og_parse__advance(p));
  if (og_parse__at_word(p, "not")) return og_parse__expected(p, "an edge name", OG_STR("no edge can be called 'not'"));
  OG_TRY(og_parse__ident(p, "an edge name", &c->edge, &c->edge_span));
  if (c->undirected) OG_TRY(og_parse__punct(p, ">"));
  if (og_parse__at_punct(p, "{")) OG_TRY(parse_bounds(p, c));
  OG_TRY(og_parse__var(p, &c->dst, &c->dst_span));
  return parse_path(p, c);
}

/* A word alone is no condition: tell that, not what the word lacks behind it. */
static og_status fail_word_clause(og_parser *p, const og_expr *word)
{
  bool ends = og_str_eq(word->prop, OG_STR("return"));
  og_str hint = OG_STR("variables start with $; a clause is a binding, a traversal or a condition");
  if (ends) hint = OG_STR("close the block in front of it with '}'");
  if (og_str_distance(word->prop, OG_STR("optional"), 2) <= 2) hint = OG_STR("did you mean 'optional'?");
  if (og_str_distance(word->prop, OG_STR("not"), 1) <= 1) hint = OG_STR("did you mean 'not'?");
  return og_source_fail(p->cx, OG_EINVALID, p->lx.src, word->span, hint,
                        "parse error: expected a clause or '}', found '" OG_STR_FMT "'", OG_STR_ARG(word->prop));
}

/* What may be true or false by itself; of a property, a function or a parameter the checker sees whether it is. */
static bool may_be_condition(const og_parser *p, const og_expr *e)
{
  switch (e->kind) {
  case OG_EXPR_COMPARE:
  case OG_EXPR_IN:
  case OG_EXPR_IS_NULL:
  case OG_EXPR_NOT:
  case OG_EXPR_AND:
  case OG_EXPR_OR:
  case OG_EXPR_SEARCH:
  case OG_EXPR_FUZZY:
  case OG_EXPR_MATCH_TEXT:
  case OG_EXPR_PHRASE: return true;
  case OG_EXPR_PROP:
  case OG_EXPR_VAR:
  case OG_EXPR_CALL: {
    og_tok_kind k = p->lx.tok.kind;
    return k == OG_TOK_VAR || k == OG_TOK_WORD || og_parse__at_punct(p, "}") || og_parse__at_punct(p, "(");
  }
  default: return false;
  }
}

static og_status parse_filter(og_parser *p, og_clause *c)
{
  c->kind = OG_CLAUSE_FILTER;
  OG_TRY(og_parse__expr(p, &c->cond));
  if (may_be_condition(p, c->cond)) return OG_OK;
  if (c->cond->kind == OG_EXPR_ALIAS) return fail_word_clause(p, c->cond);
  return og_parse__expected(p, "a comparison (= != < <= > >= contains starts_with ends_with in is)", OG_STR_NONE);
}

typedef enum var_clause { VAR_BINDING, VAR_TRAVERSAL, VAR_FILTER } var_clause;

/* The clause begins `$x word`: an edge, or an operator?  An operator's name is an edge's when a variable alone follows.
 */
static og_status classify_word(og_parser *p, const og_lexer *at_name, var_clause *out)
{
  og_parser after = *p;
  after.lx = *at_name;
  bool operator_word = og_parse__at_word_op(&after);
  *out = operator_word ? VAR_FILTER : VAR_TRAVERSAL;
  if (!operator_word) return OG_OK;
  OG_TRY(og_parse__advance(&after));
  if (og_parse__at_punct(&after, "{")) *out = VAR_TRAVERSAL;
  if (after.lx.tok.kind != OG_TOK_VAR) return OG_OK;
  og_tok next;
  if (!og_parse__peek(&after, &next) || !og_parse__tok_is(&next, ".")) *out = VAR_TRAVERSAL;
  return OG_OK;
}

/* A clause begins with a variable: which kind is it? */
static og_status classify(og_parser *p, var_clause *out)
{
  og_lexer a = p->lx, b;
  OG_TRY(og_lexer_next(p->cx, &a));
  *out = VAR_FILTER;
  if (og_parse__tok_is(&a.tok, ":")) *out = VAR_BINDING;
  if (a.tok.kind == OG_TOK_VAR) *out = VAR_TRAVERSAL;
  if (a.tok.kind == OG_TOK_WORD) return classify_word(p, &a, out);
  b = a;
  if (og_parse__tok_is(&a.tok, "<")) {
    OG_TRY(og_lexer_next(p->cx, &b));
    bool word = b.tok.kind == OG_TOK_WORD;
    if (word) OG_TRY(og_lexer_next(p->cx, &b));
    if (word && og_parse__tok_is(&b.tok, ">")) *out = VAR_TRAVERSAL;
  }
  return OG_OK;
}

static og_status parse_clauses(og_parser *p, og_vec *out);

/* `not` and `optional` blocks. */
static og_status parse_inner(og_parser *p, og_clause_kind kind, og_clause *c)
{
  og_vec inner = OG_VEC_INIT(og_clause);
  c->kind = kind;
  OG_TRY(og_parse__deeper(p));
  OG_TRY(og_parse__advance(p));
  OG_TRY(og_parse__punct(p, "{"));
  OG_TRY(og_parse__to_arena(p, &inner, parse_clauses(p, &inner), &c->inner, &c->n_inner));
  p->depth--;
  return OG_OK;
}

static og_status parse_clause(og_parser *p, og_clause *c)
{
  c->span = p->lx.tok.span;
  if (og_parse__at_head(p, "optional", "{")) return parse_inner(p, OG_CLAUSE_OPTIONAL, c);
  if (og_parse__at_word(p, "not") && !og_parse__at_head(p, "not", "(")) return parse_inner(p, OG_CLAUSE_NOT, c);
  if (og_parse__at_punct(p, ":"))
    return og_parse__expected(p, "another clause", OG_STR("a variable gets its type in a clause of its own: $x: Type"));
  if (p->lx.tok.kind != OG_TOK_VAR) return parse_filter(p, c);
  var_clause kind;
  OG_TRY(classify(p, &kind));
  if (kind == VAR_BINDING) return parse_binding(p, c);
  return kind == VAR_TRAVERSAL ? parse_traversal(p, c) : parse_filter(p, c);
}

/* clause+ up to and including '}'. */
static og_status parse_clauses(og_parser *p, og_vec *out)
{
  if (og_parse__at_punct(p, "}")) return og_parse__expected(p, "at least one clause", OG_STR_NONE);
  while (!og_parse__at_punct(p, "}")) {
    og_clause c = {0};
    OG_TRY(parse_clause(p, &c));
    c.span.end = p->lx.tok.span.start;
    OG_TRY(og_vec_add(p->cx, out, &c));
  }
  return og_parse__advance(p);
}

/* ---- bodies */

static og_status parse_returns(og_parser *p, og_vec *out)
{
  OG_TRY(og_parse__punct(p, "{"));
  if (og_parse__at_punct(p, "}")) return og_parse__expected(p, "at least one column to return", OG_STR_NONE);
  while (!og_parse__at_punct(p, "}")) {
    og_projection *r = og_vec_push(p->cx, out);
    if (!r) return OG_ENOMEM;
    OG_TRY(og_parse__expr(p, &r->expr));
    if (og_parse__at_word(p, "as")) {
      OG_TRY(og_parse__advance(p));
      OG_TRY(og_parse__ident(p, "a column name", &r->alias, &r->alias_span));
    }
    OG_TRY(skip_comma(p));
  }
  return og_parse__advance(p);
}

static og_status parse_order(og_parser *p, og_vec *out)
{
  static const char *const directions[] = {"asc", "desc"};
  OG_TRY(og_parse__punct(p, "{"));
  for (;;) {
    og_ordering *o = og_vec_push(p->cx, out);
    if (!o) return OG_ENOMEM;
    OG_TRY(og_parse__expr(p, &o->expr));
    if ((og_parse__at_word(p, "asc") || og_parse__at_word(p, "desc")) && o->expr->kind != OG_EXPR_NEAREST) {
      o->desc = og_parse__at_word(p, "desc");
      OG_TRY(og_parse__advance(p));
    }
    if (!og_parse__at_punct(p, ",")) break;
    OG_TRY(og_parse__advance(p));
  }
  if (!og_parse__at_punct(p, "}")) return og_parse__expected_word(p, "',' or '}'", directions, 2);
  return og_parse__advance(p);
}

static og_status parse_having(og_parser *p, og_vec *out)
{
  OG_TRY(og_parse__punct(p, "{"));
  if (og_parse__at_punct(p, "}")) return og_parse__expected(p, "a condition", OG_STR_NONE);
  while (!og_parse__at_punct(p, "}")) {
    const og_expr *cond;
    OG_TRY(og_parse__expr(p, &cond));
    OG_TRY(og_vec_add(p->cx, out, &cond));
    OG_TRY(skip_comma(p));
  }
  return og_parse__advance(p);
}

static og_status parse_row_count(og_parser *p, og_row_count *out)
{
  int64_t n = 0;
  OG_TRY(og_parse__advance(p));
  out->has = true;
  out->span = p->lx.tok.span;
  if (p->lx.tok.kind == OG_TOK_VAR) return og_parse__var(p, &out->param, &out->span);
  OG_TRY(og_parse__int(p, "the number of rows", &n));
  out->n = (uint64_t)n;
  return OG_OK;
}

/* limit and offset, in either order. */
static og_status parse_window(og_parser *p, og_query *q)
{
  for (;;) {
    if (og_parse__at_word(p, "limit") && !q->limit.has) {
      OG_TRY(parse_row_count(p, &q->limit));
    } else if (og_parse__at_word(p, "offset") && !q->offset.has) {
      OG_TRY(parse_row_count(p, &q->offset));
    } else {
      return OG_OK;
    }
  }
}

static og_status parse_read(og_parser *p, og_query *q)
{
  static const char *const after_match[] = {"return"};
  og_vec clauses = OG_VEC_INIT(og_clause), returns = OG_VEC_INIT(og_projection), order = OG_VEC_INIT(og_ordering);
  og_vec having = OG_VEC_INIT(const og_expr *);
  OG_TRY(og_parse__advance(p));
  OG_TRY(og_parse__punct(p, "{"));
  OG_TRY(og_parse__to_arena(p, &clauses, parse_clauses(p, &clauses), &q->clauses, &q->n_clauses));
  if (p->lx.tok.kind == OG_TOK_VAR || og_parse__at_word(p, "where"))
    return og_parse__expected(p, "'return'", OG_STR("conditions stand inside match { … }"));
  if (!og_parse__at_word(p, "return")) return og_parse__expected_word(p, "'return'", after_match, 1);
  OG_TRY(og_parse__advance(p));
  q->distinct = og_parse__at_word(p, "distinct");
  if (q->distinct) OG_TRY(og_parse__advance(p));
  OG_TRY(og_parse__to_arena(p, &returns, parse_returns(p, &returns), &q->returns, &q->n_returns));
  if (og_parse__at_word(p, "having")) {
    OG_TRY(og_parse__advance(p));
    OG_TRY(og_parse__to_arena(p, &having, parse_having(p, &having), &q->having, &q->n_having));
  }
  if (og_parse__at_word(p, "order")) {
    OG_TRY(og_parse__advance(p));
    OG_TRY(og_parse__to_arena(p, &order, parse_order(p, &order), &q->order, &q->n_order));
  }
  return parse_window(p, q);
}

static bool at_stmt(const og_parser *p)
{
  return og_parse__at_word(p, "insert") || og_parse__at_word(p, "update") || og_parse__at_word(p, "delete");
}

static og_status parse_where(og_parser *p, og_stmt *s)
{
  static const char *const words[] = {"where"};
  if (!og_parse__at_word(p, "where"))
    return p->lx.tok.kind == OG_TOK_WORD && !at_stmt(p)
               ? og_parse__expected_word(p, "'where'", words, 1)
               : og_parse__expected(p, "'where'", OG_STR("update and delete need a predicate"));
  OG_TRY(og_parse__advance(p));
  return og_parse__expr(p, &s->where);
}

static og_status parse_stmt(og_parser *p, og_stmt *s)
{
  s->span = p->lx.tok.span;
  s->kind = og_parse__at_word(p, "insert")   ? OG_STMT_INSERT
            : og_parse__at_word(p, "update") ? OG_STMT_UPDATE
                                             : OG_STMT_DELETE;
  OG_TRY(og_parse__advance(p));
  OG_TRY(take_type(p, &s->type, &s->type_span));
  if (s->kind == OG_STMT_INSERT) return parse_assign_block(p, &s->assigns, &s->n_assigns);
  if (s->kind == OG_STMT_UPDATE) {
    static const char *const words[] = {"set"};
    if (!og_parse__at_word(p, "set")) return og_parse__expected_word(p, "'set'", words, 1);
    OG_TRY(og_parse__advance(p));
    OG_TRY(parse_assign_block(p, &s->assigns, &s->n_assigns));
  }
  return parse_where(p, s);
}

static og_status parse_stmts(og_parser *p, og_vec *out)
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
  if (q->limit.has && q->offset.has) return "'}'";
  if (q->limit.has) return "'offset' or '}'";
  if (q->offset.has) return "'limit' or '}'";
  if (q->n_order) return "',', 'limit', 'offset' or '}'";
  if (q->n_having) return "'order', 'limit', 'offset' or '}'";
  return "'having', 'order', 'limit', 'offset' or '}'";
}

static og_status fail_tail(og_parser *p, const og_query *q)
{
  static const char *const words[] = {"having", "order", "limit", "offset"}, *const stmts[] = {"insert", "update",
                                                                                               "delete"};
  if (og_parse__at_word(p, "having") || og_parse__at_word(p, "order"))
    return og_parse__expected(p, may_follow(q), OG_STR("they come as: return, having, order, limit and offset"));
  return q->is_mutation ? og_parse__expected_word(p, may_follow(q), stmts, OG_ARRAY_LEN(stmts))
                        : og_parse__expected_word(p, may_follow(q), words, OG_ARRAY_LEN(words));
}

static og_status parse_body(og_parser *p, og_query *q)
{
  og_vec stmts = OG_VEC_INIT(og_stmt);
  OG_TRY(og_parse__punct(p, "{"));
  if (og_parse__at_word(p, "match")) {
    OG_TRY(parse_read(p, q));
  } else if (at_stmt(p)) {
    q->is_mutation = true;
    OG_TRY(og_parse__to_arena(p, &stmts, parse_stmts(p, &stmts), &q->stmts, &q->n_stmts));
  } else {
    static const char *const words[] = {"match", "insert", "update", "delete"};
    return og_parse__expected_word(p, "'match', 'insert', 'update' or 'delete'", words, OG_ARRAY_LEN(words));
  }
  if (!og_parse__at_punct(p, "}")) return fail_tail(p, q);
  q->span.end = p->lx.tok.span.end;
  return og_parse__advance(p);
}

/* ---- heads */

static og_status parse_param_type(og_parser *p, og_param_decl *d)
{
  d->list = og_parse__at_punct(p, "[");
  if (d->list) OG_TRY(og_parse__advance(p));
  OG_TRY(take_type(p, &d->type, &d->type_span));
  if (og_str_eq(d->type, OG_STR("Vector")) && !d->list) {
    int64_t dim = 0;
    OG_TRY(og_parse__punct(p, "("));
    OG_TRY(og_parse__int(p, "the vector's dimension", &dim));
    if (dim < 1 || dim > OG_LIMIT_VECTOR_DIM)
      return og_source_fail(p->cx, OG_EINVALID, p->lx.src, d->type_span, OG_STR_NONE,
                            "parse error: a vector has 1 to %d dimensions", OG_LIMIT_VECTOR_DIM);
    d->dim = (uint32_t)dim;
    OG_TRY(og_parse__punct(p, ")"));
  }
  if (d->list) OG_TRY(og_parse__punct(p, "]"));
  d->nullable = og_parse__at_punct(p, "?");
  return d->nullable ? og_parse__advance(p) : OG_OK;
}

static og_status parse_params(og_parser *p, og_vec *out)
{
  OG_TRY(og_parse__punct(p, "("));
  while (!og_parse__at_punct(p, ")")) {
    og_param_decl *d = og_vec_push(p->cx, out);
    if (!d) return OG_ENOMEM;
    if (out->len > OG_LIMIT_PARAMS) return og_parse__expected(p, "at most 1024 parameters", OG_STR_NONE);
    OG_TRY(og_parse__var(p, &d->name, &d->span));
    OG_TRY(og_parse__punct(p, ":"));
    OG_TRY(parse_param_type(p, d));
    if (!og_parse__at_punct(p, ",")) break;
    OG_TRY(og_parse__advance(p));
    if (og_parse__at_punct(p, ")")) return og_parse__expected(p, "a parameter after ','", OG_STR_NONE);
  }
  return og_parse__punct(p, ")");
}

static og_status parse_annotations(og_parser *p, og_query *q)
{
  while (p->lx.tok.kind == OG_TOK_ANNOT) {
    og_tok name = p->lx.tok;
    og_str *slot = og_str_eq(name.text, OG_STR("description"))   ? &q->description
                   : og_str_eq(name.text, OG_STR("instruction")) ? &q->instruction
                                                                 : NULL;
    if (!slot) return og_parse__expected(p, "@description(…) or @instruction(…)", OG_STR_NONE);
    if (slot->ptr)
      return og_source_fail(p->cx, OG_EINVALID, p->lx.src, name.span, OG_STR_NONE,
                            "parse error: query '" OG_STR_FMT "' has @" OG_STR_FMT " twice", OG_STR_ARG(q->name),
                            OG_STR_ARG(name.text));
    OG_TRY(og_parse__advance(p));
    OG_TRY(og_parse__punct(p, "("));
    if (p->lx.tok.kind != OG_TOK_STRING) return og_parse__expected(p, "a string", OG_STR_NONE);
    OG_TRY(og_lexer_string(p->cx, &p->lx, p->a, slot));
    OG_TRY(og_parse__advance(p));
    OG_TRY(og_parse__punct(p, ")"));
  }
  return OG_OK;
}

static og_status parse_query(og_parser *p, og_query *q)
{
  og_vec params = OG_VEC_INIT(og_param_decl);
  q->span = p->lx.tok.span;
  static const char *const words[] = {"query"};
  if (!og_parse__at_word(p, "query")) return og_parse__expected_word(p, "'query'", words, 1);
  OG_TRY(og_parse__advance(p));
  OG_TRY(og_parse__ident(p, "a query name", &q->name, &q->name_span));
  OG_TRY(og_parse__to_arena(p, &params, parse_params(p, &params), &q->params, &q->n_params));
  OG_TRY(parse_annotations(p, q));
  return parse_body(p, q);
}

static og_status parse_file(og_parser *p, og_vec *out)
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
  og_parser p = {.cx = cx, .a = a};
  OG_TRY(og_lexer_init(cx, &p.lx, &out->source, false));
  return og_parse__to_arena(&p, &queries, parse_file(&p, &queries), &out->queries, &out->n_queries);
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
