/* SPDX-License-Identifier: MIT */
/* arrow/c_export.c -- our schemas and columns as the Arrow C data interface.
 *
 * Nothing is copied: an exported array points into the column and holds a reference.  Each node
 * owns one block, its private data, with the buffer pointers and the structures of its children; a
 * child holds its own reference, so a consumer may move it out and release the parent first.
 */
#include "arrow/c_data.h"
#include "arrow/column_impl.h"

#include <stdio.h>

/* ---- schemas ---- */

typedef struct schema_holder {
  char format[16];
  char *name, *metadata;
  struct ArrowSchema **children; /* behind this, then the children themselves */
} schema_holder;

static void release_schema(struct ArrowSchema *s)
{
  schema_holder *h = s->private_data;
  for (int64_t i = 0; i < s->n_children; i++)
    if (h->children[i]->release) h->children[i]->release(h->children[i]);
  og_free(h->name);
  og_free(h->metadata);
  og_free(h);
  s->release = NULL;
}

static void write_format(og_type t, char out[16])
{
  static const char *const codes[] = {
      [OG_TYPE_NULL] = "n",        [OG_TYPE_BOOL] = "b",         [OG_TYPE_I8] = "c",
      [OG_TYPE_I16] = "s",         [OG_TYPE_I32] = "i",          [OG_TYPE_I64] = "l",
      [OG_TYPE_U8] = "C",          [OG_TYPE_U16] = "S",          [OG_TYPE_U32] = "I",
      [OG_TYPE_U64] = "L",         [OG_TYPE_F16] = "e",          [OG_TYPE_F32] = "f",
      [OG_TYPE_F64] = "g",         [OG_TYPE_UTF8] = "u",         [OG_TYPE_LARGE_UTF8] = "U",
      [OG_TYPE_BINARY] = "z",      [OG_TYPE_LARGE_BINARY] = "Z", [OG_TYPE_DATE32] = "tdD",
      [OG_TYPE_DATE64] = "tdm",    [OG_TYPE_TIMESTAMP] = "ts",   [OG_TYPE_LIST] = "+l",
      [OG_TYPE_LARGE_LIST] = "+L", [OG_TYPE_FIXED_LIST] = "+w",  [OG_TYPE_STRUCT] = "+s",
      [OG_TYPE_TIME32] = "tt",     [OG_TYPE_TIME64] = "tt",      [OG_TYPE_DURATION] = "tD",
  };
  if (t.id == OG_TYPE_TIMESTAMP)
    snprintf(out, 16, "ts%c:%s", "smun"[t.unit], t.utc ? "UTC" : "");
  else if (og_type_has_unit(t.id))
    snprintf(out, 16, "%s%c", codes[t.id], "smun"[t.unit]);
  else if (t.id == OG_TYPE_FIXED_LIST)
    snprintf(out, 16, "+w:%d", t.size);
  else
    snprintf(out, 16, "%s", codes[t.id]);
}

/* Number of pairs, then length and bytes of each string: int32 in native order. */
static og_status write_metadata(og_ctx *cx, const og_field *f, char **out)
{
  size_t size = sizeof(int32_t);
  if (f->n_meta == 0) return OG_OK;
  for (size_t i = 0; i < (size_t)f->n_meta * 2; i++) {
    if (f->meta[i].len > INT32_MAX || OG_ADD_OVERFLOWS(size, f->meta[i].len + 4, &size))
      return og_fail(cx, OG_ELIMIT, "metadata of field '" OG_STR_FMT "' is too long for Arrow", OG_STR_ARG(f->name));
  }
  char *text = og_alloc(cx, size), *at = text;
  if (!text) return OG_ENOMEM;
  memcpy(at, &f->n_meta, 4);
  at += 4;
  for (size_t i = 0; i < (size_t)f->n_meta * 2; i++) {
    uint32_t len = (uint32_t)f->meta[i].len;
    memcpy(at, &len, 4);
    if (len) memcpy(at + 4, f->meta[i].ptr, len);
    at += 4 + len;
  }
  *out = text;
  return OG_OK;
}

static og_status fill_schema(og_ctx *cx, const og_field *f, schema_holder *h, struct ArrowSchema *out)
{
  struct ArrowSchema *nodes = (struct ArrowSchema *)(void *)(h->children + f->n_children);
  if (f->name.len && memchr(f->name.ptr, '\0', f->name.len))
    return og_fail(cx, OG_EUNSUPPORTED, "Arrow cannot carry a field name with a NUL byte");
  write_format(f->type, h->format);
  h->name = og_strdup(cx, f->name);
  if (!h->name) return OG_ENOMEM;
  OG_TRY(write_metadata(cx, f, &h->metadata));
  out->name = h->name;
  out->metadata = h->metadata;
  for (uint32_t i = 0; i < f->n_children; i++) OG_TRY(og_arrow_export_field(cx, &f->children[i], &nodes[i]));
  return OG_OK;
}

og_status og_arrow_export_field(og_ctx *cx, const og_field *f, struct ArrowSchema *out)
{
  size_t child = sizeof(struct ArrowSchema) + sizeof(struct ArrowSchema *);
  schema_holder *h = og_zalloc(cx, sizeof *h + f->n_children * child);
  if (!h) return OG_ENOMEM;
  h->children = (struct ArrowSchema **)(void *)(h + 1);
  struct ArrowSchema *nodes = (struct ArrowSchema *)(void *)(h->children + f->n_children);
  for (uint32_t i = 0; i < f->n_children; i++) h->children[i] = &nodes[i];
  struct ArrowSchema s = {
      .format = h->format,
      .flags = f->nullable ? ARROW_FLAG_NULLABLE : 0,
      .n_children = f->n_children,
      .children = f->n_children ? h->children : NULL,
      .release = release_schema,
      .private_data = h,
  };
  og_status st = fill_schema(cx, f, h, &s);
  if (st != OG_OK) {
    release_schema(&s);
    return st;
  }
  *out = s;
  return OG_OK;
}

og_status og_arrow_export_schema(og_ctx *cx, const og_schema *s, struct ArrowSchema *out)
{
  og_field top = {
      .type = og_type_of(OG_TYPE_STRUCT),
      .children = s->fields,
      .n_children = s->n_fields,
      .meta = s->meta,
      .n_meta = s->n_meta,
  };
  return og_arrow_export_field(cx, &top, out);
}

/* ---- arrays ---- */

typedef struct array_holder {
  og_column *column; /* one reference; NULL for a batch */
  const void *buffers[3];
  struct ArrowArray **children; /* behind this, then the children themselves */
} array_holder;

static void release_array(struct ArrowArray *a)
{
  array_holder *h = a->private_data;
  for (int64_t i = 0; i < a->n_children; i++)
    if (h->children[i]->release) h->children[i]->release(h->children[i]);
  og_column_unref(h->column);
  og_free(h);
  a->release = NULL;
}

static int64_t buffer_count(og_type_id id)
{
  if (id == OG_TYPE_NULL) return 0;
  if (id == OG_TYPE_STRUCT || id == OG_TYPE_FIXED_LIST) return 1;
  return og_type_is_varbin(id) ? 3 : 2;
}

static og_status export_node(og_ctx *cx, og_column *const *children, uint32_t n, struct ArrowArray *out)
{
  size_t child = sizeof(struct ArrowArray) + sizeof(struct ArrowArray *);
  array_holder *h = og_zalloc(cx, sizeof *h + n * child);
  if (!h) return OG_ENOMEM;
  h->children = (struct ArrowArray **)(void *)(h + 1);
  struct ArrowArray *nodes = (struct ArrowArray *)(void *)(h->children + n);
  for (uint32_t i = 0; i < n; i++) h->children[i] = &nodes[i];
  struct ArrowArray a = {
      .n_buffers = 1,
      .n_children = n,
      .buffers = h->buffers,
      .children = n ? h->children : NULL,
      .release = release_array,
      .private_data = h,
  };
  for (uint32_t i = 0; i < n; i++) {
    og_status st = og_arrow_export_column(cx, children[i], &nodes[i]);
    if (st == OG_OK) continue;
    release_array(&a);
    return st;
  }
  *out = a;
  return OG_OK;
}

og_status og_arrow_export_column(og_ctx *cx, og_column *c, struct ArrowArray *out)
{
  struct ArrowArray a;
  OG_TRY(export_node(cx, c->children, c->n_children, &a));
  array_holder *h = a.private_data;
  h->column = og_column_ref(c);
  h->buffers[0] = c->validity;
  h->buffers[1] = c->data[0];
  h->buffers[2] = c->data[1];
  a.length = c->len;
  a.null_count = c->nulls;
  a.n_buffers = buffer_count(c->type.id);
  *out = a;
  return OG_OK;
}

og_status og_arrow_export_batch(og_ctx *cx, og_batch *b, struct ArrowArray *out)
{
  struct ArrowArray a;
  OG_TRY(export_node(cx, b->columns, b->n_columns, &a));
  a.length = b->len;
  *out = a;
  return OG_OK;
}
