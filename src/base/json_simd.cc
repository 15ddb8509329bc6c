// SPDX-License-Identifier: MIT
// base/json_simd.cc -- see json_simd.h.  Every simdjson call uses the error-code interface.
#include "base/json_simd.h"

#include <new>

#include <simdjson.h>

namespace dom = simdjson::dom;

struct og_simd_parser {
  dom::parser parser;
};

namespace
{

struct walker {
  const og_simd_events *ev;
  void *arg;
  unsigned max_depth;
};

int walk(const walker &w, dom::element e, unsigned depth);

int walk_array(const walker &w, dom::array a, unsigned depth)
{
  size_t n = 0;
  for (dom::element e : a) {
    (void)e;
    n++;
  }
  if (w.ev->array(w.arg, n)) return OG_SIMD_STOPPED;
  for (dom::element e : a)
    if (int rc = walk(w, e, depth)) return rc;
  return OG_SIMD_OK;
}

int walk_object(const walker &w, dom::object o, unsigned depth)
{
  size_t n = 0;
  for (auto field : o) {
    (void)field;
    n++;
  }
  if (w.ev->object(w.arg, n)) return OG_SIMD_STOPPED;
  for (auto field : o) {
    if (w.ev->key(w.arg, field.key.data(), field.key.size())) return OG_SIMD_STOPPED;
    if (int rc = walk(w, field.value, depth)) return rc;
  }
  return OG_SIMD_OK;
}

int walk_string(const walker &w, dom::element e)
{
  std::string_view s = e.get_string().value_unsafe();
  return w.ev->string(w.arg, s.data(), s.size());
}

int walk(const walker &w, dom::element e, unsigned depth)
{
  if ((e.is_array() || e.is_object()) && depth >= w.max_depth) return OG_SIMD_DEEP;
  switch (e.type()) {
  case dom::element_type::ARRAY: return walk_array(w, e.get_array().value_unsafe(), depth + 1);
  case dom::element_type::OBJECT: return walk_object(w, e.get_object().value_unsafe(), depth + 1);
  case dom::element_type::STRING: return walk_string(w, e) ? OG_SIMD_STOPPED : OG_SIMD_OK;
  case dom::element_type::INT64: return w.ev->i64(w.arg, e.get_int64().value_unsafe()) ? OG_SIMD_STOPPED : OG_SIMD_OK;
  case dom::element_type::UINT64: return w.ev->u64(w.arg, e.get_uint64().value_unsafe()) ? OG_SIMD_STOPPED : OG_SIMD_OK;
  case dom::element_type::DOUBLE: return w.ev->f64(w.arg, e.get_double().value_unsafe()) ? OG_SIMD_STOPPED : OG_SIMD_OK;
  case dom::element_type::BOOL:
    return w.ev->boolean(w.arg, e.get_bool().value_unsafe() ? 1 : 0) ? OG_SIMD_STOPPED : OG_SIMD_OK;
  case dom::element_type::NULL_VALUE: return w.ev->null(w.arg) ? OG_SIMD_STOPPED : OG_SIMD_OK;
  }
  return OG_SIMD_INVALID;
}

} // namespace

og_simd_parser *og_simd_new(void)
{
  return new (std::nothrow) og_simd_parser;
}

void og_simd_free(og_simd_parser *p)
{
  delete p;
}

size_t og_simd_padding(void)
{
  return simdjson::SIMDJSON_PADDING;
}

int og_simd_parse(og_simd_parser *p, const char *padded, size_t len, unsigned max_depth, const og_simd_events *ev,
                  void *arg, const char **why)
{
  dom::element root;
  auto error = p->parser.parse(reinterpret_cast<const uint8_t *>(padded), len, false).get(root);
  if (error == simdjson::MEMALLOC) return OG_SIMD_NOMEM;
  if (error == simdjson::DEPTH_ERROR) return OG_SIMD_DEEP;
  if (error) {
    *why = simdjson::error_message(error);
    return OG_SIMD_INVALID;
  }
  return walk(walker{ev, arg, max_depth}, root, 0);
}
