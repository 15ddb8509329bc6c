/* SPDX-License-Identifier: MIT */
#include "topology/file.h"

#include <inttypes.h>

#define MAGIC         "OGTOPO\r\n"
#define FORMAT        1u
#define SECTIONS      6
#define MAX_HEADER    65536u
#define FIXED_HEADER  (8 + 8 + 32 + 8 + SECTIONS * 24)
#define FLAG_PARALLEL 1u
#define FLAG_LOOPS    2u
#define FLAG_SAME     4u

typedef struct section {
  uint64_t off, len, hash;
} section;

typedef struct header {
  uint64_t n_from, n_to, edge_rows, n_edges;
  uint32_t flags;
  section sections[SECTIONS];
} header;

og_status og_topology_key(og_ctx *cx, const og_decoded *edges, og_str *out)
{
  og_str path = og_str_of(edges->name.ptr), branch = og_str_of(edges->name.ptr + path.len + 1);
  const char *tree = branch.len ? "/tree/" : "/main";
  return og_arena_printf(cx, cx->arena, out, "__topology/" OG_STR_FMT "%s" OG_STR_FMT "/adjacency", OG_STR_ARG(path),
                         tree, OG_STR_ARG(branch));
}

/* ---- writing */

typedef struct piece {
  const void *data;
  uint64_t len;
} piece;

static void pieces_of(const og_topology *t, piece out[SECTIONS])
{
  const og_csr *ways[2] = {&t->out, &t->in};
  for (size_t i = 0; i < 2; i++) {
    const og_csr *c = ways[i];
    uint64_t edges = c->first[c->n];
    out[3 * i] = (piece){c->first, (c->n + 1) * sizeof *c->first};
    out[3 * i + 1] = (piece){c->targets, edges * sizeof *c->targets};
    out[3 * i + 2] = (piece){c->rows, edges * sizeof *c->rows};
  }
}

static og_status put_name(og_ctx *cx, og_buf *out, og_str name)
{
  OG_TRY(og_buf_put_u32(cx, out, (uint32_t)name.len));
  return og_buf_append_str(cx, out, name);
}

og_status og_topology_encode_header(og_ctx *cx, const og_ends *ends, const og_topology *t, og_buf *out)
{
  piece pieces[SECTIONS];
  uint32_t flags = (t->out.parallel ? FLAG_PARALLEL : 0) | (t->out.loops ? FLAG_LOOPS : 0) | (t->same ? FLAG_SAME : 0);
  uint64_t names = 12 + ends->edges->name.len + ends->from->name.len + ends->to->name.len, at;
  uint64_t length = FIXED_HEADER + names + 8;
  if (length > MAX_HEADER) return og_fail(cx, OG_EINVALID, "topology: the names of its tables are too long");
  pieces_of(t, pieces);
  OG_TRY(og_buf_append(cx, out, MAGIC, 8));
  OG_TRY(og_buf_put_u32(cx, out, FORMAT));
  OG_TRY(og_buf_put_u32(cx, out, (uint32_t)length));
  OG_TRY(og_buf_put_u64(cx, out, t->out.n));
  OG_TRY(og_buf_put_u64(cx, out, t->in.n));
  OG_TRY(og_buf_put_u64(cx, out, ends->edges->rows));
  OG_TRY(og_buf_put_u64(cx, out, t->out.first[t->out.n]));
  OG_TRY(og_buf_put_u32(cx, out, flags));
  OG_TRY(og_buf_put_u32(cx, out, 0));
  at = (length + 63) / 64 * 64;
  for (int i = 0; i < SECTIONS; i++) {
    OG_TRY(og_buf_put_u64(cx, out, at));
    OG_TRY(og_buf_put_u64(cx, out, pieces[i].len));
    OG_TRY(og_buf_put_u64(cx, out, og_str_checksum(og_str_from(pieces[i].data, (size_t)pieces[i].len))));
    at = (at + pieces[i].len + 63) / 64 * 64;
  }
  OG_TRY(put_name(cx, out, ends->edges->name));
  OG_TRY(put_name(cx, out, ends->from->name));
  OG_TRY(put_name(cx, out, ends->to->name));
  return og_buf_put_u64(cx, out, og_str_checksum(og_buf_str(out)));
}

static og_status append_padded(og_ctx *cx, og_store *store, og_store_writer *w, og_str bytes, uint64_t *at)
{
  static const char zeros[64];
  uint64_t pad = (64 - (*at + bytes.len) % 64) % 64;
  if (bytes.len) OG_TRY(og_store_writer_append(cx, store, w, bytes));
  *at += bytes.len + pad;
  return pad ? og_store_writer_append(cx, store, w, og_str_from(zeros, (size_t)pad)) : OG_OK;
}

og_status og_topology_write(og_ctx *cx, og_store *store, og_str key, const og_ends *ends, const og_topology *t)
{
  piece pieces[SECTIONS];
  og_store_writer *w;
  uint64_t at = 0;
  OG_AUTO(og_buf) head = {0};
  OG_TRY(og_topology_encode_header(cx, ends, t, &head));
  pieces_of(t, pieces);
  OG_TRY(og_store_writer_open(cx, store, key, &w));
  og_status st = append_padded(cx, store, w, og_buf_str(&head), &at);
  for (int i = 0; st == OG_OK && i < SECTIONS; i++)
    st = append_padded(cx, store, w, og_str_from(pieces[i].data, (size_t)pieces[i].len), &at);
  if (st == OG_OK) return og_store_writer_finish(cx, store, w);
  og_store_writer_abort(cx, store, w);
  return st;
}

/* ---- reading */

static uint64_t u64_at(const og_buf *b, size_t at)
{
  uint64_t v;
  memcpy(&v, b->data + at, sizeof v);
  return v;
}

static uint32_t u32_at(const og_buf *b, size_t at)
{
  uint32_t v;
  memcpy(&v, b->data + at, sizeof v);
  return v;
}

static bool name_is(const og_buf *b, size_t *at, og_str name)
{
  if (b->len - 8 - *at < 4) return false;
  uint32_t len = u32_at(b, *at);
  *at += 4;
  if (len > b->len - 8 - *at) return false;
  bool same = og_str_eq(og_str_from(b->data + *at, len), name);
  *at += len;
  return same;
}

/* *found false: for other versions of the tables, or by another version of this engine. */
static og_status decode_header(og_ctx *cx, const og_buf *b, const og_ends *ends, header *h, bool *found)
{
  *found = false;
  if (b->len < FIXED_HEADER + 8 || memcmp(b->data, MAGIC, 8) != 0)
    return og_fail(cx, OG_ECORRUPT, "topology: this is no file of ours");
  if (u32_at(b, 8) != FORMAT) return OG_OK;
  if (u64_at(b, b->len - 8) != og_str_checksum(og_str_from(b->data, b->len - 8)))
    return og_fail(cx, OG_ECORRUPT, "topology: the checksum of the header is wrong");
  *h = (header){u64_at(b, 16), u64_at(b, 24), u64_at(b, 32), u64_at(b, 40), u32_at(b, 48), {{0}}};
  for (int i = 0; i < SECTIONS; i++) {
    size_t at = 56 + (size_t)i * 24;
    h->sections[i] = (section){u64_at(b, at), u64_at(b, at + 8), u64_at(b, at + 16)};
  }
  size_t at = FIXED_HEADER;
  *found = name_is(b, &at, ends->edges->name) && name_is(b, &at, ends->from->name) && name_is(b, &at, ends->to->name);
  if (!*found) return OG_OK;
  if (h->n_from != ends->from->rows || h->n_to != ends->to->rows || h->edge_rows != ends->edges->rows ||
      h->n_edges > h->edge_rows || h->edge_rows >= OG_NO_ROW || h->n_from >= OG_NO_ROW || h->n_to >= OG_NO_ROW)
    return og_fail(cx, OG_ECORRUPT, "topology: its tables have other numbers of rows");
  return OG_OK;
}

static og_status read_header(og_ctx *cx, og_store *store, og_str key, const og_ends *ends, header *h, bool *found)
{
  OG_AUTO(og_buf) start = {0};
  OG_AUTO(og_buf) all = {0};
  og_object_info info;
  *found = false;
  og_status st = og_store_info(cx, store, key, &info);
  if (st == OG_ENOTFOUND) {
    og_error_clear(cx);
    return OG_OK;
  }
  OG_TRY(st);
  if (info.size < FIXED_HEADER + 8) return og_fail(cx, OG_ECORRUPT, "topology: the file is cut off");
  OG_TRY(og_store_get_range(cx, store, key, 0, FIXED_HEADER, &start));
  uint32_t length = u32_at(&start, 12);
  if (length < FIXED_HEADER + 8 || length > MAX_HEADER || length > info.size)
    return og_fail(cx, OG_ECORRUPT, "topology: the header claims %" PRIu32 " bytes", length);
  OG_TRY(og_store_get_range(cx, store, key, 0, length, &all));
  return decode_header(cx, &all, ends, h, found);
}

static og_status read_section(og_ctx *cx, og_store *store, og_str key, const section *s, uint64_t len, void **out)
{
  OG_AUTO(og_buf) bytes = {0};
  if (s->len != len) return og_fail(cx, OG_ECORRUPT, "topology: a section has %" PRIu64 " bytes", s->len);
  OG_TRY(og_buf_reserve(cx, &bytes, (size_t)len + 8));
  if (len) OG_TRY(og_store_get_range(cx, store, key, s->off, len, &bytes));
  if (og_str_checksum(og_str_from(bytes.data, bytes.len)) != s->hash)
    return og_fail(cx, OG_ECORRUPT, "topology: the checksum of a section is wrong");
  *out = bytes.data;
  bytes = (og_buf){0};
  return OG_OK;
}

/* Lists ascend and stay inside: what the loops of the executor rely on. */
static og_status check_csr(og_ctx *cx, const og_csr *c, uint64_t n_edges, uint64_t edge_rows)
{
  bool sound = c->first[0] == 0 && c->first[c->n] == n_edges;
  for (uint64_t v = 0; v < c->n && sound; v++) sound = c->first[v] <= c->first[v + 1] && c->first[v + 1] <= n_edges;
  for (uint64_t v = 0; v < c->n && sound; v++)
    for (uint64_t i = c->first[v]; i < c->first[v + 1]; i++)
      sound = sound && c->targets[i] < c->n_far && (i == c->first[v] || c->targets[i] >= c->targets[i - 1]);
  for (uint64_t i = 0; c->rows && i < n_edges && sound; i++) sound = c->rows[i] < edge_rows;
  return sound ? OG_OK : og_fail(cx, OG_ECORRUPT, "topology: its lists are not in order");
}

static og_status read_csr(og_ctx *cx, og_store *store, og_str key, const header *h, unsigned way, bool with_rows,
                          og_csr *c)
{
  const section *s = &h->sections[3 * (size_t)way];
  c->n = way ? h->n_to : h->n_from;
  c->n_far = way ? h->n_from : h->n_to;
  c->parallel = h->flags & FLAG_PARALLEL;
  c->loops = h->flags & FLAG_LOOPS;
  OG_TRY(read_section(cx, store, key, &s[0], (c->n + 1) * sizeof *c->first, (void **)&c->first));
  OG_TRY(read_section(cx, store, key, &s[1], h->n_edges * sizeof *c->targets, (void **)&c->targets));
  if (with_rows) OG_TRY(read_section(cx, store, key, &s[2], h->n_edges * sizeof *c->rows, (void **)&c->rows));
  return check_csr(cx, c, h->n_edges, h->edge_rows);
}

static og_status read_parts(og_ctx *cx, og_store *store, og_str key, const og_ends *ends, og_topology_part part,
                            og_topology *out, bool *found)
{
  header h;
  OG_TRY(read_header(cx, store, key, ends, &h, found));
  if (*found && part != OG_TOPOLOGY_ALL && (h.flags & FLAG_PARALLEL)) *found = false;
  if (!*found) return OG_OK;
  out->same = h.flags & FLAG_SAME;
  if (out->same != (ends->from == ends->to)) return og_fail(cx, OG_ECORRUPT, "topology: it joins other tables");
  if (part != OG_TOPOLOGY_IN) OG_TRY(read_csr(cx, store, key, &h, 0, part == OG_TOPOLOGY_ALL, &out->out));
  if (part != OG_TOPOLOGY_OUT) OG_TRY(read_csr(cx, store, key, &h, 1, part == OG_TOPOLOGY_ALL, &out->in));
  return OG_OK;
}

og_status og_topology_read(og_ctx *cx, og_store *store, og_str key, const og_ends *ends, og_topology_part part,
                           og_topology *out, bool *found)
{
  og_topology t = {0};
  og_status st = read_parts(cx, store, key, ends, part, &t, found);
  if (st == OG_OK && *found) {
    out->out = t.out;
    out->in = t.in;
    out->same = t.same;
    return OG_OK;
  }
  og_csr_cleanup(&t.out);
  og_csr_cleanup(&t.in);
  *found = false; /* a sound header does not make its sections sound */
  return st == OG_OK ? OG_OK : og_note(cx, st, "while reading " OG_STR_FMT, OG_STR_ARG(key));
}

og_status og_topology_is_current(og_ctx *cx, og_store *store, og_str key, const og_ends *ends, bool *out)
{
  header h;
  return read_header(cx, store, key, ends, &h, out);
}
