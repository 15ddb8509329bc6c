/* SPDX-License-Identifier: MIT */
/* Random histories of a table against a naive model: changes are prepared on versions that are no longer the newest, so
 * that most of them are rebased; fragments are folded and compacted meanwhile.  A change must be refused exactly when a
 * row it updates or deletes was changed behind its base, and every version must show the model's rows, with the row ids
 * and versions they were given. */
#include "unit/lance/small_table.h"

#define KEYS   512
#define KEPT   4
#define ROUNDS 60
#define SEEDS  40

typedef struct row {
  bool live;
  int64_t n;
  uint64_t changed;          /* version that wrote or deleted it last */
  uint64_t created, updated; /* as Lance counts them */
  uint64_t id;               /* learnt at its first sight */
  bool id_known;
} row;

typedef struct history {
  small_world w;
  og_ctx *cx;
  og_lance_schema *schema;
  uint64_t random;
  row rows[KEYS];
  int64_t next_key;
  og_lance_table *kept[KEPT]; /* newest first */
} history;

static uint64_t pick(history *h, uint64_t n)
{
  h->random += 0x9E3779B97F4A7C15u;
  uint64_t z = (h->random ^ h->random >> 30) * 0xBF58476D1CE4E5B9u;
  return (z ^ z >> 31) % n;
}

static int64_t key_of(og_str id)
{
  int64_t k = -1;
  OG_CHECK(og_str_to_i64(og_str_sub(id, 1, id.len), &k) && k >= 0 && k < KEYS);
  return k;
}

static og_lance_scan *scan_open(history *h, og_lance_table *t)
{
  static const uint32_t columns[] = {0, 1};
  const og_lance_scan_opts opts = {.columns = columns,
                                   .n_columns = 2,
                                   .with_offset = true,
                                   .with_row_id = true,
                                   .with_created = true,
                                   .with_updated = true};
  og_lance_scan *s;
  OG_CHECK_OK(h->cx, og_lance_scan_open(h->cx, t, &opts, &s));
  return s;
}

static void check_row(history *h, const og_batch *b, int64_t i)
{
  row *r = &h->rows[key_of(og_column_str(b->columns[0], i))];
  OG_CHECK(r->live);
  OG_CHECK_U64(og_column_i64(b->columns[1])[i], r->n);
  OG_CHECK_U64(og_column_u64(b->columns[4])[i], r->created);
  OG_CHECK_U64(og_column_u64(b->columns[5])[i], r->updated);
  if (r->id_known) OG_CHECK_U64(og_column_u64(b->columns[3])[i], r->id);
  r->id = og_column_u64(b->columns[3])[i];
  r->id_known = true;
}

static void check_newest(history *h)
{
  og_lance_scan *s = scan_open(h, h->kept[0]);
  og_batch *b;
  uint64_t seen = 0, live = 0;
  for (;;) {
    OG_CHECK_OK(h->cx, og_lance_scan_next(h->cx, s, &b));
    if (!b) break;
    for (int64_t i = 0; i < b->len; i++) check_row(h, b, i);
    seen += (uint64_t)b->len;
    og_batch_unref(b);
  }
  og_lance_scan_close(s);
  for (int k = 0; k < KEYS; k++) live += h->rows[k].live;
  OG_CHECK_U64(seen, live);
  OG_CHECK_U64(og_lance_table_rows(h->kept[0]), live);
  for (int k = 0; k < KEYS; k++)
    for (int j = 0; j < k && h->rows[k].live; j++) OG_CHECK(!h->rows[j].live || h->rows[j].id != h->rows[k].id);
}

/* What a change does to which keys. */
typedef struct plan {
  int64_t insert_from, insert;
  int64_t updated[16], deleted[16];
  size_t n_updated, n_deleted;
  int64_t value;
  bool compact;
} plan;

static og_batch *rows_of(history *h, int64_t key, int64_t n, int64_t value)
{
  og_batch *b;
  OG_CHECK_OK(h->cx, small_rows(h->cx, h->schema->arrow, key, n, value, &b));
  return b;
}

/* Walks the base and updates, deletes or carries rows as the dice say. */
static void change_rows(history *h, og_lance_table *base, og_lance_change *c, plan *p)
{
  og_lance_scan *s = scan_open(h, base);
  og_batch *b;
  const uint64_t rate = og_lance_table_rows(base) / 4 + 2;
  for (;;) {
    OG_CHECK_OK(h->cx, og_lance_scan_next(h->cx, s, &b));
    if (!b) break;
    for (int64_t i = 0; i < b->len; i++) {
      const uint64_t dice = pick(h, rate), offset = og_column_u64(b->columns[2])[i];
      const int64_t key = key_of(og_column_str(b->columns[0], i));
      og_batch *image = NULL;
      if (p->compact) {
        image = rows_of(h, key, 1, og_column_i64(b->columns[1])[i] - key);
        OG_CHECK_OK(h->cx, og_lance_change_carry(h->cx, c, image, &offset, 1));
      } else if (dice == 0 && p->n_updated < 16) {
        p->updated[p->n_updated++] = key;
        image = rows_of(h, key, 1, p->value);
        OG_CHECK_OK(h->cx, og_lance_change_update(h->cx, c, image, &offset, 1));
      } else if (dice == 1 && p->n_deleted < 16) {
        p->deleted[p->n_deleted++] = key;
        OG_CHECK_OK(h->cx, og_lance_change_delete(h->cx, c, &offset, 1));
      }
      og_batch_unref(image);
    }
    og_batch_unref(b);
  }
  og_lance_scan_close(s);
}

static bool is_stale(const history *h, const plan *p, uint64_t base)
{
  bool stale = false;
  for (size_t i = 0; i < p->n_updated; i++) stale = stale || h->rows[p->updated[i]].changed > base;
  for (size_t i = 0; i < p->n_deleted; i++) stale = stale || h->rows[p->deleted[i]].changed > base;
  return stale;
}

static void apply(history *h, const plan *p, uint64_t version)
{
  for (int64_t k = p->insert_from; k < p->insert_from + p->insert; k++)
    h->rows[k] = (row){true, p->value + k, version, version, version, 0, false};
  for (size_t i = 0; i < p->n_updated; i++) {
    row *r = &h->rows[p->updated[i]];
    r->n = p->value + p->updated[i];
    r->changed = r->updated = version;
  }
  for (size_t i = 0; i < p->n_deleted; i++) {
    h->rows[p->deleted[i]].live = false;
    h->rows[p->deleted[i]].changed = version;
  }
}

static void keep(history *h, og_lance_table *t)
{
  og_lance_table_unref(h->kept[KEPT - 1]);
  for (int i = KEPT - 1; i > 0; i--) h->kept[i] = h->kept[i - 1];
  h->kept[0] = t;
}

static void step(history *h)
{
  og_lance_table *base = h->kept[pick(h, KEPT)], *next;
  if (!base) base = h->kept[0];
  plan p = {.insert_from = h->next_key, .value = (int64_t)pick(h, 1000) * 1000};
  og_lance_change_opts opts;
  og_lance_change *c;
  const og_lance_place at = small_place(&h->w, "");
  const uint64_t version = og_lance_table_version(h->kept[0]) + 1 + pick(h, 2);
  p.compact = pick(h, 8) == 0;
  if (p.compact)
    base = h->kept[0];
  else
    p.insert = (int64_t)pick(h, 6);
  if (p.insert_from + p.insert > KEYS) p.insert = 0;
  OG_CHECK_OK(h->cx, small_opts(h->cx, &h->w.ulids, OG_LANCE_UPDATE, &opts));
  opts.fold_rows = pick(h, 2) ? 256 : 0;
  OG_CHECK_OK(h->cx, og_lance_change_new(h->cx, &at, base, &opts, &c));
  if (p.insert) {
    og_batch *b = rows_of(h, p.insert_from, p.insert, p.value);
    OG_CHECK_OK(h->cx, og_lance_change_insert(h->cx, c, b));
    og_batch_unref(b);
  }
  change_rows(h, base, c, &p);
  OG_CHECK_OK(h->cx, og_lance_change_finish(h->cx, c));
  if (is_stale(h, &p, og_lance_table_version(base))) {
    OG_CHECK_STATUS(h->cx, og_lance_change_render(h->cx, c, h->kept[0], version), OG_ECONFLICT);
  } else {
    OG_CHECK_OK(h->cx, small_put(h->cx, &h->w, c, h->kept[0], "", version, &next));
    keep(h, next);
    apply(h, &p, version);
    h->next_key += p.insert;
    check_newest(h);
  }
  og_lance_change_free(h->cx, c);
}

static void run(uint64_t seed)
{
  static history h;
  memset(&h, 0, sizeof h);
  h.cx = small_open(&h.w);
  h.random = seed;
  OG_CHECK_OK(h.cx, small_schema(h.cx, &h.schema));
  const plan first = {.insert = 8};
  const small_step create = {.op = OG_LANCE_OVERWRITE, .insert = 8};
  OG_CHECK_OK(h.cx, small_commit(h.cx, &h.w, NULL, &create, &h.kept[0]));
  apply(&h, &first, 1);
  h.next_key = 8;
  check_newest(&h);
  for (int i = 0; i < ROUNDS; i++) step(&h);
  for (int i = 0; i < KEPT; i++) og_lance_table_unref(h.kept[i]);
  og_lance_schema_unref(h.schema);
  small_close(&h.w);
}

OG_TEST(table, random_histories_follow_the_model)
{
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    print_message("seed %u\n", (unsigned)seed);
    run(seed);
  }
}

OG_TEST_MAIN(OG_CASE(table, random_histories_follow_the_model))
