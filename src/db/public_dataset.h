/* SPDX-License-Identifier: MIT */
/* db/public_dataset.h -- what reading and writing Lance tables through the C API share. */
#pragma once

#include "base/limits.h"
#include "base/mutex.h"
#include "base/vec.h"
#include "db/public.h"
#include "lance/table.h"

/* A world of its own, and a version of a table open in it. */
struct og_dataset {
  _Atomic uint32_t refs;
  og_mem *mem;
  og_runtime rt;
  og_lance_table *table;            /* NULL while a writer has none */
  og_mutex mu;                      /* guards the pointer below */
  struct og_lance_indexes *indexes; /* NULL: no condition came yet */
};

OG_MUST_USE og_status og_db__dataset_new(og_ctx *cx, uint64_t memory_limit, og_dataset **out);
/* From now on the call runs in the dataset's world. */
OG_MUST_USE og_status og_db__dataset_enter(og_call *c, og_dataset *d, uint64_t timeout_ms, const og_cancel *cancel);
og_dataset *og_db__dataset_ref(og_dataset *d);
void og_db__dataset_unref(og_dataset *d);
/* The offsets of the rows asked for; *out is `rows` or in cx->arena. */
OG_MUST_USE og_status og_db__rows_to_take(og_ctx *cx, const og_dataset *d, og_take_by by, const uint64_t *rows,
                                          size_t n, const uint64_t **out);

/* One row of the field's type (NULL: null).  OG_EINVALID: it cannot hold that value. */
OG_MUST_USE og_status og_db__constant(og_ctx *cx, const og_field *f, const og_value *v, og_column **out);

/* The conditions of the caller for this table, in cx->arena; texts are borrowed. */
OG_MUST_USE og_status og_db__conditions(og_ctx *cx, const og_lance_table *t, const og_condition *given, size_t n,
                                        const og_lance_condition **out);
