/* SPDX-License-Identifier: MIT */
/* write/ahead.h -- an NDJSON input in rounds of parts, read ahead and parsed side by side.
 *
 * A part is some consecutive lines.  Its lines come in packs, in order; in a pack most rows are columns already, and
 * the others are records.
 * Thread rule: one thread, which shares its pool with the parsing.
 */
#pragma once

#include "base/ctx.h"
#include "base/env.h"
#include "base/json.h"
#include "write/columns.h"

typedef struct og_ahead og_ahead;

typedef struct og_ahead_record {
  const og_json *json;
  uint64_t line; /* from 1; lines of white space have no record but count */
} og_ahead_record;

/* Some lines of a part.  Records are of other types than the blocks, or stand alone. */
typedef struct og_ahead_pack {
  og_str text;   /* all of its lines */
  uint64_t line; /* number of the first */
  og_columns_block *blocks;
  size_t n_blocks;
  og_ahead_record *records;
  size_t n_records;
} og_ahead_pack;

typedef struct og_ahead_part {
  og_ahead_pack *packs;
  size_t n_packs;
  uint64_t line; /* blocks' lines count from here */
  uint64_t end;  /* bytes of the input up to here, about */
} og_ahead_part;

/* `file` is borrowed and read from its start to `size`; NULL: the input is `bytes`, borrowed too.  `catalog` (borrowed)
 * NULL: every line becomes a record.  About `memory` bytes are taken, for lines that are no longer. */
OG_MUST_USE og_status og_ahead_open(og_ctx *cx, const og_catalog *catalog, og_file *file, uint64_t size, og_str bytes,
                                    uint64_t memory, og_ahead **out);
/* The next parts, valid until the next call; n 0: the input is over.  A line that is too long or no JSON fails with
 * *line set, after all lines before it were given. */
OG_MUST_USE og_status og_ahead_next(og_ctx *cx, og_ahead *a, const og_ahead_part **parts, size_t *n, uint64_t *line);
/* All lines of a pack as records, for a pack whose rows cannot be taken as columns.  They live as long as the pack. */
OG_MUST_USE og_status og_ahead_records(og_ctx *cx, og_ahead *a, const og_ahead_pack *pack, og_vec *records);
void og_ahead_close(og_ctx *cx, og_ahead *a); /* NULL is fine */
