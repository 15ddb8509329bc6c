/* SPDX-License-Identifier: MIT */
/* query/lex.h -- tokens of `.gq`.  Word boundaries are required: `limit5` is one word. */
#pragma once

#include "base/source.h"

typedef enum og_tok_kind {
  OG_TOK_END,
  OG_TOK_WORD,   /* letter or '_', then letters, digits, '_' */
  OG_TOK_VAR,    /* $word */
  OG_TOK_INT,
  OG_TOK_FLOAT,
  OG_TOK_STRING, /* with quotes, escapes not yet resolved */
  OG_TOK_ANNOT,  /* @word */
  OG_TOK_PUNCT   /* one of { } ( ) [ ] < > : , . = ? >= <= != */
} og_tok_kind;

typedef struct og_tok {
  og_tok_kind kind;
  og_span span;
  og_str text; /* WORD, VAR and ANNOT without the sign; others as written */
} og_tok;

typedef struct og_lexer {
  const og_source *src;
  uint32_t at;
  og_tok tok; /* the current token */
} og_lexer;

OG_MUST_USE og_status og_lexer_init(og_ctx *cx, og_lexer *lx, const og_source *src);
OG_MUST_USE og_status og_lexer_next(og_ctx *cx, og_lexer *lx);
/* The text of a STRING token with escapes resolved, in `a`. */
OG_MUST_USE og_status og_lexer_string(og_ctx *cx, const og_lexer *lx, og_arena *a, og_str *out);
