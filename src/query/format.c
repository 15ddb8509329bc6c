/* SPDX-License-Identifier: MIT */
/* query/format.c -- texts of both languages, laid out anew.
 *
 * The formatter works on tokens, not on what they mean: a text is parsed only to refuse what is wrong, and to learn
 * where clauses, statements and list items begin, for which the grammar has no sign.  So new grammar needs a rule here
 * only if it has new signs or blocks.
 *
 *  (1) The tokens of the result are those of the text, but for commas: lists of columns and assignments may leave them
 *      out, and get them; one behind the last item goes.  The result is read again to prove it (same_tokens).
 *  (2) A block of clauses or of declarations has a line for each, two columns further in.  A list in braces stands on
 *      one line if that has at most 100 columns and there is no comment in it, else it has a line for each item.
 *  (3) A comment stays before the token it stands before; on its line if it had its own, else behind what it follows.
 *      A comma comes in front of the comments that stood before it.
 *  (4) An empty line between two lines is kept, several become one; queries have one between them.  None begins or ends
 *      a block.
 */
#include "query/format.h"

#include "base/buf.h"
#include "base/vec.h"
#include "query/ast.h"
#include "schema/lex.h"

enum { WIDTH = 100, INDENT = 2 };

typedef enum opener { NOT_OPEN, FLAT, LIST, BLOCK, BOUNDS } opener;

typedef struct note { /* a comment */
  og_str text;
  bool own_line, blank_before;
} note;

typedef struct ftok {
  og_tok tok;
  opener open;    /* of an opening bracket */
  uint32_t close; /* of one: its partner */
  bool line;      /* begins a line of a block */
  bool item;      /* begins an item of a list in braces */
  bool dropped;   /* a comma behind the last item */
  bool blank_before;
  bool adjacent; /* nothing stood between it and the token before */
  bool unary;    /* a sign that belongs to what follows */
  bool angle;    /* < or > around the name of an edge */
  uint32_t first_note, n_notes;
} ftok;

typedef struct formatter {
  og_ctx *cx;
  og_arena *a;
  bool schema;
  og_source src;
  og_vec toks;  /* ftok; the last is END */
  og_vec notes; /* note */
  og_buf *out;
  size_t line_start; /* of the line being written */
  uint32_t depth;
  bool fresh;     /* nothing but the indent stands on the line */
  bool must_wrap; /* a comment up to the end of the line was written */
} formatter;

static ftok *at(const formatter *f, size_t i)
{
  return &OG_VEC_AT(&f->toks, ftok, i);
}

static bool is_punct(const ftok *t, const char *what)
{
  return t->tok.kind == OG_TOK_PUNCT && og_str_eq(t->tok.text, og_str_of(what));
}

static bool is_word(const ftok *t, const char *what)
{
  return t->tok.kind == OG_TOK_WORD && og_str_eq(t->tok.text, og_str_of(what));
}

static bool is_name(const ftok *t) /* of an edge, a property, or a keyword */
{
  return t->tok.kind == OG_TOK_WORD && !(t->tok.text.ptr[0] >= 'A' && t->tok.text.ptr[0] <= 'Z');
}

/* ---- reading: tokens, and the comments between them */

static og_status read_notes(formatter *f, uint32_t from, uint32_t to, ftok *t)
{
  og_str text = f->src.text;
  uint32_t lines = 0;
  t->first_note = (uint32_t)f->notes.len;
  for (uint32_t i = from; i < to;) {
    uint32_t start = i;
    if (text.ptr[i] != '/') {
      lines += text.ptr[i++] == '\n';
      continue;
    }
    bool to_end = text.ptr[i + 1] == '/';
    if (to_end)
      while (i < to && text.ptr[i] != '\n') i++;
    else
      i += 2 + (uint32_t)og_str_find(og_str_sub(text, i + 2, to), OG_STR("*/")) + 2;
    note *n = og_vec_push(f->cx, &f->notes);
    if (!n) return OG_ENOMEM;
    *n = (note){og_str_trim(og_str_sub(text, start, i)), lines > 0 || start == 0, lines > 1};
    t->n_notes++;
    lines = 0;
  }
  t->blank_before = lines > 1;
  t->adjacent = from == to;
  return OG_OK;
}

static og_status read_tokens(formatter *f)
{
  og_lexer lx;
  uint32_t end = 0;
  OG_TRY(og_lexer_init(f->cx, &lx, &f->src, f->schema));
  for (;;) {
    ftok *t = og_vec_push(f->cx, &f->toks);
    if (!t) return OG_ENOMEM;
    t->tok = lx.tok;
    OG_TRY(read_notes(f, end, lx.tok.span.start, t));
    end = lx.tok.span.end;
    if (lx.tok.kind == OG_TOK_END) return OG_OK;
    OG_TRY(og_lexer_next(f->cx, &lx));
  }
}

/* ---- where clauses, statements and items begin */

/* The token that starts at a byte of the text. */
static ftok *token_at(const formatter *f, uint32_t start)
{
  size_t low = 0, high = f->toks.len;
  while (high - low > 1) {
    size_t mid = low + (high - low) / 2;
    if (at(f, mid)->tok.span.start <= start)
      low = mid;
    else
      high = mid;
  }
  return at(f, low);
}

static void mark_assigns(const formatter *f, const og_assign *list, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++) token_at(f, list[i].name_span.start)->item = true;
}

static void mark_clauses(const formatter *f, const og_clause *list, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++) {
    token_at(f, list[i].span.start)->line = true;
    mark_assigns(f, list[i].matches, list[i].n_matches);
    mark_clauses(f, list[i].inner, list[i].n_inner);
  }
}

static void mark_query(const formatter *f, const og_query *q)
{
  token_at(f, q->span.start)->line = true;
  mark_clauses(f, q->clauses, q->n_clauses);
  for (uint32_t i = 0; i < q->n_returns; i++) token_at(f, q->returns[i].expr->span.start)->item = true;
  for (uint32_t i = 0; i < q->n_stmts; i++) {
    token_at(f, q->stmts[i].span.start)->line = true;
    mark_assigns(f, q->stmts[i].assigns, q->stmts[i].n_assigns);
  }
}

/* The parts of a read query -- match, return, order, limit -- are the words of its body that follow no word. */
static void mark_parts(const formatter *f, const og_query_file *file)
{
  uint32_t q = 0, depth = 0;
  for (size_t i = 1; i < f->toks.len && q < file->n_queries; i++) {
    ftok *t = at(f, i);
    if (is_punct(t, "{") || is_punct(t, "(") || is_punct(t, "[")) depth++;
    bool part = depth == 1 && is_name(t) && at(f, i - 1)->tok.kind != OG_TOK_WORD;
    if (part && !file->queries[q].is_mutation && t->tok.span.start > file->queries[q].name_span.end) t->line = true;
    if (is_punct(t, "}") || is_punct(t, ")") || is_punct(t, "]")) depth--;
    if (depth == 0 && is_punct(t, "}")) q++;
  }
}

static bool is_constraint(const ftok *t, const ftok *next)
{
  static const char *const names[] = {"key", "unique", "index", "range", "check"};
  for (size_t i = 0; i < OG_ARRAY_LEN(names); i++)
    if (t->tok.kind == OG_TOK_ANNOT && og_str_eq(t->tok.text, og_str_of(names[i]))) return is_punct(next, "(");
  return false;
}

static void mark_schema(const formatter *f)
{
  uint32_t depth = 0;
  for (size_t i = 0; i + 1 < f->toks.len; i++) {
    ftok *t = at(f, i), *next = at(f, i + 1);
    if (is_punct(t, "{") || is_punct(t, "(")) depth++;
    bool keyword = is_word(t, "node") || is_word(t, "edge") || is_word(t, "interface");
    t->line = (depth == 0 && keyword) ||
              (depth == 1 && (is_constraint(t, next) || (t->tok.kind == OG_TOK_WORD && is_punct(next, ":"))));
    if (is_punct(t, "}") || is_punct(t, ")")) depth--;
  }
}

/* ---- brackets and signs */

/* Is the word at i the name of an edge in a walk: behind a variable, `$w:`, or `<`? */
static bool is_edge_word(const formatter *f, size_t i)
{
  if (i == 0 || !is_name(at(f, i))) return false;
  const ftok *before = at(f, i - 1);
  return before->tok.kind == OG_TOK_VAR || before->angle ||
         (is_punct(before, ":") && i > 1 && at(f, i - 2)->tok.kind == OG_TOK_VAR);
}

static opener classify(const formatter *f, size_t i, bool outermost)
{
  const ftok *before = i ? at(f, i - 1) : at(f, i);
  if (!is_punct(at(f, i), "{")) return outermost && !f->schema ? LIST : FLAT; /* a list of parameters */
  if (outermost) return BLOCK;
  if (at(f, i + 1)->line) return BLOCK;
  return !f->schema && (is_edge_word(f, i - 1) || before->angle) ? BOUNDS : LIST;
}

static bool ends_operand(const ftok *t)
{
  static const char *const operators[] = {"and",      "or",          "not",      "in",    "is",
                                          "contains", "starts_with", "return",   "limit", "offset",
                                          "where",    "as",          "distinct", "order", "having"};
  if (t->tok.kind == OG_TOK_WORD) {
    for (size_t i = 0; i < OG_ARRAY_LEN(operators); i++)
      if (is_word(t, operators[i])) return false;
    return true;
  }
  return t->tok.kind != OG_TOK_PUNCT || is_punct(t, ")") || is_punct(t, "]") || is_punct(t, "?");
}

static void mark_signs(const formatter *f, size_t i)
{
  ftok *t = at(f, i);
  bool after_var = i && (at(f, i - 1)->tok.kind == OG_TOK_VAR || is_punct(at(f, i - 1), ":"));
  if (is_punct(t, "-") || is_punct(t, "+")) t->unary = f->schema || i == 0 || !ends_operand(at(f, i - 1));
  if (f->schema || !is_punct(t, "<") || !after_var || i + 3 >= f->toks.len) return;
  bool walk = is_name(at(f, i + 1)) && is_punct(at(f, i + 2), ">") &&
              (at(f, i + 3)->tok.kind == OG_TOK_VAR || is_punct(at(f, i + 3), "{"));
  t->angle = at(f, i + 2)->angle = walk;
}

/* Finds partners and kinds of brackets, and commas that go. */
static og_status mark_brackets(formatter *f)
{
  og_vec open = OG_VEC_INIT(size_t);
  og_status st = OG_OK;
  for (size_t i = 0; st == OG_OK && i < f->toks.len; i++) {
    ftok *t = at(f, i);
    bool closes = is_punct(t, "}") || is_punct(t, ")") || is_punct(t, "]");
    mark_signs(f, i);
    if (is_punct(t, "{") || is_punct(t, "(") || is_punct(t, "[")) {
      t->open = classify(f, i, open.len == 0);
      st = og_vec_add(f->cx, &open, &i);
    } else if (closes && open.len) {
      ftok *o = at(f, OG_VEC_AT(&open, size_t, --open.len));
      o->close = (uint32_t)i;
      at(f, i - 1)->dropped = o->open == LIST && is_punct(t, "}") && is_punct(at(f, i - 1), ",");
    }
  }
  og_vec_cleanup(&open);
  return st;
}

/* ---- writing */

static og_status put(formatter *f, og_str s)
{
  f->fresh = false;
  return og_buf_append_str(f->cx, f->out, s);
}

static og_status new_line(formatter *f, bool blank, uint32_t more)
{
  f->must_wrap = false;
  if (f->out->len == 0) return OG_OK;
  OG_TRY(og_buf_append_str(f->cx, f->out, blank ? OG_STR("\n\n") : OG_STR("\n")));
  f->line_start = f->out->len;
  for (uint32_t i = 0; i < (f->depth + more) * INDENT; i++) OG_TRY(og_buf_append_byte(f->cx, f->out, ' '));
  f->fresh = true;
  return OG_OK;
}

/* A value of an enum may be several tokens: `close-friend`, `2nd`. */
static bool spaced_in_schema(const ftok *t, const ftok *before)
{
  bool value = is_punct(t, "-") || ((t->tok.kind == OG_TOK_WORD || t->tok.kind == OG_TOK_INT) &&
                                    (before->tok.kind == OG_TOK_WORD || before->tok.kind == OG_TOK_INT));
  if (value && t->adjacent && !is_punct(before, ",")) return false;
  return !is_punct(t, "=") && !is_punct(before, "=");
}

/* The space between a token and the one before it. */
static bool space_before(const formatter *f, size_t i)
{
  static const char *const glued[] = {",", ")", "]", ":", "?", ".", ".."};
  const ftok *t = at(f, i), *before = at(f, i - 1);
  for (size_t k = 0; k < OG_ARRAY_LEN(glued); k++)
    if (is_punct(t, glued[k])) return false;
  if (before->unary || t->open == BOUNDS || is_punct(before, "(") || is_punct(before, "[") || is_punct(before, ".") ||
      is_punct(before, ".."))
    return false;
  if (t->angle) return is_punct(t, "<") && !is_punct(before, ":");
  if (before->angle) return is_punct(before, ">");
  if (is_punct(t, "("))
    return (before->tok.kind == OG_TOK_WORD && !ends_operand(before)) ||
           (before->tok.kind == OG_TOK_PUNCT && !is_punct(before, ")"));
  if (is_punct(before, ":")) return !(i > 1 && at(f, i - 2)->tok.kind == OG_TOK_VAR && is_edge_word(f, i));
  return !f->schema || spaced_in_schema(t, before);
}

/* Where a token goes. */
typedef enum place { FOLLOWS, GLUED, BEGINS, ENDS } place; /* BEGINS a line of a block or list, ENDS that */

static og_status put_note(formatter *f, const note *n, bool blank)
{
  if (n->own_line || f->must_wrap) {
    if (!f->fresh) OG_TRY(new_line(f, blank, 0));
  } else if (!f->fresh) {
    OG_TRY(put(f, OG_STR(" ")));
  }
  OG_TRY(put(f, n->text));
  f->must_wrap = n->own_line || n->text.ptr[1] == '/';
  return OG_OK;
}

/* `opened`: the token before opened the block; `apart`: an empty line must stand before this one. */
static og_status put_notes(formatter *f, const ftok *t, bool opened, bool apart)
{
  for (uint32_t i = 0; i < t->n_notes; i++) {
    const note *n = &OG_VEC_AT(&f->notes, note, t->first_note + i);
    bool first = n->own_line && apart;
    OG_TRY(put_note(f, n, first || (n->blank_before && !(opened && i == 0))));
    if (n->own_line) apart = false;
  }
  return OG_OK;
}

static bool has_own_note(const formatter *f, const ftok *t)
{
  for (uint32_t i = 0; i < t->n_notes; i++)
    if (OG_VEC_AT(&f->notes, note, t->first_note + i).own_line) return true;
  return false;
}

static og_status put_token(formatter *f, size_t i, place where)
{
  const ftok *t = at(f, i);
  bool opened = i > 0 && at(f, i - 1)->open >= LIST && where != FOLLOWS;
  bool apart = where == BEGINS && i > 0 && f->depth == 0 && !f->schema;
  if (is_punct(t, ",")) { /* in front of its comments */
    OG_TRY(put(f, OG_STR(",")));
    return put_notes(f, t, false, false);
  }
  OG_TRY(put_notes(f, t, opened, apart));
  if (where == ENDS) f->depth--;
  if (where == BEGINS || where == ENDS) {
    bool blank = t->blank_before && where == BEGINS && !(opened && t->n_notes == 0);
    if (!f->fresh || where == ENDS) OG_TRY(new_line(f, blank || (apart && !has_own_note(f, t)), 0));
  } else if (f->must_wrap) {
    OG_TRY(new_line(f, false, 1));
  } else if (where == FOLLOWS && i > 0 && !f->fresh && (t->n_notes || space_before(f, i))) {
    OG_TRY(put(f, OG_STR(" ")));
  }
  return put(f, og_str_sub(f->src.text, t->tok.span.start, t->tok.span.end));
}

/* ---- groups */

static bool begins_item(const formatter *f, size_t i, size_t open)
{
  return i == open + 1 || at(f, i)->item || is_punct(at(f, i - 1), ",");
}

/* A list that may leave commas out left one out in front of i. */
static bool lacks_comma(const formatter *f, size_t i, size_t open)
{
  return at(f, i)->item && i > open + 1 && !is_punct(at(f, i - 1), ",");
}

static bool fits_line(const formatter *f, size_t open)
{
  size_t width = f->out->len - f->line_start + 1, close = at(f, open)->close;
  if (at(f, close)->n_notes) return false;
  for (size_t i = open + 1; i <= close && width <= WIDTH; i++) {
    const ftok *t = at(f, i);
    if (t->n_notes) return false;
    if (!t->dropped) width += (t->tok.span.end - t->tok.span.start) + space_before(f, i) + lacks_comma(f, i, open);
  }
  return width <= WIDTH;
}

static og_status put_group(formatter *f, size_t open);

/* The tokens between two brackets, each group within them as a whole. */
static og_status put_inside(formatter *f, size_t open, bool broken)
{
  opener kind = at(f, open)->open;
  for (size_t i = open + 1; i < at(f, open)->close; i++) {
    const ftok *t = at(f, i);
    bool begins = kind == BLOCK ? t->line : broken && begins_item(f, i, open);
    if (kind == LIST && lacks_comma(f, i, open)) OG_TRY(put(f, OG_STR(",")));
    if (t->dropped)
      OG_TRY(put_notes(f, t, false, false));
    else
      OG_TRY(put_token(f, i, begins ? BEGINS : kind == BOUNDS ? GLUED : FOLLOWS));
    if (t->open == NOT_OPEN) continue;
    OG_TRY(put_group(f, i));
    i = t->close;
  }
  return OG_OK;
}

/* What follows an opening bracket, up to its partner. */
static og_status put_group(formatter *f, size_t open)
{
  const ftok *t = at(f, open);
  bool empty = t->close == open + 1 && at(f, t->close)->n_notes == 0;
  bool broken = !empty && (t->open == BLOCK || (t->open == LIST && !fits_line(f, open)));
  f->depth += broken;
  OG_TRY(put_inside(f, open, broken));
  return put_token(f, t->close, broken ? ENDS : empty || t->open == BOUNDS ? GLUED : FOLLOWS);
}

static og_status put_all(formatter *f)
{
  size_t end = f->toks.len - 1;
  for (size_t i = 0; i < end; i++) {
    OG_TRY(put_token(f, i, at(f, i)->line ? BEGINS : FOLLOWS));
    if (at(f, i)->open == NOT_OPEN) continue;
    OG_TRY(put_group(f, i));
    i = at(f, i)->close;
  }
  OG_TRY(put_notes(f, at(f, end), false, false));
  return f->out->len ? og_buf_append_byte(f->cx, f->out, '\n') : OG_OK;
}

/* ---- the proof */

static bool next_token(const formatter *f, size_t *i, const ftok **out)
{
  while (*i < f->toks.len && is_punct(at(f, *i), ",")) ++*i;
  if (*i >= f->toks.len) return false;
  *out = at(f, (*i)++);
  return true;
}

static bool same_tokens(const formatter *a, const formatter *b)
{
  const ftok *x = NULL, *y = NULL;
  size_t i = 0, k = 0;
  for (;;) {
    bool more = next_token(a, &i, &x), too = next_token(b, &k, &y);
    if (!more || !too) return more == too && a->notes.len == b->notes.len;
    if (x->tok.kind != y->tok.kind || !og_str_eq(x->tok.text, y->tok.text)) return false;
  }
}

static og_status parse(formatter *f)
{
  og_query_file file;
  if (f->schema) return og_schema_parse_only(f->cx, f->a, f->src.text, f->src.name);
  return og_query_parse(f->cx, f->a, f->src.text, f->src.name, &file);
}

static og_status read_back(const formatter *f)
{
  formatter again = {.cx = f->cx,
                     .a = f->a,
                     .schema = f->schema,
                     .src = {og_buf_str(f->out), f->src.name},
                     .toks = OG_VEC_INIT(ftok),
                     .notes = OG_VEC_INIT(note)};
  og_status st = parse(&again);
  if (st == OG_OK) st = read_tokens(&again);
  bool same = st == OG_OK && same_tokens(f, &again);
  og_vec_cleanup(&again.toks);
  og_vec_cleanup(&again.notes);
  if (same || st == OG_ENOMEM || st == OG_ELIMIT) return st;
  return og_fail(f->cx, OG_EINTERNAL, OG_STR_FMT ": the formatter would have changed what the text says",
                 OG_STR_ARG(f->src.name));
}

static og_status format(formatter *f)
{
  og_query_file file = {0};
  if (f->schema)
    OG_TRY(og_schema_parse_only(f->cx, f->a, f->src.text, f->src.name));
  else
    OG_TRY(og_query_parse(f->cx, f->a, f->src.text, f->src.name, &file));
  OG_TRY(read_tokens(f));
  if (f->schema) mark_schema(f);
  for (uint32_t i = 0; i < file.n_queries; i++) mark_query(f, &file.queries[i]);
  if (!f->schema) mark_parts(f, &file);
  OG_TRY(mark_brackets(f));
  OG_TRY(put_all(f));
  return read_back(f);
}

og_status og_format(og_ctx *cx, og_str text, og_str file_name, bool schema, og_buf *out)
{
  og_arena arena = {0};
  og_buf made = {0};
  formatter f = {.cx = cx,
                 .a = &arena,
                 .schema = schema,
                 .src = {text, file_name},
                 .toks = OG_VEC_INIT(ftok),
                 .notes = OG_VEC_INIT(note),
                 .out = &made,
                 .fresh = true};
  og_status st = format(&f);
  if (st == OG_OK) st = og_buf_append_str(cx, out, og_buf_str(&made));
  og_vec_cleanup(&f.toks);
  og_vec_cleanup(&f.notes);
  og_buf_cleanup(&made);
  og_arena_cleanup(&arena);
  return st;
}
