/* SPDX-License-Identifier: MIT */
#include "schema/lex.h"

#include "base/limits.h"

static bool is_word_start(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
  return is_word_start(c) || is_digit(c);
}

static char peek(const og_lexer *lx, uint32_t ahead)
{
  size_t i = (size_t)lx->at + ahead;
  return i < lx->src->text.len ? lx->src->text.ptr[i] : '\0';
}

static og_status skip_block_comment(og_ctx *cx, og_lexer *lx)
{
  uint32_t start = lx->at;
  og_str rest = og_str_sub(lx->src->text, start + 2, lx->src->text.len);
  size_t end = og_str_find(rest, OG_STR("*/"));
  if (end == SIZE_MAX)
    return og_source_fail(cx, OG_EINVALID, lx->src, (og_span){start, start + 2}, OG_STR("close it with */"),
                          "parse error: this comment never ends");
  lx->at = start + 2 + (uint32_t)end + 2;
  return OG_OK;
}

static og_status skip_blank(og_ctx *cx, og_lexer *lx)
{
  for (;;) {
    char c = peek(lx, 0);
    bool more = lx->at < lx->src->text.len;
    if (more && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
      lx->at++;
    } else if (c == '/' && peek(lx, 1) == '/') {
      while (lx->at < lx->src->text.len && peek(lx, 0) != '\n') lx->at++;
    } else if (c == '/' && peek(lx, 1) == '*') {
      OG_TRY(skip_block_comment(cx, lx));
    } else {
      return OG_OK;
    }
  }
}

static void take(og_lexer *lx, og_tok_kind kind, uint32_t start, uint32_t sign)
{
  lx->tok = (og_tok){kind, {start, lx->at}, og_str_sub(lx->src->text, start + sign, lx->at)};
}

static og_status lex_string(og_ctx *cx, og_lexer *lx)
{
  uint32_t start = lx->at++;
  for (; lx->at < lx->src->text.len; lx->at++) {
    char c = peek(lx, 0);
    if (c == '"') {
      lx->at++;
      take(lx, OG_TOK_STRING, start, 0);
      return OG_OK;
    }
    if (c == '\\') lx->at++;
  }
  return og_source_fail(cx, OG_EINVALID, lx->src, (og_span){start, start + 1}, OG_STR("close it with \""),
                        "parse error: this string never ends");
}

/* e5, E-3: stands at the first digit then. */
static bool exponent(og_lexer *lx)
{
  uint32_t sign = peek(lx, 1) == '-' || peek(lx, 1) == '+' ? 1 : 0;
  if ((peek(lx, 0) != 'e' && peek(lx, 0) != 'E') || !is_digit(peek(lx, 1 + sign))) return false;
  lx->at += 1 + sign;
  return true;
}

static og_status lex_number(og_ctx *cx, og_lexer *lx)
{
  uint32_t start = lx->at;
  bool is_float = false;
  while (is_digit(peek(lx, 0))) lx->at++;
  if (peek(lx, 0) == '.' && is_digit(peek(lx, 1))) {
    is_float = true;
    lx->at++;
    while (is_digit(peek(lx, 0))) lx->at++;
  }
  if (!lx->schema && exponent(lx)) {
    is_float = true;
    while (is_digit(peek(lx, 0))) lx->at++;
  }
  if (lx->schema && (is_word(peek(lx, 0)) || peek(lx, 0) == '-')) { /* perhaps a value of an enum: the parser decides */
    take(lx, is_float ? OG_TOK_FLOAT : OG_TOK_INT, start, 0);
    return OG_OK;
  }
  if (is_word(peek(lx, 0))) {
    while (is_word(peek(lx, 0))) lx->at++;
    return og_source_fail(cx, OG_EINVALID, lx->src, (og_span){start, lx->at}, OG_STR_NONE,
                          "parse error: '" OG_STR_FMT "' is neither a number nor a name",
                          OG_STR_ARG(og_str_sub(lx->src->text, start, lx->at)));
  }
  take(lx, is_float ? OG_TOK_FLOAT : OG_TOK_INT, start, 0);
  return OG_OK;
}

static og_status lex_signed_word(og_ctx *cx, og_lexer *lx, og_tok_kind kind)
{
  uint32_t start = lx->at++;
  if (!is_word_start(peek(lx, 0)))
    return og_source_fail(cx, OG_EINVALID, lx->src, (og_span){start, lx->at}, OG_STR_NONE,
                          "parse error: expected a name right after '%c'", kind == OG_TOK_VAR ? '$' : '@');
  while (is_word(peek(lx, 0))) lx->at++;
  take(lx, kind, start, 1);
  char first = lx->tok.text.ptr[0];
  if (kind == OG_TOK_VAR && first >= 'A' && first <= 'Z')
    return og_source_fail(cx, OG_EINVALID, lx->src, lx->tok.span, OG_STR_NONE,
                          "parse error: a variable starts with a lower-case letter or '_'");
  return OG_OK;
}

static uint32_t sign_len(bool schema, char c, char d)
{
  if (schema && ((c == '-' && d == '>') || (c == '.' && d == '.'))) return 2;
  if (!schema && d == '=' && (c == '>' || c == '<' || c == '!')) return 2;
  if (c == '\0') return 0;
  return strchr(schema ? "{}()[]:,.=?-" : "{}()[]<>:,.=?+-*/%", c) ? 1 : 0;
}

static og_str stray_hint(char c)
{
  if (c == '\'') return OG_STR("texts are written in double quotes");
  return OG_STR_NONE;
}

og_status og_lexer_next(og_ctx *cx, og_lexer *lx)
{
  OG_TRY(skip_blank(cx, lx));
  uint32_t start = lx->at;
  char c = peek(lx, 0), d = peek(lx, 1);
  if (lx->at >= lx->src->text.len) {
    take(lx, OG_TOK_END, start, 0);
    return OG_OK;
  }
  if (is_word_start(c)) {
    while (is_word(peek(lx, 0))) lx->at++;
    take(lx, OG_TOK_WORD, start, 0);
    return OG_OK;
  }
  if (is_digit(c)) return lex_number(cx, lx);
  if (c == '"') return lex_string(cx, lx);
  if (c == '$') return lex_signed_word(cx, lx, OG_TOK_VAR);
  if (c == '@') return lex_signed_word(cx, lx, OG_TOK_ANNOT);
  uint32_t sign = sign_len(lx->schema, c, d);
  if (sign == 0) {
    size_t end = start;
    og_utf8_next(lx->src->text, &end);
    return og_source_fail(cx, OG_EINVALID, lx->src, (og_span){start, (uint32_t)end}, stray_hint(c),
                          "parse error: unexpected character");
  }
  lx->at += sign;
  take(lx, OG_TOK_PUNCT, start, 0);
  return OG_OK;
}

og_status og_lexer_init(og_ctx *cx, og_lexer *lx, const og_source *src, bool schema)
{
  *lx = (og_lexer){.src = src, .schema = schema};
  return og_lexer_next(cx, lx);
}

bool og_lexer_enum_value(og_lexer *lx)
{
  uint32_t start = lx->tok.span.start, end = start;
  og_str text = lx->src->text;
  while (end < text.len && (is_word(text.ptr[end]) || text.ptr[end] == '-')) end++;
  if (end == start) return false;
  lx->at = end;
  take(lx, OG_TOK_WORD, start, 0);
  return true;
}

og_status og_lexer_string(og_ctx *cx, const og_lexer *lx, og_arena *a, og_str *out)
{
  og_str raw = og_str_sub(lx->tok.text, 1, lx->tok.text.len - 1);
  char *to = og_arena_alloc(cx, a, raw.len + 1);
  if (!to) return OG_ENOMEM;
  size_t n = 0;
  for (size_t i = 0; i < raw.len; i++) {
    char c = raw.ptr[i];
    if (c != '\\') {
      to[n++] = c;
      continue;
    }
    c = raw.ptr[++i]; /* the lexer saw a byte behind every backslash */
    uint32_t at = lx->tok.span.start + 1 + (uint32_t)i;
    switch (c) {
    case '"':
    case '\\': to[n++] = c; break;
    case 'n': to[n++] = '\n'; break;
    case 'r': to[n++] = '\r'; break;
    case 't': to[n++] = '\t'; break;
    default:
      return og_source_fail(cx, OG_EINVALID, lx->src, (og_span){at - 1, at + 1},
                            OG_STR("the escapes are \\\" \\\\ \\n \\r \\t"),
                            "parse error: unsupported escape sequence: \\%c", c >= ' ' && c < 127 ? c : '?');
    }
  }
  *out = (og_str){to, n};
  return OG_OK;
}

og_status og_source_check(og_ctx *cx, const og_source *src)
{
  if (src->text.len > OG_LIMIT_SOURCE_BYTES) {
    og_fail(cx, OG_ELIMIT, "parse error: the text has %zu bytes, more than the %u allowed", src->text.len,
            OG_LIMIT_SOURCE_BYTES);
    og_detail *d = og_error_detail(cx, OG_DETAIL_RESOURCE_LIMIT);
    og_detail_set(d->resource, sizeof d->resource, OG_STR("source bytes"));
    d->limit = OG_LIMIT_SOURCE_BYTES;
    d->used = src->text.len;
    return OG_ELIMIT;
  }
  size_t bad = og_utf8_check(src->text), nul = og_str_find(src->text, OG_STR("\0"));
  if (nul < bad)
    return og_source_fail(cx, OG_EINVALID, src, (og_span){(uint32_t)nul, (uint32_t)nul + 1}, OG_STR_NONE,
                          "parse error: the text holds U+0000, which cannot be stored");
  if (bad == SIZE_MAX) return OG_OK;
  return og_source_fail(cx, OG_EINVALID, src, (og_span){(uint32_t)bad, (uint32_t)bad + 1}, OG_STR_NONE,
                        "parse error: the text is not UTF-8 from byte %zu on", bad);
}
