/* SPDX-License-Identifier: MIT */
/* query/parse.h -- the parser's state and tokens, shared by its files.  Private to this room. */
#pragma once

#include "base/vec.h"
#include "query/ast.h"
#include "schema/lex.h"

typedef struct og_parser {
  og_ctx *cx;
  og_arena *a;
  og_lexer lx;
  unsigned depth; /* of blocks, brackets and calls around the current token */
} og_parser;

/* ---- tokens (parse.c) */
bool og_parse__at_punct(const og_parser *p, const char *what);
bool og_parse__at_word(const og_parser *p, const char *what);
/* The current token is the word `what`, and the next one the sign `sign`. */
bool og_parse__at_head(const og_parser *p, const char *what, const char *sign);
/* The token behind the current one, *tok; false: the text is wrong there.  Leaves no error behind. */
bool og_parse__peek(const og_parser *p, og_tok *tok);
bool og_parse__tok_is(const og_tok *t, const char *punct);
OG_MUST_USE og_status og_parse__advance(og_parser *p);
/* "parse error: expected …, found '…'". */
og_status og_parse__expected(og_parser *p, const char *what, og_str hint);
/* The same where one of `n` words was expected: says which was perhaps meant. */
og_status og_parse__expected_word(og_parser *p, const char *what, const char *const *words, size_t n);
OG_MUST_USE og_status og_parse__punct(og_parser *p, const char *what);
OG_MUST_USE og_status og_parse__ident(og_parser *p, const char *what, og_str *out, og_span *span);
OG_MUST_USE og_status og_parse__var(og_parser *p, og_str *out, og_span *span);
OG_MUST_USE og_status og_parse__int(og_parser *p, const char *what, int64_t *out);
/* One level deeper; OG_ELIMIT.  The caller takes it back with p->depth--. */
OG_MUST_USE og_status og_parse__deeper(og_parser *p);
/* Moves a vector's elements to the arena, where the AST lives, and frees the vector.  Returns `st`. */
og_status og_parse__to_arena(og_parser *p, og_vec *v, og_status st, const void *out, uint32_t *n);

/* ---- expressions (parse_expr.c) */

/* An expression of any kind, as long as it goes on: `a + 1`, `$x.p > 3 and not (…)`. */
OG_MUST_USE og_status og_parse__expr(og_parser *p, const og_expr **out);
/* The current token is a word that, here, joins two operands: `in`, `and`, `contains`, …  */
bool og_parse__at_word_op(const og_parser *p);
