/* SPDX-License-Identifier: MIT */
/* write/stage.h -- what a write is about to do, table by table, before anything is visible.
 *
 * A stage stands on one snapshot.  Rows are put or deleted, checked one by one as they come (values, ranges, patterns)
 * and all together at the end (unique tuples, endpoints, cardinality), and then become one change per table.
 * Thread rule: one thread.  A stage dies with its attempt; a lost race makes a new one.
 */
#pragma once

#include "exec/view.h"
#include "write/columns.h"
#include "write/keys.h"
#include "write/value.h"

#define OG_NO_OFFSET       UINT64_MAX
#define OG_STAGE_KEY_BYTES 96u /* what a key of a map takes beside its text, about */

typedef struct og_staged_row {
  og_scalar *values; /* per column */
  uint64_t offset;   /* committed row it replaces, or OG_NO_OFFSET */
} og_staged_row;

typedef enum og_put_mode { OG_PUT_INSERT, OG_PUT_UPSERT } og_put_mode;

typedef struct og_stage_holder {
  og_str id;     /* of the row that holds a unique tuple */
  uint64_t line; /* perhaps with OG_KEYS_OUTDONE */
} og_stage_holder;

typedef struct og_stage_table {
  const og_type_def *type;
  og_view *view;    /* committed rows */
  bool replaced;    /* overwrite: committed rows are gone */
  bool predicate;   /* the write read the table through a predicate: any change of it makes the write stale */
  bool late;        /* streaming into a table too large for a map of its ids: they are looked up block by block */
  og_put_mode mode; /* of the rows put last */
  og_vec rows;      /* og_staged_row; empty when streaming */
  og_keys ids;      /* id -> index into rows; streaming: -> line, and generated ids of edges are left out */
  uint8_t *touched; /* bit per committed offset: replaced or deleted; NULL: none is */
  uint64_t n_touched;
  og_vec deleted; /* uint64_t: committed offsets deleted */
  uint64_t puts;  /* rows put by the caller, for counts */
  uint64_t finds; /* look-ups by id so far */
  /* the block on its way to a file */
  og_builder **builders;
  og_vec offsets;       /* uint64_t per row of the block */
  og_vec lines;         /* uint64_t per row of the block, when late or of edges */
  uint64_t block_bytes; /* as last looked at */
  og_lance_change *change;
  uint32_t behind; /* blocks that wait to be written, or are being written (stage_blocks.c) */
  /* what the end has to check of the rows (constraints.c, spilled.c) */
  og_keys need_src, need_dst; /* edges: endpoints named -> line */
  og_keys sources;            /* edges with a cardinality: source -> rows put */
  og_keys *unique;    /* per constraint of the type: tuple -> index into `holders`; only @unique ones are used */
  og_vec holders;     /* og_stage_holder */
  og_sorter *will_be; /* spilled: ids of all nodes there will be; made when first asked for */
} og_stage_table;

typedef struct og_stage_writer og_stage_writer; /* stage_blocks.c */

typedef struct og_stage {
  og_snapshot *snapshot; /* borrowed */
  og_ulid attempt;
  char attempt_text[OG_ULID_LEN + 1], uuid_text[OG_ULID_LEN + 16];
  og_ulid_gen ids; /* for generated ids */
  og_arena arena;  /* rows, ids, tuples: live as long as the stage */
  og_vec keep;     /* og_column *: list items of rows */
  og_vec tables;   /* og_stage_table * */
  og_vec patterns; /* compiled @check patterns, see constraints.c */
  bool streaming;  /* rows go to files as they come and are not read again (loads) */
  /* Streaming only. */
  uint64_t budget;         /* bytes of keys and blocks to keep in memory */
  uint64_t key_bytes;      /* about what the keys take while they are maps */
  uint64_t block_bytes;    /* of all tables' blocks, about */
  bool spilled;            /* every og_keys is a sorter */
  uint64_t line;           /* of the row being put, for messages; 0: rows have no lines */
  uint64_t bad_line;       /* a check that ran later failed because of this line; 0: it names none */
  og_vec queue;            /* blocks of this round, see stage_blocks.c */
  og_stage_writer *writer; /* what writes those of the last one; NULL: there was none */
  og_ulid_gen bulk;        /* for generated ids of blocks */
  og_sorter *outdone;      /* takes lines whose row a later line of the same id replaces; NULL: that is a violation */
} og_stage;

/* `budget`: 0 for a mutation, which keeps its rows; else the stage is streaming and keeps about so many bytes. */
OG_MUST_USE og_status og_stage_init(og_ctx *cx, og_stage *s, og_snapshot *snapshot, uint64_t budget);
void og_stage_cleanup(og_ctx *cx, og_stage *s);
OG_MUST_USE og_status og_stage_table_of(og_ctx *cx, og_stage *s, const og_type_def *t, og_stage_table **out);

/* Whether the stage replaces or deletes this committed row. */
static inline bool og_stage_is_touched(const og_stage_table *t, uint64_t offset)
{
  return t->touched && og_bit_get(t->touched, (int64_t)offset);
}
/* Whether this committed row stays as it is. */
static inline bool og_stage_is_retained(const og_stage_table *t, uint64_t offset)
{
  return !t->replaced && og_view_is_live(t->view, offset) && !og_stage_is_touched(t, offset);
}

/* A whole row: values[0] is the id, or null for one to be derived or generated.  Checks the row's own constraints.
 * `same_batch`: a second row of the same id is a unique violation; else it replaces the first. */
OG_MUST_USE og_status og_stage_put(og_ctx *cx, og_stage *s, og_stage_table *t, const og_scalar *values,
                                   og_put_mode mode, bool same_batch);
/* A row that another one of the same id, further down in the same batch, replaces: it is checked, and counts. */
OG_MUST_USE og_status og_stage_put_outdone(og_ctx *cx, og_stage *s, og_stage_table *t, const og_scalar *values);
/* Whether lines of the same id were found: the stage misses rows, and the batch must be put again without them. */
bool og_stage_is_outdone(const og_stage *s);
/* A new image of a committed row (offset) or of a staged one (index into rows, offset OG_NO_OFFSET). */
OG_MUST_USE og_status og_stage_replace(og_ctx *cx, og_stage *s, og_stage_table *t, uint64_t offset, size_t staged,
                                       const og_scalar *values);
OG_MUST_USE og_status og_stage_delete(og_ctx *cx, og_stage *s, og_stage_table *t, uint64_t offset, bool *was_new);
/* Committed row with this id that the stage has not touched, or OG_NO_OFFSET. */
OG_MUST_USE og_status og_stage_find(og_ctx *cx, og_stage_table *t, og_str id, uint64_t *out);
/* Whether the node will exist once the stage is committed. */
OG_MUST_USE og_status og_stage_has_node(og_ctx *cx, og_stage *s, const og_type_def *t, og_str id, bool *out);

/* stage_blocks.c, streaming only: many rows at once, of types without other constraints than keys.  `line` is what the
 * blocks' lines count from.  *taken false: something about the rows must be looked at one by one; nothing has changed,
 * and they must be put singly, in order.  The blocks' lines are moved out. */
OG_MUST_USE og_status og_stage_take(og_ctx *cx, og_stage *s, og_columns_block *blocks, size_t n, uint64_t line,
                                    og_put_mode mode, bool *taken);
/* Looks up the endpoints of what was taken, and lets it be written on a task. */
OG_MUST_USE og_status og_stage_write_behind(og_ctx *cx, og_stage *s);
/* Waits until all of it is written. */
OG_MUST_USE og_status og_stage__settle(og_ctx *cx, og_stage *s);
void og_stage__free_queue(og_ctx *cx, og_stage *s);
/* stage.c, for the above */
OG_MUST_USE og_status og_stage__make_keys_fit(og_ctx *cx, og_stage *s);
OG_MUST_USE og_status og_stage__open_change(og_ctx *cx, og_stage *s, og_stage_table *t);
OG_MUST_USE og_status og_stage__flush(og_ctx *cx, og_stage *s, og_stage_table *t);
OG_MUST_USE og_status og_stage__flush_if_full(og_ctx *cx, og_stage *s, og_stage_table *t);
OG_MUST_USE og_status og_stage__touch(og_ctx *cx, og_stage_table *t, uint64_t offset, bool *was_new);

/* constraints.c */
/* Remembers an endpoint that must exist, with the first line that names it. */
OG_MUST_USE og_status og_stage__note_end(og_ctx *cx, og_stage *s, og_keys *need, og_str id, uint64_t line);
/* Nulls; and of a row that no later one replaces, as all are when streaming, ranges and patterns. */
OG_MUST_USE og_status og_stage_check_row(og_ctx *cx, og_stage *s, const og_type_def *t, const og_scalar *values);
OG_MUST_USE og_status og_stage__check_values(og_ctx *cx, og_stage *s, const og_type_def *t, const og_scalar *values);
/* Remembers what the end must check of a row that will be written, but for endpoints: */
OG_MUST_USE og_status og_stage_note(og_ctx *cx, og_stage *s, og_stage_table *t, const og_scalar *values);
/* those of a whole block of edges, whose lines are t->lines. */
OG_MUST_USE og_status og_stage_note_ends(og_ctx *cx, og_stage *s, og_stage_table *t, const og_batch *block);
/* Of that, its unique tuples only; `flag`: 0 or OG_KEYS_OUTDONE. */
OG_MUST_USE og_status og_stage__note_tuples(og_ctx *cx, og_stage *s, og_stage_table *t, const og_scalar *values,
                                            uint64_t flag);
OG_MUST_USE og_status og_stage_validate(og_ctx *cx, og_stage *s);
og_status og_stage_unique_error(og_ctx *cx, const og_type_def *t, const og_str *names, uint32_t n, og_str value,
                                og_str a, og_str b);
og_status og_stage__twice(og_ctx *cx, const og_type_def *t, og_str id);
/* May an id stand twice in the batch?  Ids of keys never may. */
static inline bool og_stage__may_repeat(const og_stage *s, const og_stage_table *t)
{
  return s->outdone && !t->type->key_fields;
}
OG_MUST_USE og_status og_stage__outdo(og_ctx *cx, og_stage *s, uint64_t line);
og_status og_stage__clash(og_ctx *cx, const og_type_def *t, const og_constraint *c, og_str tuple, og_str a, og_str b);
og_status og_stage__missing_end(og_ctx *cx, const og_type_def *edge, const char *end, og_str id,
                                const og_type_def *node);
og_status og_stage__card_error(og_ctx *cx, const og_type_def *edge, og_str source, uint64_t n);
/* Texts of the members, each with its length in front, so that no two tuples read alike; empty: a member is null.
 * `values` as a row. */
OG_MUST_USE og_status og_stage__tuple(og_ctx *cx, const og_type_def *t, const og_constraint *c, const og_scalar *values,
                                      og_buf *out);
static inline bool og_stage__has_card(const og_type_def *t)
{
  return t->is_edge && (t->card_min > 0 || t->has_card_max);
}
static inline bool og_stage__breaks_card(const og_type_def *edge, uint64_t n)
{
  return (edge->has_card_max && n > edge->card_max) || n < edge->card_min;
}
/* Does the stage take nodes of this type away? */
bool og_stage__loses_nodes(const og_stage *s, const og_type_def *node);

/* spilled.c */
/* Turns every set of keys into a sorter, and the arena empty. */
OG_MUST_USE og_status og_stage__spill(og_ctx *cx, og_stage *s);
/* For a table met after the spill. */
OG_MUST_USE og_status og_stage__spill_table(og_ctx *cx, og_stage *s, og_stage_table *t);
/* og_stage_validate when keys were spilled. */
OG_MUST_USE og_status og_stage__validate_spilled(og_ctx *cx, og_stage *s);
/* Whether a fragment of `now` from first_new on holds an id of ours. */
OG_MUST_USE og_status og_stage__shares_ids(og_ctx *cx, const og_stage_table *t, og_lance_table *now, uint32_t first_new,
                                           bool *out);

/* Writes what is left and finishes every change; then runs og_stage_validate. */
OG_MUST_USE og_status og_stage_finish(og_ctx *cx, og_stage *s);

/* Publishes a finished stage.  *rerun: it lost a race that matters; make a new one. */
OG_MUST_USE og_status og_stage_publish(og_ctx *cx, og_stage *s, og_str actor, const og_ulid *if_commit, bool *rerun,
                                       og_commit *out);
