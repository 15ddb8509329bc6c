/* SPDX-License-Identifier: MIT */
/* topology/file.h -- adjacency as derived files below <root>/__topology/.
 *
 * One file per edge table and branch of it, replaced as a whole; it may lag behind, be damaged or missing, and then the
 * columns are read.  Nothing in it is believed before it was checked: the names of the three table versions it was made
 * from, a checksum per section, and that offsets ascend and rows lie inside their tables.
 *
 *   bytes          what
 *   8              "OGTOPO\r\n"
 *   4, 4           format version (1), length of the header (checksum included)
 *   8 x 4          nodes at the source side, at the target side, rows of the edge table, edges
 *   4, 4           flags: 1 parallel edges, 2 loops, 4 both sides are one table; 0
 *   6 x (8, 8, 8)  sections: offset, bytes, XXH3 of the bytes:
 *                  out.first out.targets out.rows in.first in.targets in.rows
 *   3 x (4, n)     names of the versions of edges, source nodes, target nodes (og_table_name_bytes)
 *   8              XXH3 of the header before it
 *   ...            sections, each at a multiple of 64; numbers are little-endian, offsets 64 bits, rows 32
 */
#pragma once

#include "store/store.h"
#include "topology/csr.h"

/* Where the file of an edge table lies, in cx->arena. */
OG_MUST_USE og_status og_topology_key(og_ctx *cx, const og_decoded *edges, og_str *out);

/* Whole, and replaced at once for readers. */
OG_MUST_USE og_status og_topology_write(og_ctx *cx, og_store *store, og_str key, const og_ends *ends,
                                        const og_topology *t);

/* What to read of a file: everything is checked that is read. */
typedef enum og_topology_part { OG_TOPOLOGY_ALL, OG_TOPOLOGY_OUT, OG_TOPOLOGY_IN } og_topology_part;

/* OUT and IN: only that direction's first and targets.  *found false: there is none for these versions (OUT, IN: or the
 * edges have parallels, so that their targets are not distinct).  OG_ECORRUPT says what is wrong with it. */
OG_MUST_USE og_status og_topology_read(og_ctx *cx, og_store *store, og_str key, const og_ends *ends,
                                       og_topology_part part, og_topology *out, bool *found);

/* Whether the file is of these versions; its sections are not looked at. */
OG_MUST_USE og_status og_topology_is_current(og_ctx *cx, og_store *store, og_str key, const og_ends *ends, bool *out);

/* For tests: the bytes of a file. */
OG_MUST_USE og_status og_topology_encode_header(og_ctx *cx, const og_ends *ends, const og_topology *t, og_buf *out);
