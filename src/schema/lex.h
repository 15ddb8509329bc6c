/* SPDX-License-Identifier: MIT */
/* schema/lex.h -- tokens of both languages, `.pg` and `.gq`.
 *
 * Word boundaries are required: `limit5` is one word.  The two differ only in which signs exist (see og_lexer.schema).
 */
#pragma once

#include "base/source.h"

typedef enum og_tok_kind {
  OG_TOK_END,
  OG_TOK_WORD, /* letter or '_', then letters, digits, '_' */
  OG_TOK_VAR,  /* $word */
  OG_TOK_INT,
  OG_TOK_FLOAT,
  OG_TOK_STRING, /* with quotes, escapes not yet resolved */
  OG_TOK_ANNOT,  /* @word */
  OG_TOK_PUNCT   /* { } ( ) [ ] : , . = ?   .gq also: < > >= <= != + - * / %   .pg also: -> .. - */
} og_tok_kind;

typedef struct og_tok {
  og_tok_kind kind;
  og_span span;
  og_str text; /* WORD, VAR and ANNOT without the sign; others as written */
} og_tok;

typedef struct og_lexer {
  const og_source *src;
  bool schema; /* .pg */
  uint32_t at;
  og_tok tok; /* the current token */
} og_lexer;

/* Reads the first token.  The source must outlive the lexer. */
OG_MUST_USE og_status og_lexer_init(og_ctx *cx, og_lexer *lx, const og_source *src, bool schema);
OG_MUST_USE og_status og_lexer_next(og_ctx *cx, og_lexer *lx);
/* Instead of the current token: a run of letters, digits, '_' and '-' that starts where it starts, as a WORD (values of
 * an enum).  False, and nothing changes, when there is none. */
OG_MUST_USE bool og_lexer_enum_value(og_lexer *lx);
/* OG_ELIMIT or OG_EINVALID ("parse error: …") when the text is too long, not UTF-8, or holds U+0000. */
OG_MUST_USE og_status og_source_check(og_ctx *cx, const og_source *src);
/* The text of a STRING token with escapes resolved, in `a`. */
OG_MUST_USE og_status og_lexer_string(og_ctx *cx, const og_lexer *lx, og_arena *a, og_str *out);
