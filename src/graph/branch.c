/* SPDX-License-Identifier: MIT */
/* graph/branch.c -- branches: a registry in main's log, mirrored as Lance branch references.
 *
 * A branch *name* has one log for ever, across delete and recreate, and its version numbers never go back.
 *
 *            create: row live on main     clone manifest at `first`     mirror
 *   absent/dead ---------------> live ---------------------> readable -------->
 *            delete: seal on the branch's log = the deletion point; then row dead on main; mirror removed
 *   live -----------------------> sealed -------------------> dead
 *
 *  (1) main's row is the authority; the clone and the mirror (mirror.c) are written after it, by whoever meets a row
 *      without them.
 *  (2) A seal ends an incarnation: a later writer loses that slot and sees it.
 *  (3) A recreated branch starts above the seal, so a late writer of the old incarnation writes where nobody looks.
 *  (4) No file is removed but the mirror: data dies by cleanup.
 *
 * docs/dev/commit-protocol.md, branches.
 */
#include "graph/internal.h"

#include "base/env.h"
#include "base/json.h"
#include "base/limits.h"

#include <inttypes.h>

og_str og_graph__branch_name(og_str branch)
{
  branch = og_str_trim(branch);
  return og_str_eq(branch, OG_STR("main")) ? OG_STR("") : branch;
}

/* ---- names */

static bool name_byte(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == '_' || c == '/';
}

og_status og_branch_name_check(og_ctx *cx, og_str name)
{
  const char *why = NULL;
  if (name.len == 0)
    why = "it is empty";
  else if (name.len > OG_LIMIT_BRANCH_NAME)
    why = "it is longer than 200 bytes";
  else if (og_str_eq(name, OG_STR("main")))
    why = "main is the branch every graph has";
  else if (name.ptr[0] == '/' || name.ptr[name.len - 1] == '/')
    why = "it must not begin or end with '/'";
  else if (og_str_find(name, OG_STR("//")) != SIZE_MAX)
    why = "it must not contain '//'";
  else if (og_str_find(name, OG_STR("..")) != SIZE_MAX)
    why = "it must not contain '..'";
  else if (og_str_ends_with(name, OG_STR(".lock")))
    why = "it must not end with '.lock'";
  else if (og_str_starts_with(name, OG_STR("__")))
    why = "names that begin with '__' are reserved";
  for (size_t i = 0; !why && i < name.len; i++)
    if (!name_byte(name.ptr[i])) why = "only letters, digits, '.', '-', '_' and '/' are allowed";
  if (og_str_eq(name, OG_STR("."))) why = "it must not be '.'";
  if (!why) return OG_OK;
  return og_fail(cx, OG_EINVALID, "invalid branch name '" OG_STR_FMT "': %s", OG_STR_ARG(name), why);
}

/* `a` and `a/b` cannot live together: one would be a folder inside the other. */
static bool nests_with(og_str a, og_str b)
{
  og_str shorter = a.len < b.len ? a : b, longer = a.len < b.len ? b : a;
  return og_str_starts_with(longer, shorter) && longer.ptr[shorter.len] == '/';
}

/* ---- rows */

void og_branch__hex(const uint8_t bytes[16], char out[32])
{
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < 16; i++) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
}

static int hex_digit(char c)
{
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_parse(og_str s, uint8_t out[16])
{
  if (s.len != 32) return false;
  for (size_t i = 0; i < 16; i++) {
    int hi = hex_digit(s.ptr[2 * i]), lo = hex_digit(s.ptr[2 * i + 1]);
    if (hi < 0 || lo < 0) return false;
    out[i] = (uint8_t)(hi << 4 | lo);
  }
  return true;
}

static og_status kv_hex(og_ctx *cx, og_json_writer *w, const char *key, const uint8_t bytes[16])
{
  char text[32];
  og_branch__hex(bytes, text);
  return og_json_kv_str(cx, w, key, og_str_from(text, sizeof text));
}

static og_status write_branch(og_ctx *cx, og_buf *json, const og_branch_row *b)
{
  og_json_writer w;
  og_json_writer_init(&w, json, false);
  OG_TRY(og_json_begin_object(cx, &w));
  OG_TRY(og_json_kv_str(cx, &w, "state", b->live ? OG_STR("live") : OG_STR("dead")));
  OG_TRY(kv_hex(cx, &w, "incarnation", b->incarnation));
  if (b->parent.len)
    OG_TRY(og_json_kv_str(cx, &w, "parent", b->parent));
  else
    OG_TRY(og_json_kv_null(cx, &w, "parent"));
  OG_TRY(kv_hex(cx, &w, "parent_incarnation", b->parent_incarnation));
  OG_TRY(og_json_kv_u64(cx, &w, "k", b->k));
  OG_TRY(og_json_kv_u64(cx, &w, "first", b->first));
  if (b->has_seal) OG_TRY(og_json_kv_u64(cx, &w, "seal", b->seal));
  return og_json_end_object(cx, &w);
}

og_status og_branch__encode(og_ctx *cx, og_arena *a, const og_branch_row *row, og_log_row *out)
{
  og_str id;
  OG_AUTO(og_buf) json = {0};
  OG_TRY(og_arena_printf(cx, a, &id, "branch:" OG_STR_FMT, OG_STR_ARG(row->name)));
  OG_TRY(write_branch(cx, &json, row));
  return og_row_private(cx, a, OG_ROW_BRANCH, id, og_buf_str(&json), out);
}

/* Versions count from 1; the upper half of the numbers is Lance's, for versions that are not in the chain. */
static bool is_version(uint64_t v)
{
  return v > 0 && v <= INT64_MAX;
}

static og_status parse_branch(og_ctx *cx, og_arena *a, const og_log_row *row, og_branch_row *out)
{
  const og_json *json;
  og_str state, inc, parent_inc;
  *out = (og_branch_row){0};
  OG_TRY(og_arena_str(cx, a, og_str_sub(row->object_id, 7, row->object_id.len), &out->name));
  OG_TRY_NOTE(cx, og_json_read(cx, a, row->metadata, &json), "while reading __manifest row '" OG_STR_FMT "'",
              OG_STR_ARG(row->object_id));
  bool ok = og_json_get_str(json, OG_STR("state"), &state) && og_json_get_str(json, OG_STR("incarnation"), &inc) &&
            og_json_get_str(json, OG_STR("parent_incarnation"), &parent_inc) && hex_parse(inc, out->incarnation) &&
            hex_parse(parent_inc, out->parent_incarnation) && og_json_get_u64(json, OG_STR("k"), &out->k) &&
            og_json_get_u64(json, OG_STR("first"), &out->first) && is_version(out->k) && is_version(out->first);
  out->has_seal = og_json_get_u64(json, OG_STR("seal"), &out->seal);
  if (!ok || (out->has_seal && out->seal > INT64_MAX))
    return og_fail(cx, OG_ECORRUPT, "__manifest row '" OG_STR_FMT "' is no branch registration",
                   OG_STR_ARG(row->object_id));
  if (!og_json_get_str(json, OG_STR("parent"), &out->parent)) out->parent = OG_STR("");
  out->live = og_str_eq(state, OG_STR("live"));
  return OG_OK;
}

og_status og_branch__get(og_ctx *cx, og_arena *a, const og_fold *main_fold, og_str name, og_branch_row *out,
                         bool *found)
{
  og_str id;
  OG_TRY(og_arena_printf(cx, a, &id, "branch:" OG_STR_FMT, OG_STR_ARG(name)));
  const og_log_row *row = og_fold_row(main_fold, id);
  *found = row != NULL && row->kind == OG_ROW_BRANCH;
  return *found ? parse_branch(cx, a, row, out) : OG_OK;
}

static int by_name(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(((const og_branch_row *)a)->name, ((const og_branch_row *)b)->name);
}

og_status og_branch__all(og_ctx *cx, og_arena *a, const og_fold *main_fold, og_vec *out)
{
  for (size_t i = 0; i < main_fold->rows.len; i++) {
    const og_log_row *r = &OG_VEC_AT(&main_fold->rows, og_log_row, i);
    if (r->kind != OG_ROW_BRANCH) continue;
    og_branch_row *b = og_vec_push(cx, out);
    if (!b) return OG_ENOMEM;
    OG_TRY(parse_branch(cx, a, r, b));
  }
  return og_sort(cx, out->data, out->len, sizeof(og_branch_row), by_name, NULL);
}

og_status og_branch__ancestors(og_ctx *cx, og_arena *a, const og_fold *main_fold, const og_branch_row *row, og_vec *out)
{
  og_branch_row at = *row;
  for (bool found = true; found && at.name.len;) {
    OG_TRY(og_vec_add(cx, out, &at.parent));
    if (at.parent.len == 0) break;
    if (out->len > OG_LIMIT_TYPES) return og_fail(cx, OG_ECORRUPT, "the branch registry goes in a circle");
    OG_TRY(og_branch__get(cx, a, main_fold, at.parent, &at, &found));
  }
  return OG_OK;
}

/* Drops from `all` what is dead, or sealed by a delete that did not reach main. */
static og_status keep_live(og_ctx *cx, og_graph *g, og_vec *all)
{
  size_t kept = 0;
  for (size_t i = 0; i < all->len; i++) {
    og_branch_row *b = &OG_VEC_AT(all, og_branch_row, i);
    og_fold *fold = NULL;
    og_branch_row row;
    if (!b->live) continue;
    og_status st = og_graph__pin(cx, g, b->name, &fold, &row);
    if (st == OG_ENOTFOUND) {
      og_error_clear(cx);
      continue;
    }
    OG_TRY(st);
    og_fold_unref(fold);
    OG_VEC_AT(all, og_branch_row, kept++) = *b;
  }
  all->len = kept;
  return OG_OK;
}

static og_status live_branches(og_ctx *cx, og_graph *g, const og_fold *main_fold, og_vec *out)
{
  OG_TRY(og_branch__all(cx, cx->arena, main_fold, out));
  return keep_live(cx, g, out);
}

/* ---- the clone */

static og_status parent_fold(og_ctx *cx, og_graph *g, og_fold *main_fold, const og_branch_row *row, og_fold **out)
{
  og_vec ancestors = OG_VEC_INIT(og_str);
  og_branch_row parent = {.name = OG_STR("")};
  bool found;
  og_status st = OG_OK;
  if (row->parent.len) st = og_branch__get(cx, cx->arena, main_fold, row->parent, &parent, &found);
  if (st == OG_OK) st = og_branch__ancestors(cx, cx->arena, main_fold, &parent, &ancestors);
  if (st == OG_OK) st = og_fold_load(cx, g->store, row->parent, row->k, ancestors.data, ancestors.len, out);
  og_vec_cleanup(&ancestors);
  return st;
}

static og_status put_clone(og_ctx *cx, og_graph *g, og_fold *main_fold, const og_branch_row *row)
{
  og_fold *parent = NULL;
  og_ulid attempt;
  bool unsure; /* somebody's clone is as good as ours */
  og_log_append *clone = NULL;
  og_vec keys = OG_VEC_INIT(og_str);
  OG_TRY(parent_fold(cx, g, main_fold, row, &parent));
  og_status st = og_graph__ulid(cx, g, main_fold, &attempt);
  if (st == OG_OK) st = og_log_clone(cx, g->store, parent, row->name, row->first, &attempt, &clone);
  if (st == OG_OK) st = og_log_keys(cx, clone, &keys);
  if (st == OG_OK) st = og_store_sync(cx, g->store, keys.data, keys.len);
  if (st == OG_OK) st = og_log_put(cx, clone, &unsure);
  if (st == OG_EEXISTS) {
    og_error_clear(cx);
    st = OG_OK;
  }
  og_log_append_free(cx, clone);
  og_vec_cleanup(&keys);
  og_fold_unref(parent);
  return st;
}

og_status og_branch__start(og_ctx *cx, og_graph *g, og_fold *main_fold, const og_branch_row *row, uint64_t *size)
{
  og_str key;
  og_object_info info = {0};
  OG_TRY(og_log_key(cx, row->name, row->first, &key));
  og_status st = og_store_info(cx, g->store, key, &info);
  if (st == OG_ENOTFOUND) {
    og_error_clear(cx);
    OG_TRY(put_clone(cx, g, main_fold, row));
    st = og_store_info(cx, g->store, key, &info);
  }
  *size = info.size;
  return st;
}

/* What a live row promises and a crash may have left out. */
static og_status materialise(og_ctx *cx, og_graph *g, og_fold *main_fold, const og_branch_row *row)
{
  uint64_t size;
  OG_TRY(og_branch__start(cx, g, main_fold, row, &size));
  return og_mirror__settle(cx, g, row->name);
}

/* ---- list, create, delete */

static int by_info_name(const void *a, const void *b, void *arg)
{
  (void)arg;
  return og_str_cmp(((const og_branch_info *)a)->name, ((const og_branch_info *)b)->name);
}

og_status og_graph_branches(og_ctx *cx, og_graph *g, og_vec *out)
{
  og_fold *fold = NULL;
  og_branch_row row;
  og_vec all = OG_VEC_INIT(og_branch_row);
  OG_TRY(og_graph__pin(cx, g, OG_STR_NONE, &fold, &row));
  const og_branch_info main_info = {.name = OG_STR("main")};
  og_status st = og_vec_add(cx, out, &main_info);
  if (st == OG_OK) st = live_branches(cx, g, fold, &all);
  for (size_t i = 0; st == OG_OK && i < all.len; i++) {
    const og_branch_row *b = &OG_VEC_AT(&all, og_branch_row, i);
    const og_branch_info live = {b->name, b->parent};
    st = og_vec_add(cx, out, &live);
  }
  if (st == OG_OK) st = og_sort(cx, out->data, out->len, sizeof(og_branch_info), by_info_name, NULL);
  og_vec_cleanup(&all);
  og_fold_unref(fold);
  return st;
}

static og_status op_row(og_ctx *cx, og_str own_id, const char *verb, const og_branch_row *b, og_vec *rows)
{
  OG_AUTO(og_buf) json = {0};
  og_json_writer w;
  og_json_writer_init(&w, &json, false);
  OG_TRY(og_json_begin_object(cx, &w));
  OG_TRY(og_json_kv_str(cx, &w, "op", og_str_of(verb)));
  OG_TRY(og_json_kv_str(cx, &w, "branch", b->name));
  OG_TRY(kv_hex(cx, &w, "incarnation", b->incarnation));
  OG_TRY(og_json_kv_i64(cx, &w, "at", og_wall_us(cx)));
  OG_TRY(og_json_end_object(cx, &w));
  og_log_row *row = og_vec_push(cx, rows);
  if (!row) return OG_ENOMEM;
  OG_TRY(og_row_private(cx, cx->arena, OG_ROW_BRANCH_OP, own_id, og_buf_str(&json), row));
  row = og_vec_push(cx, rows);
  if (!row) return OG_ENOMEM;
  return og_branch__encode(cx, cx->arena, b, row);
}

typedef struct branch_op {
  og_graph *g;
  og_str own_id;
  og_branch_row row; /* as it shall stand */
  og_str from;
} branch_op;

static og_status new_op(og_ctx *cx, og_graph *g, og_str name, branch_op *op, og_log_op *log_op)
{
  og_ulid id;
  char text[OG_ULID_LEN];
  OG_TRY(og_graph__ulid(cx, g, NULL, &id));
  og_ulid_format(&id, text);
  *op = (branch_op){.g = g, .row = {.name = name}};
  OG_TRY(og_arena_printf(cx, cx->arena, &op->own_id, "branch_op:%.26s", text));
  *log_op = (og_log_op){.branch = OG_STR_NONE, .own_id = op->own_id, .arg = op};
  return OG_OK;
}

static og_status unknown_branch(og_ctx *cx, const og_vec *all, og_str name)
{
  og_str near = OG_STR_NONE;
  unsigned best = 3;
  for (size_t i = 0; i < all->len; i++) {
    const og_branch_row *b = &OG_VEC_AT(all, og_branch_row, i);
    unsigned d = b->live ? og_str_distance(name, b->name, 2) : 3;
    if (d < best) {
      best = d;
      near = b->name;
    }
  }
  if (near.ptr)
    return og_fail(cx, OG_ENOTFOUND, "branch '" OG_STR_FMT "' not found; did you mean '" OG_STR_FMT "'?",
                   OG_STR_ARG(name), OG_STR_ARG(near));
  return og_fail(cx, OG_ENOTFOUND, "branch '" OG_STR_FMT "' not found; `branch list` shows the branches there are",
                 OG_STR_ARG(name));
}

/* 1 + the largest number the name's log ever reached: the new incarnation must start above it. */
static og_status first_version(og_ctx *cx, branch_op *op, const og_branch_row *old, bool existed)
{
  uint64_t largest = 0;
  op->row.first = op->row.k;
  if (!existed || OG_BUG(RECREATE_LOW)) return OG_OK;
  const og_lance_place log = {op->g->store, OG_STR(OG_LOG_ROOT), op->row.name};
  OG_TRY(og_lance_newest_version(cx, &log, &largest)); /* a list: files above a hole count too */
  if (old->has_seal && old->seal > largest) largest = old->seal;
  op->row.has_seal = true;
  op->row.seal = largest;
  if (largest + 1 > op->row.first) op->row.first = largest + 1;
  return OG_OK;
}

static og_status check_new_name(og_ctx *cx, const og_vec *all, og_str name)
{
  for (size_t i = 0; i < all->len; i++) {
    const og_branch_row *b = &OG_VEC_AT(all, og_branch_row, i);
    if (og_str_eq(b->name, name))
      return og_fail(cx, OG_EEXISTS, "branch '" OG_STR_FMT "' already exists", OG_STR_ARG(name));
    if (nests_with(b->name, name))
      return og_fail(cx, OG_ECONFLICT,
                     "branch '" OG_STR_FMT "' cannot live beside branch '" OG_STR_FMT
                     "': one name is a path prefix of the other",
                     OG_STR_ARG(name), OG_STR_ARG(b->name));
  }
  return OG_OK;
}

/* Where the new branch starts: the source's newest version. */
static og_status take_parent(og_ctx *cx, branch_op *op, og_fold *main_fold)
{
  if (op->from.len == 0) {
    op->row.k = main_fold->version;
    return OG_OK;
  }
  og_fold *parent = NULL;
  og_branch_row row;
  OG_TRY(og_graph__pin(cx, op->g, op->from, &parent, &row));
  op->row.k = parent->version;
  op->row.parent = op->from;
  memcpy(op->row.parent_incarnation, row.incarnation, 16);
  og_fold_unref(parent);
  return OG_OK;
}

static og_status create_rows(og_ctx *cx, void *arg, og_fold *base, og_vec *rows, og_vec *keys, bool *rerun)
{
  branch_op *op = arg;
  og_branch_row old;
  bool existed;
  (void)keys;
  (void)rerun;
  og_vec live = OG_VEC_INIT(og_branch_row);
  og_status st = og_branch__get(cx, cx->arena, base, op->row.name, &old, &existed);
  if (st == OG_OK) st = live_branches(cx, op->g, base, &live);
  if (st == OG_OK) st = check_new_name(cx, &live, op->row.name);
  og_vec_cleanup(&live);
  OG_TRY(st);
  OG_TRY(og_mirror__check_free(cx, op->g, base, op->row.name));
  OG_TRY(take_parent(cx, op, base));
  OG_TRY(first_version(cx, op, &old, existed));
  op->row.live = true;
  return op_row(cx, op->own_id, "create", &op->row, rows);
}

og_status og_graph_branch_create(og_ctx *cx, og_graph *g, og_str name, og_str from)
{
  branch_op op;
  og_log_op log_op;
  og_publish_outcome outcome;
  og_fold *fold = NULL;
  og_branch_row row;
  uint64_t version;
  name = og_str_trim(name);
  OG_TRY(og_branch_name_check(cx, name));
  OG_TRY(new_op(cx, g, name, &op, &log_op));
  op.from = og_graph__branch_name(from);
  OG_TRY(og_random(cx, op.row.incarnation, 16));
  log_op.rows = create_rows;
  OG_TRY(og_graph__publish(cx, g, &log_op, &outcome, &version));
  OG_TRY(og_graph__pin(cx, g, OG_STR_NONE, &fold, &row));
  og_status st = materialise(cx, g, fold, &op.row);
  og_fold_unref(fold);
  return st == OG_OK ? OG_OK
                     : og_note(cx, st, "branch '" OG_STR_FMT "' exists, but is not complete: any open heals it",
                               OG_STR_ARG(name));
}

/* ---- delete */

static og_status seal_rows(og_ctx *cx, void *arg, og_fold *base, og_vec *rows, og_vec *keys, bool *rerun)
{
  const branch_op *op = arg;
  (void)keys;
  (void)rerun;
  (void)base;
  OG_AUTO(og_buf) json = {0};
  char hex[32];
  og_branch__hex(op->row.incarnation, hex);
  OG_TRY(og_buf_printf(cx, &json, "{\"incarnation\":\"%.32s\"}", hex));
  og_log_row *row = og_vec_push(cx, rows);
  if (!row) return OG_ENOMEM;
  return og_row_private(cx, cx->arena, OG_ROW_SEAL, OG_STR("seal"), og_buf_str(&json), row);
}

static og_status dead_rows(og_ctx *cx, void *arg, og_fold *base, og_vec *rows, og_vec *keys, bool *rerun)
{
  branch_op *op = arg;
  og_branch_row now;
  bool found;
  (void)keys;
  OG_TRY(og_branch__get(cx, cx->arena, base, op->row.name, &now, &found));
  /* Somebody completed our delete, and perhaps made the branch anew: nothing is left to do. */
  *rerun = !found || !now.live || memcmp(now.incarnation, op->row.incarnation, 16) != 0;
  if (*rerun) return OG_OK;
  op->row.live = false;
  return op_row(cx, op->own_id, "delete", &op->row, rows);
}

static og_status check_no_children(og_ctx *cx, const og_vec *live, og_str name)
{
  for (size_t i = 0; i < live->len; i++) {
    const og_branch_row *b = &OG_VEC_AT(live, og_branch_row, i);
    if (og_str_eq(b->parent, name))
      return og_fail(cx, OG_ECONFLICT,
                     "cannot delete branch '" OG_STR_FMT "': branch '" OG_STR_FMT
                     "' still depends on it; delete that one first",
                     OG_STR_ARG(name), OG_STR_ARG(b->name));
  }
  return OG_OK;
}

/* Does a table visible on branch `on` still read files under the tree of branch `name`? */
static og_status check_no_pin(og_ctx *cx, og_graph *g, og_str on, og_str name)
{
  og_fold *fold = NULL;
  og_branch_row row;
  og_status st = og_graph__pin(cx, g, on, &fold, &row);
  if (st == OG_ENOTFOUND) { /* deleted meanwhile */
    og_error_clear(cx);
    return OG_OK;
  }
  OG_TRY(st);
  for (uint32_t t = 0; st == OG_OK && t < fold->n_tables; t++)
    if (og_str_eq(fold->tables[t].branch, name))
      st = og_fail(cx, OG_ECONFLICT,
                   "cannot delete branch '" OG_STR_FMT "': branch '" OG_STR_FMT "' still depends on it (" OG_STR_FMT
                   ")",
                   OG_STR_ARG(name), OG_STR_ARG(on.len ? on : OG_STR("main")), OG_STR_ARG(fold->tables[t].key));
  og_fold_unref(fold);
  return st;
}

static og_status check_unused(og_ctx *cx, og_graph *g, const og_fold *main_fold, og_str name)
{
  og_vec live = OG_VEC_INIT(og_branch_row);
  og_status st = live_branches(cx, g, main_fold, &live);
  if (st == OG_OK) st = check_no_children(cx, &live, name);
  if (st == OG_OK) st = check_no_pin(cx, g, OG_STR(""), name);
  for (size_t i = 0; st == OG_OK && i < live.len; i++) {
    og_str on = OG_VEC_AT(&live, og_branch_row, i).name;
    if (!og_str_eq(on, name)) st = check_no_pin(cx, g, on, name);
  }
  og_vec_cleanup(&live);
  return st;
}

static og_status check_deletable(og_ctx *cx, og_graph *g, og_str name, og_branch_row *row)
{
  og_fold *main_fold = NULL, *fold = NULL;
  og_branch_row unused;
  OG_TRY(og_graph__pin(cx, g, OG_STR_NONE, &main_fold, &unused));
  og_status st = og_graph__pin(cx, g, name, &fold, row);
  if (st == OG_OK) og_fold_unref(fold);
  if (st == OG_OK) st = check_unused(cx, g, main_fold, name);
  og_fold_unref(main_fold);
  return st;
}

og_status og_graph_branch_delete(og_ctx *cx, og_graph *g, og_str name)
{
  branch_op op;
  og_log_op log_op;
  og_publish_outcome outcome;
  uint64_t version;
  name = og_graph__branch_name(name);
  if (name.len == 0) return og_fail(cx, OG_EINVALID, "main cannot be deleted");
  OG_TRY(new_op(cx, g, name, &op, &log_op));
  OG_TRY(check_deletable(cx, g, name, &op.row));
  og_log_op seal = {.branch = name, .own_id = OG_STR("seal"), .rows = seal_rows, .arg = &op};
  memcpy(seal.incarnation, op.row.incarnation, 16);
  OG_TRY(og_graph__publish(cx, g, &seal, &outcome, &version));
  op.row.has_seal = true;
  op.row.seal = version;
  log_op.rows = dead_rows;
  OG_TRY(og_graph__publish(cx, g, &log_op, &outcome, &version));
  if (og_mirror__settle(cx, g, name) != OG_OK)
    og_error_clear(cx); /* the branch is gone; an open for writing tidies up */
  return OG_OK;
}

/* ---- pinning */

/* "Not found", with a suggestion. */
static og_status no_branch(og_ctx *cx, const og_fold *main_fold, og_str name)
{
  og_vec all = OG_VEC_INIT(og_branch_row);
  og_status st = og_branch__all(cx, cx->arena, main_fold, &all);
  if (st == OG_OK) st = unknown_branch(cx, &all, name);
  og_vec_cleanup(&all);
  return st;
}

static void cache_fold(og_ctx *cx, og_graph *g, og_str branch, const uint8_t incarnation[16], og_fold *fold)
{
  og_fold *old = NULL;
  og_mutex_lock(&g->mu);
  og_cached_fold *slot = NULL;
  for (size_t i = 0; i < g->folds.len && !slot; i++)
    if (og_str_eq(og_str_of(OG_VEC_AT(&g->folds, og_cached_fold, i).branch), branch))
      slot = &OG_VEC_AT(&g->folds, og_cached_fold, i);
  if (!slot && (slot = og_vec_push(cx, &g->folds)) && !(slot->branch = og_strdup(cx, branch))) {
    g->folds.len--;
    slot = NULL;
  }
  bool newer = slot &&
               (!slot->fold || memcmp(slot->incarnation, incarnation, 16) != 0 || slot->fold->version < fold->version);
  if (newer) {
    old = slot->fold;
    slot->fold = og_fold_ref(fold);
    memcpy(slot->incarnation, incarnation, 16);
  }
  og_mutex_unlock(&g->mu);
  og_fold_unref(old);
  if (!slot) og_error_clear(cx); /* a cache that cannot grow is no failure */
}

static og_fold *cached_fold(og_graph *g, og_str branch, const uint8_t incarnation[16])
{
  og_fold *hit = NULL;
  og_mutex_lock(&g->mu);
  for (size_t i = 0; i < g->folds.len && !hit; i++) {
    const og_cached_fold *c = &OG_VEC_AT(&g->folds, og_cached_fold, i);
    if (og_str_eq(og_str_of(c->branch), branch) && memcmp(c->incarnation, incarnation, 16) == 0 && c->fold)
      hit = og_fold_ref(c->fold);
  }
  og_mutex_unlock(&g->mu);
  return hit;
}

static og_status load_newest(og_ctx *cx, og_graph *g, const og_fold *main_fold, const og_branch_row *row,
                             uint64_t version, og_fold **out)
{
  og_str key;
  og_vec ancestors = OG_VEC_INIT(og_str);
  OG_TRY(og_log_key(cx, row->name, version, &key));
  /* Its creator may not have made the folder entry durable yet: whoever uses it must. */
  OG_TRY(og_store_sync_seen(cx, g->store, key));
  og_object_info stamp; /* before it is read: should it be replaced meanwhile, the stamp fits nothing, and nobody relies
                         * on it */
  OG_TRY(og_store_info(cx, g->store, key, &stamp));
  og_status st = OG_OK;
  if (row->name.len) st = og_branch__ancestors(cx, cx->arena, main_fold, row, &ancestors);
  if (st == OG_OK) st = og_fold_load(cx, g->store, row->name, version, ancestors.data, ancestors.len, out);
  og_vec_cleanup(&ancestors);
  if (st != OG_OK) return st;
  (*out)->stamp = stamp;
  cache_fold(cx, g, row->name, row->incarnation, *out);
  return OG_OK;
}

static og_status pin_once(og_ctx *cx, og_graph *g, const og_fold *main_fold, const og_branch_row *row, og_fold **out,
                          uint64_t *newest)
{
  og_fold *held = cached_fold(g, row->name, row->incarnation);
  og_log_known known = {.first = row->first};
  if (held) {
    known.version = held->version;
    known.is = held->stamp;
  }
  og_status st = og_log_newest(cx, g->store, &g->caps, row->name, &known, newest);
  if (st == OG_OK && held && held->version == *newest) {
    *out = held;
    return OG_OK;
  }
  og_fold_unref(held);
  OG_TRY(st);
  if (*newest == 0 || *newest < row->first)
    return og_fail(cx, OG_ENOTFOUND, "the log of branch '" OG_STR_FMT "' is not there",
                   OG_STR_ARG(row->name.len ? row->name : OG_STR("main")));
  return load_newest(cx, g, main_fold, row, *newest, out);
}

#define PIN_TRIES 16

/* A version may be reclaimed between its being found and being read: then there is a newer one. */
static og_status pin_log(og_ctx *cx, og_graph *g, const og_fold *main_fold, const og_branch_row *row, og_fold **out)
{
  uint64_t newest = 0;
  for (unsigned i = 0; i < PIN_TRIES; i++) {
    og_status st = pin_once(cx, g, main_fold, row, out, &newest);
    if (st != OG_ENOTFOUND || newest == 0 || newest < row->first) return st;
    if (i + 1 < PIN_TRIES) og_error_clear(cx);
  }
  cx->err->status = OG_ECORRUPT; /* what the newest version needs is not there, which is not the same as no graph */
  return og_note(cx, OG_ECORRUPT, "while reading version %" PRIu64 " of branch '" OG_STR_FMT "'", newest,
                 OG_STR_ARG(row->name.len ? row->name : OG_STR("main")));
}

/* A live row whose log was never started (its creator crashed): finish the creation, then look again. */
static og_status pin_branch(og_ctx *cx, og_graph *g, og_fold *main_fold, const og_branch_row *row, og_fold **out)
{
  og_status st = pin_log(cx, g, main_fold, row, out);
  if (st != OG_ENOTFOUND || g->read_only) return st;
  og_error_clear(cx);
  OG_TRY(materialise(cx, g, main_fold, row));
  return pin_log(cx, g, main_fold, row, out);
}

og_status og_graph__pin_end(og_ctx *cx, og_graph *g, og_str branch, og_fold **fold, og_branch_row *row)
{
  og_fold *main_fold = NULL;
  bool found = false;
  branch = og_graph__branch_name(branch);
  *row = (og_branch_row){.name = OG_STR(""), .live = true};
  OG_TRY(pin_log(cx, g, NULL, row, &main_fold));
  if (branch.len == 0) {
    *fold = main_fold;
    return OG_OK;
  }
  og_status st = og_branch__get(cx, cx->arena, main_fold, branch, row, &found);
  if (st == OG_OK && (!found || !row->live)) st = no_branch(cx, main_fold, branch);
  if (st == OG_OK) st = pin_branch(cx, g, main_fold, row, fold);
  og_fold_unref(main_fold);
  return st;
}

og_status og_graph__pin(og_ctx *cx, og_graph *g, og_str branch, og_fold **fold, og_branch_row *row)
{
  og_fold *f = NULL;
  OG_TRY(og_graph__pin_end(cx, g, branch, &f, row));
  if (!f->seal) {
    *fold = f;
    return OG_OK;
  }
  og_fold_unref(f);
  return og_fail(cx, OG_ENOTFOUND, "branch '" OG_STR_FMT "' not found: it was deleted", OG_STR_ARG(row->name));
}
