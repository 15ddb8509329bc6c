/* SPDX-License-Identifier: MIT */
/* base/sorter.h -- sorts more byte records than fit into memory.
 *
 * Records are added in any order, sorted once, and then read as often as wanted, in the order of their keys' bytes and,
 * where keys are equal, as they were added.  What exceeds the budget lies in scratch files (env's file_scratch).
 * Failures: OG_ENOMEM, and what scratch files may raise: OG_ELIMIT (disk full), OG_EIO, OG_ECORRUPT.
 * Thread rule: one thread; after og_sorter_sort any number of readers, one thread at a time.
 */
#pragma once

#include "base/ctx.h"

typedef struct og_sorter og_sorter;
typedef struct og_sorted og_sorted;

typedef struct og_record {
  og_str key, value; /* borrowed from the reader, until its next call */
} og_record;

/* Keeps about `budget` bytes of records in memory before it spills; sorting and reading take as much again, and a
 * spilled sorter at least 2 MiB per reader. */
OG_MUST_USE og_status og_sorter_new(og_ctx *cx, size_t budget, og_sorter **out);
void og_sorter_free(og_ctx *cx, og_sorter *s); /* NULL is fine; its readers must be closed */
/* Copies both; neither may be 4 GiB or longer. */
OG_MUST_USE og_status og_sorter_add(og_ctx *cx, og_sorter *s, og_str key, og_str value);
/* No more records are added after this. */
OG_MUST_USE og_status og_sorter_sort(og_ctx *cx, og_sorter *s);
uint64_t og_sorter_len(const og_sorter *s); /* records */
bool og_sorter_spilled(const og_sorter *s);

/* A reader at the first record; the sorter must be sorted and outlive it. */
OG_MUST_USE og_status og_sorted_open(og_ctx *cx, og_sorter *s, og_sorted **out);
/* The next record, or *more false at the end. */
OG_MUST_USE og_status og_sorted_next(og_ctx *cx, og_sorted *r, og_record *out, bool *more);
void og_sorted_close(og_sorted *r); /* NULL is fine */
