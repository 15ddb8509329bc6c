/* SPDX-License-Identifier: MIT */
/* base/log.h -- events for the host's sink.  The library itself never prints.
 *
 * An event is a fixed name and key-values (rendered as logfmt by the text sink).  Never data values at info level,
 * never secrets.  Thread rule: a sink must accept events from any thread.
 */
#pragma once

#include "base/buf.h"
#include "base/ctx.h"

typedef enum og_log_level { OG_LOG_DEBUG, OG_LOG_INFO, OG_LOG_WARN, OG_LOG_ERROR } og_log_level;

typedef struct og_kv {
  const char *key;
  og_str str; /* used when !is_num */
  int64_t num;
  bool is_num;
} og_kv;

#define OG_KV_STR(k, v) ((og_kv){.key = (k), .str = (v)})
#define OG_KV_I64(k, v) ((og_kv){.key = (k), .num = (int64_t)(v), .is_num = true})

struct og_sink {
  void (*event)(og_sink *sink, og_log_level level, const char *name, const og_kv *kv, size_t n);
  og_log_level min_level;
};

/* og_log(cx, OG_LOG_INFO, "branch_created", OG_KV_STR("name", n)): silent without a sink or below its level. */
#define og_log(cx, level, name, ...)                                                                                   \
  og_log_event((cx), (level), (name), (const og_kv[]){__VA_ARGS__},                                                    \
               sizeof((const og_kv[]){__VA_ARGS__}) / sizeof(og_kv))
void og_log_event(og_ctx *cx, og_log_level level, const char *name, const og_kv *kv, size_t n);

/* One logfmt line without newline, control characters escaped. */
OG_MUST_USE og_status og_log_format(og_ctx *cx, og_log_level level, const char *name, const og_kv *kv, size_t n,
                                    og_buf *out);
