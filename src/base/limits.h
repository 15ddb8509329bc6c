/* SPDX-License-Identifier: MIT */
/* base/limits.h -- every ceiling in one table.  Meeting one is OG_ELIMIT with a resource_limit detail whose `resource`
 * is the quoted name. */
#pragma once

#define OG_LIMIT_JSON_DEPTH     128            /* "json nesting" */
#define OG_LIMIT_SOURCE_BYTES   (4u << 20)     /* "source bytes": one .pg or .gq file */
#define OG_LIMIT_PARSE_DEPTH    64             /* "nesting": blocks and literals in .pg and .gq */
#define OG_LIMIT_EXPR_DEPTH     128            /* "nesting": operations in one another in .gq */
#define OG_LIMIT_HOPS           (1u << 20)     /* "hops" of a traversal without an upper bound */
#define OG_LIMIT_PARAMS         1024           /* "query parameters" */
#define OG_LIMIT_CLAUSES        4096           /* "query clauses", inner ones too */
#define OG_LIMIT_COLUMNS        4096           /* "columns" of one table */
#define OG_LIMIT_IN_LIST        (1u << 20)     /* "list values" of one condition */
#define OG_LIMIT_TYPES          65536          /* "types" of one schema */
#define OG_LIMIT_FRAGMENTS      (1u << 24)     /* "fragments" of one table version */
#define OG_LIMIT_NDJSON_LINE    (32u << 20)    /* "graph_batch_line_bytes" */
#define OG_LIMIT_NDJSON_SLOTS   131072         /* "graph_batch_json_structural_slots" */
#define OG_LIMIT_STRING_BYTES   (32u << 20)    /* "string bytes": one value */
#define OG_LIMIT_VECTOR_DIM     65536          /* "vector dimension" accepted when storing */
#define OG_LIMIT_MANIFEST_BYTES (1ull << 30)   /* "manifest bytes": one Lance manifest */
#define OG_LIMIT_PAGE_BYTES     (1ull << 31)   /* "page bytes": one decoded page */
#define OG_LIMIT_TYPE_DEPTH     32             /* "type nesting": Lance and Arrow types */
#define OG_LIMIT_REEXECUTIONS   32             /* of one write against moved branches */
#define OG_LIMIT_REBASES        64             /* of one publish */
#define OG_LIMIT_QUERY_MEMORY   (2ull << 30)   /* "query memory": one query or mutation, bytes */
#define OG_LIMIT_CACHE_MEMORY   (1ull << 30)   /* default budget of what a handle keeps decoded, bytes: no error */
#define OG_LIMIT_LOAD_MEMORY    (256ull << 20) /* default budget of one load before it spills, bytes */
#define OG_LIMIT_BRANCH_NAME    200            /* "branch name bytes" */
#define OG_LIMIT_PLAN_MEMORY    (16u << 20)    /* prepared queries that a handle keeps, bytes */
