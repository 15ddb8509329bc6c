/* SPDX-License-Identifier: MIT */
#include "history/token.h"

#include "base/json.h"
#include "history/digest.h"

#define VERSION       1
#define LONG_ID       256 /* longer ones are told by their beginning and a digest */
#define LONG_ID_BEGIN 64

static const char *const kind_names[] = {"commit-page", "feed-cursor", "feed-page"};

/* ---- bindings */

static og_status add_list(og_ctx *cx, og_buf *b, const og_str *list, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    OG_TRY(og_buf_append_str(cx, b, list[i]));
    OG_TRY(og_buf_append_byte(cx, b, 0x1f));
  }
  return og_buf_append_byte(cx, b, 0x1e);
}

static int by_text(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(*(const og_str *)a, *(const og_str *)b);
}

/* The same filter, however it is written. */
static og_status add_set(og_ctx *cx, og_buf *b, const og_str *list, size_t n)
{
  size_t kept = 0;
  og_str *sorted = og_push_array(cx, n + 1, sizeof *sorted);
  if (!sorted) return OG_ENOMEM;
  if (n) memcpy(sorted, list, n * sizeof *sorted);
  OG_TRY(og_sort(cx, sorted, n, sizeof *sorted, by_text, NULL));
  for (size_t i = 0; i < n; i++)
    if (kept == 0 || !og_str_eq(sorted[kept - 1], sorted[i])) sorted[kept++] = sorted[i];
  return add_list(cx, b, sorted, kept);
}

og_status og_token_bind(og_ctx *cx, const og_snapshot *s, const og_change_filter *f, og_token *out)
{
  OG_AUTO(og_buf) b = {0};
  char domain[OG_ULID_LEN];
  og_ulid_format(&s->catalog->domain, domain);
  OG_TRY(og_digest_hex(cx, og_str_from(domain, sizeof domain), out->graph));
  OG_TRY(og_buf_append_str(cx, &b,
                           OG_STR("changes/forward\x1f"
                                  "branch:")));
  OG_TRY(og_buf_append_str(cx, &b, s->branch.len ? s->branch : OG_STR("main")));
  OG_TRY(og_buf_append_byte(cx, &b, 0x1f));
  OG_TRY(og_buf_append(cx, &b, s->incarnation, sizeof s->incarnation));
  OG_TRY(og_digest_hex(cx, og_buf_str(&b), out->branch));
  og_buf_clear(&b);
  OG_TRY(add_set(cx, &b, f->kinds, f->n_kinds));
  OG_TRY(add_set(cx, &b, f->types, f->n_types));
  OG_TRY(add_set(cx, &b, f->ops, f->n_ops));
  return og_digest_hex(cx, og_buf_str(&b), out->filter);
}

og_status og_token_place(og_ctx *cx, const og_change *c, og_change_place *out)
{
  char hex[64];
  *out = (og_change_place){0};
  OG_TRY(og_arena_str(cx, cx->arena, c->type_id, &out->type_id));
  OG_TRY(og_arena_str(cx, cx->arena, c->id.len > LONG_ID ? og_str_sub(c->id, 0, LONG_ID_BEGIN) : c->id, &out->id));
  if (c->id.len <= LONG_ID) return OG_OK;
  OG_TRY(og_digest_hex(cx, c->id, hex));
  return og_arena_str(cx, cx->arena, og_str_from(hex, sizeof hex), &out->digest);
}

/* ---- writing */

static og_status kv_ulid(og_ctx *cx, og_json_writer *w, const char *key, const og_ulid *id)
{
  char text[OG_ULID_LEN];
  og_ulid_format(id, text);
  return og_json_kv_str(cx, w, key, og_str_from(text, sizeof text));
}

/* An id's beginning may end inside a character: bytes are written as base64url. */
static og_status kv_bytes(og_ctx *cx, og_json_writer *w, const char *key, og_str bytes)
{
  const size_t n = (4 * bytes.len + 2) / 3;
  char *text = og_push(cx, n + 1);
  if (!text) return OG_ENOMEM;
  og_base64url((const uint8_t *)bytes.ptr, bytes.len, text);
  return og_json_kv_str(cx, w, key, og_str_from(text, n));
}

static og_status write_json(og_ctx *cx, const og_token *t, og_buf *out)
{
  og_json_writer w;
  og_json_writer_init(&w, out, false);
  OG_TRY(og_json_begin_object(cx, &w));
  OG_TRY(og_json_kv_u64(cx, &w, "v", VERSION));
  OG_TRY(og_json_kv_str(cx, &w, "kind", og_str_of(kind_names[t->kind])));
  OG_TRY(og_json_kv_str(cx, &w, "graph", og_str_from(t->graph, 64)));
  OG_TRY(og_json_kv_str(cx, &w, "branch", og_str_from(t->branch, 64)));
  OG_TRY(og_json_kv_str(cx, &w, "filter", og_str_from(t->filter, 64)));
  OG_TRY(kv_ulid(cx, &w, "at", &t->position));
  if (t->kind == OG_TOKEN_FEED_PAGE) OG_TRY(kv_ulid(cx, &w, "cut", &t->cut));
  if (t->place.type_id.len) {
    OG_TRY(og_json_kv_str(cx, &w, "type", t->place.type_id));
    OG_TRY(kv_bytes(cx, &w, "id", t->place.id));
    if (t->place.digest.ptr) OG_TRY(og_json_kv_str(cx, &w, "digest", t->place.digest));
  }
  return og_json_end_object(cx, &w);
}

og_status og_token_encode(og_ctx *cx, const og_token *t, og_str *out)
{
  OG_AUTO(og_buf) bytes = {0};
  uint8_t digest[32];
  OG_TRY(write_json(cx, t, &bytes));
  OG_TRY(og_digest(cx, og_buf_str(&bytes), digest));
  OG_TRY(og_buf_append(cx, &bytes, digest, sizeof digest));
  const size_t n = (4 * bytes.len + 2) / 3;
  char *text = og_push(cx, n + 1);
  if (!text) return OG_ENOMEM;
  og_base64url(bytes.data, bytes.len, text);
  *out = og_str_from(text, n);
  OG_INVARIANT(n <= OG_TOKEN_CHARS);
  return OG_OK;
}

/* ---- reading */

static og_status reject(og_ctx *cx, const char *why)
{
  return og_fail(cx, OG_EINVALID, "change cursor rejected: %s", why);
}

static bool get_ulid(const og_json *j, og_str key, og_ulid *out)
{
  og_str text;
  return og_json_get_str(j, key, &text) && og_ulid_parse(text, out);
}

static bool get_digest(const og_json *j, og_str key, char out[64])
{
  og_str text;
  if (!og_json_get_str(j, key, &text) || text.len != 64) return false;
  memcpy(out, text.ptr, 64);
  return true;
}

static og_status get_place(og_ctx *cx, const og_json *j, og_change_place *out, bool *ok)
{
  og_str id;
  OG_AUTO(og_buf) bytes = {0};
  *out = (og_change_place){0};
  *ok = true;
  if (!og_json_get_str(j, OG_STR("type"), &out->type_id)) return OG_OK; /* between two commits */
  *ok = out->type_id.len == OG_TYPE_TOKEN && og_json_get_str(j, OG_STR("id"), &id);
  if (!*ok) return OG_OK;
  OG_TRY(og_base64url_decode(cx, id, &bytes, ok));
  if (!*ok || bytes.len > LONG_ID) return OG_OK;
  OG_TRY(og_arena_str(cx, cx->arena, og_buf_str(&bytes), &out->id));
  if (!og_json_get_str(j, OG_STR("digest"), &out->digest)) out->digest = OG_STR_NONE;
  *ok = !out->digest.ptr || (out->digest.len == 64 && out->id.len == LONG_ID_BEGIN);
  return OG_OK;
}

static og_status parse(og_ctx *cx, const og_json *j, og_token *t)
{
  uint64_t version;
  og_str kind;
  bool ok = og_json_get_u64(j, OG_STR("v"), &version) && version == VERSION &&
            og_json_get_str(j, OG_STR("kind"), &kind);
  if (!ok) return reject(cx, "it was made by another version");
  if (!og_str_eq(kind, og_str_of(kind_names[t->kind])))
    return reject(cx, t->kind == OG_TOKEN_FEED_CURSOR ? "it is a page token, not a cursor"
                                                      : "it is no page token of this kind");
  ok = get_digest(j, OG_STR("graph"), t->graph) && get_digest(j, OG_STR("branch"), t->branch) &&
       get_digest(j, OG_STR("filter"), t->filter) && get_ulid(j, OG_STR("at"), &t->position) &&
       (t->kind != OG_TOKEN_FEED_PAGE || get_ulid(j, OG_STR("cut"), &t->cut));
  if (ok && t->kind != OG_TOKEN_FEED_CURSOR) OG_TRY(get_place(cx, j, &t->place, &ok));
  if (ok && t->kind == OG_TOKEN_COMMIT_PAGE) ok = t->place.type_id.len > 0;
  return ok ? OG_OK : reject(cx, "it lacks a part");
}

static og_status check_bindings(og_ctx *cx, const og_token *t, const og_token *bound)
{
  if (memcmp(t->graph, bound->graph, 64) != 0) return reject(cx, "it is of another graph");
  if (memcmp(t->branch, bound->branch, 64) != 0)
    return reject(cx, "it is of another branch, or of one that was deleted and made anew");
  if (memcmp(t->filter, bound->filter, 64) != 0) return reject(cx, "it was made with another filter");
  return OG_OK;
}

og_status og_token_decode(og_ctx *cx, og_str text, const og_token *bound, og_token *out)
{
  OG_AUTO(og_buf) bytes = {0};
  uint8_t digest[32];
  bool ok;
  const og_json *json;
  *out = (og_token){.kind = bound->kind};
  if (text.len > OG_TOKEN_CHARS) return reject(cx, "it is too long");
  OG_TRY(og_base64url_decode(cx, text, &bytes, &ok));
  if (!ok || bytes.len < sizeof digest) return reject(cx, "it is no token");
  const og_str body = og_str_sub(og_buf_str(&bytes), 0, bytes.len - sizeof digest);
  OG_TRY(og_digest(cx, body, digest));
  if (memcmp(digest, bytes.data + body.len, sizeof digest) != 0) return reject(cx, "it was cut or changed");
  og_status st = og_json_read(cx, cx->arena, body, &json);
  if (st == OG_ENOMEM) return st;
  if (st != OG_OK) return reject(cx, "it is no token");
  OG_TRY(parse(cx, json, out));
  return check_bindings(cx, out, bound);
}
