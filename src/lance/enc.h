/* SPDX-License-Identifier: MIT */
/* lance/enc.h -- compressive encodings: how the values of a page, or one of its buffers, become
 * bytes.
 *
 * Private to the room.  An encoding is a small tree ("general lz4 over variable with 32-bit
 * offsets") that stands in the page's metadata.  Values are *slots*: one per row or list item,
 * nulls included; a slot holds `dim` elements (1, or the items of a fixed-size list).  Decoders
 * append to slots and check every size before use. Thread rule: a tree is immutable; slots belong
 * to one thread.
 */
#pragma once

#include "arrow/builder.h"
#include "base/buf.h"

#define OG_LANCE__BLOCK         1024 /* values in a FastLanes block */
#define OG_LANCE__FSST_TABLE    2312 /* bytes of a serialised FSST symbol table */
#define OG_LANCE__ENC_MAX_DEPTH 8

/* ---- Growable, 64-byte aligned memory that can become a column's buffer. */

typedef struct og_lance__mem {
  uint8_t *data;
  size_t len, cap;
} og_lance__mem;

void og_lance__mem_cleanup(og_lance__mem *m);
OG_MUST_USE og_status og_lance__mem_reserve(og_ctx *cx, og_lance__mem *m, size_t more);
/* Room for n more bytes that the caller fills; NULL after og_fail. */
uint8_t *og_lance__mem_push(og_ctx *cx, og_lance__mem *m, size_t n);
/* Hands the memory over; allocates when there is none yet, so that the result is never NULL. Zeroes
 * the padding up to the next 8 bytes. */
OG_MUST_USE og_status og_lance__mem_take(og_ctx *cx, og_lance__mem *m, void **out);

/* ---- Slots. */

typedef enum og_lance__form {
  OG_LANCE__FIXED,  /* elements of `width` bytes */
  OG_LANCE__BITS,   /* elements of one bit */
  OG_LANCE__VARBIN, /* offsets and bytes */
  OG_LANCE__NONE    /* the null type: slots without a value */
} og_lance__form;

typedef struct og_lance__shape {
  og_lance__form form;
  uint32_t width; /* FIXED: bytes per element: 1, 2, 4, 8 */
  uint32_t dim;   /* elements per slot */
  bool is_list;   /* a fixed-size list, even of one item */
  bool packed; /* a packed struct, as a list of `dim` bytes: its children one behind the other; VARBIN: as bytes of */
               /* no fixed size (enc_packed.c) */
  const og_field *of; /* packed: the struct; borrowed */
  bool wide;          /* VARBIN: 64-bit offsets */
  bool blob;          /* VARBIN: descriptors of blobs (blob.h); they lie in full-zip pages with 32-bit lengths */
} og_lance__shape;

typedef struct og_lance__slots {
  og_lance__shape shape;
  uint64_t n;
  og_lance__mem data;    /* elements, bits, or the bytes of VARBIN */
  og_lance__mem offsets; /* VARBIN: n + 1 of int32_t or int64_t, from the first append on */
  og_lance__mem valid;   /* fixed-size lists: a bit per element; empty: all valid */
} og_lance__slots;

/* How a leaf type's values lie; false for types without values of their own: lists, and structs that are not packed or
 * hold anything but numbers and fixed-size lists of them. */
bool og_lance__shape_of(const og_field *leaf, og_lance__shape *out);
/* Bits of one slot in a dense array (not for VARBIN). */
uint64_t og_lance__shape_bits(const og_lance__shape *s);

void og_lance__slots_init(og_lance__slots *s, og_lance__shape shape);
void og_lance__slots_cleanup(og_lance__slots *s);
void og_lance__slots_clear(og_lance__slots *s); /* keeps the memory */
uint64_t og_lance__slots_bytes(const og_lance__slots *s);
OG_MUST_USE og_status og_lance__slots_zeros(og_ctx *cx, og_lance__slots *s, uint64_t n);
/* Appends slots [from, from + n) of another of the same shape. */
OG_MUST_USE og_status og_lance__slots_copy(og_ctx *cx, og_lance__slots *s, const og_lance__slots *from_slots,
                                           uint64_t from, uint64_t n);
/* Appends slot idx[i] of `dict` for each i; an index beyond it is OG_ECORRUPT. */
OG_MUST_USE og_status og_lance__slots_gather(og_ctx *cx, og_lance__slots *s, const og_lance__slots *dict,
                                             const uint32_t *idx, uint64_t n);
/* Start of slot i in data, VARBIN only; i may be n. */
uint64_t og_lance__slots_offset(const og_lance__slots *s, uint64_t i);
/* Bytes of slot i, VARBIN only. */
static inline og_str og_lance__slots_str(const og_lance__slots *s, uint64_t i)
{
  uint64_t from = og_lance__slots_offset(s, i), to = og_lance__slots_offset(s, i + 1);
  return og_str_from(s->data.data + from, (size_t)(to - from));
}
/* Opens n VARBIN slots of `bytes` bytes in all: *bytes_at is where their bytes go.  The caller
 * fills the offsets of the slots' ends, all of them at or below the new data.len, through
 * og_lance__slots_set_end. */
OG_MUST_USE og_status og_lance__slots_open(og_ctx *cx, og_lance__slots *s, uint64_t n, uint64_t bytes,
                                           uint8_t **bytes_at);
static inline void og_lance__slots_set_end(og_lance__slots *s, uint64_t slot, uint64_t end)
{
  if (s->shape.wide)
    ((int64_t *)(void *)s->offsets.data)[slot + 1] = (int64_t)end;
  else
    ((int32_t *)(void *)s->offsets.data)[slot + 1] = (int32_t)end;
}
/* Appends n bits at `at` of `src` behind the first `len` bits of m. */
OG_MUST_USE og_status og_lance__bits_append(og_ctx *cx, og_lance__mem *m, uint64_t len, const uint8_t *src, uint64_t at,
                                            uint64_t n);
/* The same for n equal bits. */
OG_MUST_USE og_status og_lance__bits_fill(og_ctx *cx, og_lance__mem *m, uint64_t len, bool bit, uint64_t n);

/* ---- The tree. */

typedef enum og_lance__enc_kind { /* field numbers of CompressiveEncoding */
                                  OG_LANCE__ENC_NONE = 0,
                                  OG_LANCE__ENC_FLAT = 1,
                                  OG_LANCE__ENC_VARIABLE = 2,
                                  OG_LANCE__ENC_CONSTANT = 3,
                                  OG_LANCE__ENC_OUT_OF_LINE = 4,
                                  OG_LANCE__ENC_INLINE = 5,
                                  OG_LANCE__ENC_FSST = 6,
                                  OG_LANCE__ENC_DICTIONARY = 7,
                                  OG_LANCE__ENC_RLE = 8,
                                  OG_LANCE__ENC_BYTE_SPLIT = 9,
                                  OG_LANCE__ENC_GENERAL = 10,
                                  OG_LANCE__ENC_FIXED_LIST = 11,
                                  OG_LANCE__ENC_PACKED_STRUCT = 12,
                                  OG_LANCE__ENC_PACKED_VARIABLE = 13
} og_lance__enc_kind;

typedef enum og_lance__scheme { OG_LANCE__LZ4 = 1, OG_LANCE__ZSTD = 2 } og_lance__scheme;

typedef struct og_lance__fsst og_lance__fsst;
typedef struct og_lance__enc og_lance__enc;
struct og_lance__enc {
  og_lance__enc_kind kind;
  uint64_t bits;           /* FLAT, INLINE, OUT_OF_LINE: of a raw value */
  uint64_t packed_bits;    /* OUT_OF_LINE */
  uint64_t items;          /* FIXED_LIST */
  bool has_validity;       /* FIXED_LIST */
  og_lance__scheme scheme; /* GENERAL */
  og_str table; /* FSST: symbols; PACKED_STRUCT: bits of each child, packed, to write; PACKED_VARIABLE: the message as
                   it is; borrowed */
  const og_lance__fsst *fsst;   /* FSST that was parsed: the same, ready for use */
  const og_lance__enc *inner;   /* VARIABLE: offsets; FSST, GENERAL, FIXED_LIST: values; RLE, BYTE_SPLIT: values */
  const og_lance__enc *lengths; /* RLE */
};

/* Reads a CompressiveEncoding into `a`; byte strings are borrowed from `bytes`.  OG_EUNSUPPORTED
 * names an encoding we do not read. */
OG_MUST_USE og_status og_lance__enc_parse(og_ctx *cx, og_arena *a, og_str bytes, const og_lance__enc **out);
/* Appends it as message field `num`. */
OG_MUST_USE og_status og_lance__enc_put(og_ctx *cx, og_buf *out, uint32_t num, const og_lance__enc *e);
const char *og_lance__enc_name(og_lance__enc_kind kind);
/* Bits of a raw value of a fixed-width encoding, 0 when it is none. */
uint64_t og_lance__enc_bits(const og_lance__enc *e);

/* ---- Decoding. */

/* n fixed-width elements of `width` bytes into dst.  One buffer, or two for RLE in its mini-block
 * form. */
OG_MUST_USE og_status og_lance__fixed_decode(og_ctx *cx, const og_lance__enc *e, const og_str *bufs, uint32_t n_bufs,
                                             uint64_t n, unsigned width, uint8_t *dst);
/* n slots of any shape, in the form a mini-block chunk stores them. */
OG_MUST_USE og_status og_lance__slots_decode(og_ctx *cx, const og_lance__enc *e, const og_str *bufs, uint32_t n_bufs,
                                             uint64_t n, og_lance__slots *out);
/* Whether e is how a packed struct of this shape lies; its values are then plain bytes. */
/* enc_packed.c: a full-zip page of packed structs with lengths; and the children of its rows, apart. */
/* *tables: per child the symbols of its strings or NULL, in `a`; NULL: no child has any. */
OG_MUST_USE og_status og_lance__packed_rows_open(og_ctx *cx, og_arena *a, const og_lance__enc *e, const og_field *f,
                                                 const og_lance__fsst *const **tables);
/* Appends the row with its strings expanded. */
OG_MUST_USE og_status og_lance__packed_row_expand(og_ctx *cx, const og_field *f, const og_lance__fsst *const *tables,
                                                  og_str row, og_buf *out);
OG_MUST_USE og_status og_lance__packed_rows_split(og_ctx *cx, const og_field *f, const og_lance__slots *s,
                                                  const uint8_t *validity, og_builder *const *children);
OG_MUST_USE og_status og_lance__packed_check(og_ctx *cx, const og_lance__enc *e, const og_lance__shape *shape);
extern const og_lance__enc og_lance__bytes_enc; /* flat values of 8 bits */
/* n slots in the form of one block: dictionaries. */
OG_MUST_USE og_status og_lance__block_decode(og_ctx *cx, const og_lance__enc *e, og_str buf, uint64_t n,
                                             og_lance__slots *out);
/* Value buffers that a mini-block chunk with this encoding has. */
uint32_t og_lance__enc_buffers(const og_lance__enc *e);

/* FastLanes: 1024 values of `width` bytes from / to 128 * bits bytes. */
void og_lance__unpack(unsigned width, unsigned bits, const uint8_t *in, uint8_t *out);
void og_lance__pack(unsigned width, unsigned bits, const uint8_t *in, uint8_t *out);
/* Bits needed for the largest of n values. */
unsigned og_lance__bits_needed(unsigned width, const uint8_t *values, uint64_t n);
OG_MUST_USE og_status og_lance__inline_decode(og_ctx *cx, og_str in, uint64_t n, unsigned width, uint8_t *dst);
OG_MUST_USE og_status og_lance__out_of_line_decode(og_ctx *cx, uint64_t bits, og_str in, uint64_t n, unsigned width,
                                                   uint8_t *dst);
/* Appends one inline block of n <= 1024 values. */
OG_MUST_USE og_status og_lance__inline_encode(og_ctx *cx, const uint8_t *values, uint64_t n, unsigned width,
                                              og_buf *out);
OG_MUST_USE og_status og_lance__out_of_line_encode(og_ctx *cx, unsigned bits, const uint8_t *values, uint64_t n,
                                                   unsigned width, og_buf *out);

/* Appends the buffer compressed; level 0: the usual one (lz4 has no others). */
OG_MUST_USE og_status og_lance__general_encode(og_ctx *cx, og_lance__scheme scheme, int level, og_str in, og_buf *out);
/* Appends n values of `width` bytes, byte k of all behind byte k - 1 of all. */
OG_MUST_USE og_status og_lance__byte_split_encode(og_ctx *cx, const uint8_t *values, uint64_t n, unsigned width,
                                                  og_buf *out);

/* FSST.  The code is prepared once per page. */
struct og_lance__fsst {
  bool active;
  uint8_t n;
  uint8_t len[256];
  uint64_t symbol[256];
};
OG_MUST_USE og_status og_lance__fsst_open(og_ctx *cx, og_str table, og_lance__fsst *out);
/* Expands; out must have room for 8 * in.len + 8 bytes.  SIZE_MAX when the input ends in an escape
 * or has a code without a symbol. */
size_t og_lance__fsst_expand(const og_lance__fsst *f, og_str in, uint8_t *out);
/* The same for strings that follow each other: marks[i], for i up to in.len, is where in `out` that starts which byte i
 * of the input stands for; UINT32_MAX where no string can start, behind an escape.  in.len is at most 2^28. */
size_t og_lance__fsst_expand_marked(const og_lance__fsst *f, og_str in, uint8_t *out, uint32_t *marks);

/* A table for strings like these, and coding with it.  The code of n bytes takes at most 2 * n; `readable` is the end
 * of what may be read behind the string, or its own end. */
typedef struct og_lance__fsst_coder og_lance__fsst_coder;
OG_MUST_USE og_status og_lance__fsst_train(og_ctx *cx, const og_lance__slots *s, og_lance__fsst_coder **out);
void og_lance__fsst_coder_free(og_lance__fsst_coder *f); /* NULL is fine */
size_t og_lance__fsst_code(const og_lance__fsst_coder *f, og_str in, const void *readable, uint8_t *out);
void og_lance__fsst_table(const og_lance__fsst_coder *f, uint8_t out[OG_LANCE__FSST_TABLE]);
/* Codes all slots into `coded`, which the caller cleans up.  *pays: less than nine tenths of the bytes are left; always
 * false below OG_LANCE__FSST_LEAST bytes, where the table would outweigh it. */
#define OG_LANCE__FSST_LEAST (32u << 10)
OG_MUST_USE og_status og_lance__fsst_slots(og_ctx *cx, const og_lance__slots *s, og_lance__slots *coded,
                                           uint8_t table[OG_LANCE__FSST_TABLE], bool *pays);

OG_MUST_USE og_status og_lance__rle_decode(og_ctx *cx, const og_lance__enc *e, og_str values, og_str lengths,
                                           uint64_t n, unsigned width, uint8_t *dst);
/* Splits the block form into values and lengths. */
OG_MUST_USE og_status og_lance__rle_split(og_ctx *cx, og_str in, og_str *values, og_str *lengths);
/* Runs of at most 255 that n values make. */
uint64_t og_lance__rle_runs(const uint8_t *values, uint64_t n, unsigned width);
OG_MUST_USE og_status og_lance__rle_encode(og_ctx *cx, const uint8_t *values, uint64_t n, unsigned width,
                                           og_buf *run_values, og_buf *run_lengths);

OG_MUST_USE og_status og_lance__variable_decode(og_ctx *cx, const og_lance__enc *e, og_str in, uint64_t n,
                                                og_lance__slots *out);
/* Of the n slots, `count` from `from` on: the others are not looked at. */
OG_MUST_USE og_status og_lance__variable_decode_part(og_ctx *cx, const og_lance__enc *e, og_str in, uint64_t n,
                                                     uint64_t from, uint64_t count, og_lance__slots *out);
OG_MUST_USE og_status og_lance__variable_block_decode(og_ctx *cx, const og_lance__enc *e, og_str in, uint64_t n,
                                                      og_lance__slots *out);
/* Slots [from, from + n) as a chunk's buffer / all of them as a block. */
OG_MUST_USE og_status og_lance__variable_encode(og_ctx *cx, const og_lance__slots *s, uint64_t from, uint64_t n,
                                                og_buf *out);
OG_MUST_USE og_status og_lance__variable_block_encode(og_ctx *cx, const og_lance__slots *s, og_buf *out);

OG_MUST_USE og_status og_lance__general_decode(og_ctx *cx, og_lance__scheme scheme, og_str in, og_buf *out);
/* lz4 with its size in front. */
OG_MUST_USE og_status og_lance__lz4_encode(og_ctx *cx, og_str in, og_buf *out);

/* Little-endian reads of bytes whose presence was checked. */
static inline uint16_t og_lance__u16(const void *p)
{
  uint16_t v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline uint32_t og_lance__u32(const void *p)
{
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline uint64_t og_lance__u64(const void *p)
{
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return v;
}
/* Unsigned number of 1, 2, 4 or 8 bytes.  A memcpy of a length the compiler does not know would be a call. */
static inline uint64_t og_lance__uint(const uint8_t *p, unsigned width)
{
  switch (width) {
  case 1: return *p;
  case 2: return og_lance__u16(p);
  case 4: return og_lance__u32(p);
  default: return og_lance__u64(p);
  }
}
