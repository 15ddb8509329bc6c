/* SPDX-License-Identifier: MIT */
#include "town.h"

#include "graph/tables.h"
#include "lance/table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The forms of the schema: what all operations need is in each of them, so only the schema changes between them. */
#define COMMON                                                                                                         \
  "edge Knows: Person -> Person { tag: String }\n"                                                                     \
  "edge Lives: Person -> City @card(0..1) { tag: String }\n"
#define PERSON "slug: String @key  name: String  mail: String? @unique  tags: [String]?"
static const char *const forms[TOWN_FORMS] = {
    "node Person { " PERSON " }\nnode City { slug: String @key }\n" COMMON,
    "node Person { " PERSON "  age: I32? }\nnode City { slug: String @key }\n" COMMON,
    "node Person { " PERSON "  zip: String? }\nnode City { slug: String @key  mayor: String? }\n" COMMON
    "node Park { name: String @key }\nedge Visits: Person -> Park\n",
    "node Person { " PERSON "  age: I32?  zip: String? }\nnode City @description(\"a city\") { slug: String @key }\n"
    "node Park { name: String @key }\n" COMMON,
};

void town_problem(town *t, const char *fmt, ...)
{
  va_list args;
  if (*t->problem) return;
  va_start(args, fmt);
  vsnprintf(t->problem, sizeof t->problem, fmt, args);
  va_end(args);
}

og_status town_init(og_ctx *cx)
{
  return og_db_init(cx, OG_STR(TOWN_ROOT), og_str_of(forms[0]), OG_STR("town.pg"), false, OG_STR_NONE);
}

og_status town_init_in(og_ctx *cx, og_store *store)
{
  return og_graph_init(cx, store, og_str_of(forms[0]), OG_STR("town.pg"), false, OG_STR_NONE);
}

/* -- the model -- */

typedef struct person {
  bool here;
  int name; /* the operation that wrote it */
  int mail; /* -1: none */
} person;

typedef struct edge {
  bool lives; /* else knows */
  int from, to, tag;
} edge;

typedef struct state {
  int form;     /* of the schema */
  bool settled; /* the settlers are there, see below */
  person persons[TOWN_PERSONS];
  bool cities[TOWN_CITIES];
  edge edges[TOWN_EDGES];
  int n_edges;
} state;

static bool drop_edges(state *s, bool lives, int from, int to)
{
  int n = 0, was = s->n_edges;
  for (int i = 0; i < s->n_edges; i++) {
    const edge *e = &s->edges[i];
    if (e->lives == lives && (from < 0 || e->from == from) && (to < 0 || e->to == to)) continue;
    s->edges[n++] = *e;
  }
  s->n_edges = n;
  return n < was;
}

static bool add_edge(state *s, bool lives, int from, int to, int tag)
{
  if (s->n_edges == TOWN_EDGES) abort();
  s->edges[s->n_edges++] = (edge){lives, from, to, tag};
  return s->persons[from].here && (lives ? s->cities[to] : s->persons[to].here);
}

static void put_person(state *s, int who, int tag, int mail)
{
  s->persons[who] = (person){true, tag, mail};
}

static bool is_legal(const state *s)
{
  int homes[TOWN_PERSONS] = {0}, mails[TOWN_MAILS] = {0};
  for (int i = 0; i < s->n_edges; i++)
    if (s->edges[i].lives && ++homes[s->edges[i].from] > 1) return false;
  for (int i = 0; i < TOWN_PERSONS; i++)
    if (s->persons[i].here && s->persons[i].mail >= 0 && ++mails[s->persons[i].mail] > 1) return false;
  return true;
}

static bool apply_load(state *s, const town_op *op, int tag)
{
  if (op->kind == TOWN_SETTLE) *s = (state){.settled = true, .form = s->form};
  if (op->kind == TOWN_JOIN && s->persons[op->who].here) return false;
  put_person(s, op->who, tag, op->mail);
  if (op->kind == TOWN_JOIN) return add_edge(s, false, op->who, op->whom, tag);
  put_person(s, op->whom, tag, -1);
  s->cities[op->city] = true;
  if (!add_edge(s, true, op->who, op->city, tag)) return false;
  return op->kind != TOWN_SETTLE || add_edge(s, false, op->who, op->whom, tag);
}

static bool apply_delete(state *s, const town_op *op)
{
  if (op->kind == TOWN_RAZE) {
    bool was = s->cities[op->city];
    s->cities[op->city] = false;
    (void)drop_edges(s, true, -1, op->city);
    return was;
  }
  bool was = s->persons[op->who].here;
  s->persons[op->who] = (person){0};
  (void)drop_edges(s, true, op->who, -1);
  (void)drop_edges(s, false, op->who, -1);
  (void)drop_edges(s, false, -1, op->who);
  return was;
}

/* False: it must fail.  *changes: it makes a commit. */
static bool apply(state *s, const town_op *op, int tag, bool *changes)
{
  bool ok = true;
  *changes = true;
  switch (op->kind) {
  case TOWN_PUT: put_person(s, op->who, tag, op->mail); break;
  case TOWN_ARRIVE:
    put_person(s, op->who, tag, -1);
    ok = add_edge(s, false, op->who, op->whom, tag);
    break;
  case TOWN_MEET: ok = add_edge(s, false, op->who, op->whom, tag); break;
  case TOWN_HOUSE: ok = add_edge(s, true, op->who, op->city, tag); break;
  case TOWN_QUIT: *changes = drop_edges(s, true, op->who, -1); break;
  case TOWN_RENAME:
    *changes = s->persons[op->who].here;
    s->persons[op->who].name = tag;
    break;
  case TOWN_FOUND: s->cities[op->city] = true; break;
  case TOWN_EVOLVE:
    *changes = s->form != op->who;
    s->form = op->who;
    break;
  case TOWN_LEAVE:
  case TOWN_RAZE: *changes = apply_delete(s, op); break;
  default: ok = apply_load(s, op, tag);
  }
  return ok && is_legal(s);
}

/* -- rows as lines, in one order -- */

typedef struct line {
  char text[56];
} line;

typedef struct lines {
  line at[TOWN_PERSONS + TOWN_CITIES + TOWN_EDGES + 64];
  int n;
} lines;

static void add_line(lines *l, const char *fmt, ...) OG_PRINTF(2, 3);
static void add_line(lines *l, const char *fmt, ...)
{
  va_list args;
  if (l->n == OG_ARRAY_LEN(l->at)) return;
  va_start(args, fmt);
  vsnprintf(l->at[l->n++].text, sizeof(line), fmt, args);
  va_end(args);
}

static int by_text(const void *a, const void *b)
{
  return strcmp(((const line *)a)->text, ((const line *)b)->text);
}

/* Settlers come with every TOWN_SETTLE and nobody touches them again.  A table of a few rows is folded into one
 * fragment by every writer; theirs is large enough to stay, so that writers also meet tables to which others only
 * added. */
#define SETTLERS 12

static void lines_of_state(const state *s, lines *l)
{
  l->n = 0;
  for (int i = 0; s->settled && i < SETTLERS; i++) {
    add_line(l, "Person q%d bg null", i);
    add_line(l, "City d%d", i);
    add_line(l, "Knows q%d q%d bg", i, (i + 1) % SETTLERS);
    add_line(l, "Lives q%d d%d bg", i, i);
  }
  for (int i = 0; i < TOWN_PERSONS; i++) {
    const person *p = &s->persons[i];
    if (p->here && p->mail >= 0) add_line(l, "Person p%d o%d m%d", i, p->name, p->mail);
    if (p->here && p->mail < 0) add_line(l, "Person p%d o%d null", i, p->name);
  }
  for (int i = 0; i < TOWN_CITIES; i++)
    if (s->cities[i]) add_line(l, "City c%d", i);
  for (int i = 0; i < s->n_edges; i++) {
    const edge *e = &s->edges[i];
    add_line(l, "%s p%d %s%d o%d", e->lives ? "Lives" : "Knows", e->from, e->lives ? "c" : "p", e->to, e->tag);
  }
}

static void compare(town *t, const state *want_state, lines *have, const char *what)
{
  lines want;
  lines_of_state(want_state, &want);
  qsort(want.at, (size_t)want.n, sizeof(line), by_text);
  qsort(have->at, (size_t)have->n, sizeof(line), by_text);
  int i = 0;
  while (i < want.n && i < have->n && strcmp(want.at[i].text, have->at[i].text) == 0) i++;
  if (i < want.n || i < have->n)
    town_problem(t, "%s: '%s' where '%s' should be (row %d; %d rows, %d should be)", what,
                 i < have->n ? have->at[i].text : "nothing", i < want.n ? want.at[i].text : "nothing", i, have->n,
                 want.n);
}

/* -- what is in the tables -- */

static const struct {
  const char *key, *name;
  const char *columns[3];
} tables[] = {{"node:Person", "Person", {"id", "name", "mail"}},
              {"node:City", "City", {"id", NULL, NULL}},
              {"edge:Knows", "Knows", {"src", "dst", "tag"}},
              {"edge:Lives", "Lives", {"src", "dst", "tag"}}};

/* The form that a catalog is of; -1: of none. */
static int form_of(og_ctx *cx, const og_catalog *c)
{
  for (int i = 0; i < TOWN_FORMS; i++) {
    og_migration m;
    og_status st = og_schema_migrate(cx, (og_catalog *)(uintptr_t)c, og_str_of(forms[i]), OG_STR("f.pg"), false, 0, &m);
    const bool same = st == OG_OK && m.n_steps == 0;
    if (st == OG_OK) og_migration_cleanup(&m);
    og_error_clear(cx);
    if (same) return i;
  }
  return -1;
}

static void add_row(lines *l, const char *name, const og_batch *b, int64_t i)
{
  char text[56];
  int len = snprintf(text, sizeof text, "%s", name);
  for (uint32_t c = 0; c < b->n_columns && len < (int)sizeof text; c++) {
    og_str s = og_column_is_null(b->columns[c], i) ? OG_STR("null") : og_column_str(b->columns[c], i);
    len += snprintf(text + len, sizeof text - (size_t)len, " " OG_STR_FMT, OG_STR_ARG(s));
  }
  add_line(l, "%s", text);
}

static og_status scan(og_ctx *cx, og_lance_table *table, size_t i, lines *l)
{
  uint32_t columns[3], n = 0;
  og_lance_scan *s;
  og_batch *b = NULL;
  const og_schema *schema = og_lance_table_schema(table)->arrow;
  for (; n < 3 && tables[i].columns[n]; n++) {
    columns[n] = 0;
    while (columns[n] < schema->n_fields &&
           !og_str_eq(schema->fields[columns[n]].name, og_str_of(tables[i].columns[n])))
      columns[n]++;
    if (columns[n] == schema->n_fields) return og_fail(cx, OG_ECORRUPT, "no column %s", tables[i].columns[n]);
  }
  const og_lance_scan_opts opts = {.columns = columns, .n_columns = n};
  OG_TRY(og_lance_scan_open(cx, table, &opts, &s));
  og_status st;
  while ((st = og_lance_scan_next(cx, s, &b)) == OG_OK && b) {
    for (int64_t r = 0; r < b->len; r++) add_row(l, tables[i].name, b, r);
    og_batch_unref(b);
  }
  og_lance_scan_close(s);
  return st;
}

static og_status lines_of_snapshot(og_ctx *cx, og_snapshot *s, lines *l)
{
  l->n = 0;
  for (size_t i = 0; i < OG_ARRAY_LEN(tables); i++) {
    og_lance_table *table;
    OG_TRY(og_snapshot_table(cx, s, og_str_of(tables[i].key), &table));
    og_status st = scan(cx, table, i, l);
    og_lance_table_unref(table);
    OG_TRY(st);
  }
  return OG_OK;
}

/* -- looks -- */

typedef struct look {
  town *t;
  og_graph *g;
  og_str branch;
  uint64_t since;
  bool every;
  og_vec commits; /* og_commit, newest first */
  bool in_chain[TOWN_OPS];
  state now;
} look;

static void replay(look *l, const og_commit *c)
{
  town *t = l->t;
  char actor[16];
  int tag = -1;
  bool changes;
  if (!c->has_parent) return; /* made by init */
  snprintf(actor, sizeof actor, OG_STR_FMT, OG_STR_ARG(c->actor));
  (void)sscanf(actor, "o%d", &tag);
  if (tag < 0 || tag >= t->n_ops) {
    town_problem(t, "version %" PRIu64 " is a commit of nobody", c->manifest_version);
    return;
  }
  const town_op *op = &t->ops[tag];
  if (l->in_chain[tag]) town_problem(t, "o%d is there twice", tag);
  if (op->fate == TOWN_FAILED || op->fate == TOWN_IDLE)
    town_problem(t, "o%d was reported %s, but is there", tag, op->fate == TOWN_FAILED ? "failed" : "idle");
  if ((op->fate == TOWN_DONE || op->fate == TOWN_UNKNOWN) && og_ulid_cmp(&op->commit, &c->id) != 0)
    town_problem(t, "o%d is there under another id than was told", tag);
  if (op->on_branch && l->branch.len == 0) town_problem(t, "o%d was for the branch, but main shows it", tag);
  l->in_chain[tag] = true;
  if (!apply(&l->now, op, tag, &changes) || !changes)
    town_problem(t, "o%d (kind %d) is there, but was %s on what it stands on", tag, (int)op->kind,
                 changes ? "illegal" : "idle");
}

/* Whether an operation that failed while this version could be its base was right to. */
static void look_for_reasons(look *l, uint64_t version)
{
  for (int i = 0; i < l->t->n_ops; i++) {
    town_op *op = &l->t->ops[i];
    state after = l->now;
    bool changes;
    if (op->fate != TOWN_FAILED || version < op->from || version > op->to) continue;
    if (op->on_branch == (l->branch.len > 0) && !apply(&after, op, i, &changes)) op->had_reason = true;
  }
}

static void check_form(og_ctx *cx, look *l, const og_catalog *c, uint64_t version)
{
  const int form = form_of(cx, c);
  if (form != l->now.form)
    town_problem(l->t, "version %" PRIu64 " has form %d of the schema, not %d", version, form, l->now.form);
}

/* Through its own schema, and through the one there is now. */
static og_status check_version(og_ctx *cx, look *l, const og_commit *c)
{
  og_snapshot *s;
  lines have;
  char what[64];
  OG_TRY(og_graph_snapshot_own(cx, l->g, l->branch, &c->id, &s));
  check_form(cx, l, s->catalog, c->manifest_version);
  og_status st = lines_of_snapshot(cx, s, &have);
  snprintf(what, sizeof what, "version %" PRIu64, c->manifest_version);
  if (st == OG_OK) compare(l->t, &l->now, &have, what);
  og_snapshot_unref(s);
  OG_TRY(st);
  OG_TRY(og_graph_snapshot_at(cx, l->g, l->branch, &c->id, &s));
  st = lines_of_snapshot(cx, s, &have);
  snprintf(what, sizeof what, "version %" PRIu64 " as seen now", c->manifest_version);
  if (st == OG_OK) compare(l->t, &l->now, &have, what);
  og_snapshot_unref(s);
  return st;
}

static og_status replay_all(og_ctx *cx, look *l)
{
  for (size_t i = l->commits.len; i > 0 && !*l->t->problem; i--) {
    const og_commit *c = &OG_VEC_AT(&l->commits, og_commit, i - 1);
    replay(l, c);
    if (!l->every || *l->t->problem) continue;
    OG_TRY(check_version(cx, l, c));
    look_for_reasons(l, c->manifest_version);
  }
  return OG_OK;
}

static void check_promises(look *l)
{
  uint64_t now = ++l->t->now;
  for (int i = 0; i < l->t->n_ops; i++) {
    town_op *op = &l->t->ops[i];
    if (op->on_branch != (l->branch.len > 0)) continue;
    if (!l->in_chain[i] && op->fate == TOWN_DONE && op->done_at <= l->since)
      town_problem(l->t, "o%d was acknowledged, but is not there", i);
    if (!l->in_chain[i] && op->seen_at && op->seen_at <= l->since)
      town_problem(l->t, "o%d was shown before, but is not there", i);
    if (l->in_chain[i] && !op->seen_at) op->seen_at = now;
  }
}

static og_status look_closely(og_ctx *cx, look *l, og_snapshot *s)
{
  lines have;
  OG_TRY(og_fold_commits(cx, s->fold, cx->arena, &l->commits));
  OG_TRY(replay_all(cx, l));
  if (*l->t->problem) return OG_OK;
  OG_TRY(lines_of_snapshot(cx, s, &have));
  compare(l->t, &l->now, &have, l->branch.len ? "branch b" : "main");
  check_form(cx, l, s->catalog, s->fold->version);
  check_promises(l);
  return OG_OK;
}

static og_status look_into(og_ctx *cx, look *l, const char *branch)
{
  og_snapshot *s;
  l->branch = og_str_of(branch);
  l->since = l->t->now;
  l->commits = OG_VEC_INIT(og_commit);
  OG_TRY(og_graph_snapshot(cx, l->g, l->branch, &s));
  og_status st = look_closely(cx, l, s);
  l->t->looked = l->commits.len ? OG_VEC_AT(&l->commits, og_commit, 0).manifest_version : 0;
  og_vec_cleanup(&l->commits);
  og_snapshot_unref(s);
  return st;
}

og_status town_look(og_ctx *cx, town *t, og_graph *g, const char *branch, bool every_version)
{
  look l = {.t = t, .g = g, .every = every_version};
  return look_into(cx, &l, branch);
}

/* -- the export -- */

static void take_line(lines *l, og_str bytes)
{
  char text[256], type[16], id[8], to[8], name[16], mail[16];
  snprintf(text, sizeof text, OG_STR_FMT, OG_STR_ARG(bytes));
  char *age = strstr(text, "\"age\":null,"); /* stands before what is looked for */
  if (age) memmove(age, age + 11, strlen(age + 11) + 1);
  if (sscanf(text, "{\"type\":\"Person\",\"data\":{\"id\":\"%7[^\"]\",\"mail\":%15[^,],\"name\":\"%15[^\"]\"", id, mail,
             name) == 3)
    add_line(l, "Person %s %s %.2s%s", id, name, *mail == '"' ? mail + 1 : mail, *mail == '"' ? "" : "ll");
  else if (sscanf(text, "{\"type\":\"City\",\"data\":{\"id\":\"%7[^\"]\"", id) == 1)
    add_line(l, "City %s", id);
  else if (sscanf(text,
                  "{\"edge\":\"%15[^\"]\",\"from\":\"%7[^\"]\",\"to\":\"%7[^\"]\",\"data\":{\"id\":\"%*[^\"]\","
                  "\"tag\":\"%15[^\"]\"}}",
                  type, id, to, name) == 4)
    add_line(l, "%s %s %s %s", type, id, to, name);
  else
    add_line(l, "?%.40s", text);
}

/* Any number of whole lines at a time. */
static og_status take_lines(og_ctx *cx, void *arg, og_str bytes)
{
  (void)cx;
  while (bytes.len) {
    const size_t end = og_str_find(bytes, OG_STR("\n"));
    take_line(arg, og_str_sub(bytes, 0, end));
    bytes = end == SIZE_MAX ? OG_STR_NONE : og_str_sub(bytes, end + 1, bytes.len);
  }
  return OG_OK;
}

og_graph *og_db__graph(const og_db *db);

og_status town_look_and_export(og_ctx *cx, town *t, og_db *db, const char *branch)
{
  look l = {.t = t, .g = og_db__graph(db), .every = true};
  lines have = {.n = 0};
  OG_TRY(look_into(cx, &l, branch));
  if (*t->problem) return OG_OK;
  OG_TRY(og_db_export(cx, db, og_str_of(branch), NULL, 0, take_lines, &have));
  compare(t, &l.now, &have, "the export");
  return OG_OK;
}

/* -- the files at the root -- */

og_status town_check_mirrors(og_ctx *cx, town *t, og_store *store)
{
  OG_AUTO(og_buf) source = {0};
  OG_AUTO(og_buf) ir = {0};
  OG_AUTO(og_buf) sealed = {0};
  og_catalog *mirrored = NULL;
  og_graph *g;
  og_snapshot *s;
  OG_TRY(og_store_get(cx, store, OG_STR("_schema.pg"), 1 << 20, &source));
  OG_TRY(og_store_get(cx, store, OG_STR("_schema.ir.json"), 1 << 20, &ir));
  OG_TRY(og_store_get(cx, store, OG_STR("__schema_state.json"), 1 << 20, &sealed));
  OG_TRY(og_schema_restore(cx, og_buf_str(&source), og_buf_str(&ir), og_buf_str(&sealed), &mirrored));
  og_catalog_unref(mirrored);
  OG_TRY(og_graph_open(cx, store, true, &g));
  og_status st = og_graph_snapshot(cx, g, OG_STR(""), &s);
  if (st == OG_OK && !og_str_eq(s->catalog->source, og_buf_str(&source)))
    town_problem(t, "_schema.pg is not the accepted schema");
  if (st == OG_OK) og_snapshot_unref(s);
  og_graph_close(g);
  return st;
}

/* -- operations -- */

static const char *mail_text(int mail, char out[16])
{
  if (mail < 0) return "null";
  snprintf(out, 16, "\"m%d\"", mail);
  return out;
}

typedef struct ndjson {
  char at[4096];
  size_t len;
} ndjson;

static void put(ndjson *t, const char *fmt, ...) OG_PRINTF(2, 3);
static void put(ndjson *t, const char *fmt, ...)
{
  va_list args;
  va_start(args, fmt);
  int n = vsnprintf(t->at + t->len, sizeof t->at - t->len, fmt, args);
  va_end(args);
  if (n < 0 || (size_t)n >= sizeof t->at - t->len) abort();
  t->len += (size_t)n;
}

static void put_settlers(ndjson *t)
{
  for (int i = 0; i < SETTLERS; i++) {
    put(t, "{\"type\":\"Person\",\"data\":{\"slug\":\"q%d\",\"name\":\"bg\"}}\n", i);
    put(t, "{\"type\":\"City\",\"data\":{\"slug\":\"d%d\"}}\n", i);
    put(t, "{\"edge\":\"Knows\",\"from\":\"q%d\",\"to\":\"q%d\",\"data\":{\"tag\":\"bg\"}}\n", i, (i + 1) % SETTLERS);
    put(t, "{\"edge\":\"Lives\",\"from\":\"q%d\",\"to\":\"d%d\",\"data\":{\"tag\":\"bg\"}}\n", i, i);
  }
}

static void load_text(const town_op *op, int tag, ndjson *t)
{
  char mail[16];
  if (op->kind == TOWN_SETTLE) put_settlers(t);
  put(t, "{\"type\":\"Person\",\"data\":{\"slug\":\"p%d\",\"name\":\"o%d\",\"mail\":%s,\"tags\":[\"t\"]}}\n", op->who,
      tag, mail_text(op->mail, mail));
  if (op->kind != TOWN_JOIN) {
    put(t, "{\"type\":\"Person\",\"data\":{\"slug\":\"p%d\",\"name\":\"o%d\"}}\n", op->whom, tag);
    put(t, "{\"type\":\"City\",\"data\":{\"slug\":\"c%d\"}}\n", op->city);
    put(t, "{\"edge\":\"Lives\",\"from\":\"p%d\",\"to\":\"c%d\",\"data\":{\"tag\":\"o%d\"}}\n", op->who, op->city, tag);
  }
  if (op->kind != TOWN_MERGE)
    put(t, "{\"edge\":\"Knows\",\"from\":\"p%d\",\"to\":\"p%d\",\"data\":{\"tag\":\"o%d\"}}\n", op->who, op->whom, tag);
}

static og_status run_load(og_ctx *cx, og_db *db, const town_op *op, int tag, og_str actor, og_commit *out)
{
  static const og_load_mode modes[] = {OG_LOAD_OVERWRITE, OG_LOAD_APPEND, OG_LOAD_MERGE};
  ndjson t = {.len = 0};
  og_load_result r;
  load_text(op, tag, &t);
  const og_load_args args = {.bytes = og_str_from(t.at, t.len),
                             .mode = modes[op->kind],
                             .branch = op->on_branch ? OG_STR("b") : OG_STR(""),
                             .actor = actor,
                             .memory = op->spills ? 1 : 0};
  OG_TRY(og_db_load(cx, db, &args, &r));
  *out = r.commit;
  return OG_OK;
}

static void mutation_text(const town_op *op, int tag, char *out, size_t size)
{
  char mail[16];
  switch (op->kind) {
  case TOWN_PUT:
    if (op->mail < 0)
      snprintf(out, size, "insert Person { slug: \"p%d\", name: \"o%d\" }", op->who, tag);
    else
      snprintf(out, size, "insert Person { slug: \"p%d\", name: \"o%d\", mail: %s, tags: [\"t\", \"u\"] }", op->who,
               tag, mail_text(op->mail, mail));
    break;
  case TOWN_ARRIVE:
    snprintf(out, size,
             "insert Person { slug: \"p%d\", name: \"o%d\" } insert Knows { from: \"p%d\", to: \"p%d\", tag: \"o%d\" }",
             op->who, tag, op->who, op->whom, tag);
    break;
  case TOWN_MEET:
    snprintf(out, size, "insert Knows { from: \"p%d\", to: \"p%d\", tag: \"o%d\" }", op->who, op->whom, tag);
    break;
  case TOWN_HOUSE:
    snprintf(out, size, "insert Lives { from: \"p%d\", to: \"c%d\", tag: \"o%d\" }", op->who, op->city, tag);
    break;
  case TOWN_QUIT: snprintf(out, size, "delete Lives where from = \"p%d\"", op->who); break;
  case TOWN_RENAME:
    snprintf(out, size, "update Person set { name: \"o%d\" } where slug = \"p%d\"", tag, op->who);
    break;
  case TOWN_LEAVE: snprintf(out, size, "delete Person where slug = \"p%d\"", op->who); break;
  case TOWN_FOUND: snprintf(out, size, "insert City { slug: \"c%d\" }", op->city); break;
  default: snprintf(out, size, "delete City where slug = \"c%d\"", op->city);
  }
}

static og_status run_mutation(og_ctx *cx, og_db *db, const town_op *op, int tag, og_str actor, bool *idle,
                              og_commit *out)
{
  char body[256], text[320];
  og_write_result r;
  mutation_text(op, tag, body, sizeof body);
  snprintf(text, sizeof text, "query q() { %s }", body);
  const og_db_query_args args = {.source = og_str_of(text),
                                 .source_name = OG_STR("town.gq"),
                                 .target = {.branch = op->on_branch ? OG_STR("b") : OG_STR("")},
                                 .actor = actor};
  OG_TRY(og_db_mutate(cx, db, &args, &r));
  *idle = !r.has_commit;
  if (r.has_commit) *out = r.commit;
  return OG_OK;
}

static og_status run_apply(og_ctx *cx, og_db *db, const town_op *op, og_str actor, bool *idle, og_commit *out)
{
  og_schema_applied r;
  const og_schema_apply args = {.source = og_str_of(forms[op->who]), .source_name = OG_STR("town.pg"), .actor = actor};
  OG_TRY(og_db_schema_apply(cx, db, &args, &r));
  *idle = !r.applied;
  if (r.applied) *out = r.commit;
  og_migration_cleanup(&r.plan);
  return OG_OK;
}

static void settle(const og_ctx *cx, town *t, int tag, og_status st, bool idle, const og_commit *c)
{
  town_op *op = &t->ops[tag];
  op->done_at = ++t->now;
  if (st == OG_OK) {
    op->fate = idle ? TOWN_IDLE : TOWN_DONE;
    op->commit = c->id;
  } else if (st == OG_EUNKNOWN) {
    op->fate = TOWN_UNKNOWN;
    if (cx->err->detail.kind != OG_DETAIL_OUTCOME_UNKNOWN ||
        !og_ulid_parse(og_str_of(cx->err->detail.entity_id), &op->commit))
      town_problem(t, "o%d: an unknown outcome without the commit's id", tag);
  } else {
    snprintf(op->error, sizeof op->error, "%.150s", cx->err->text);
    op->fate = atomic_load(cx->cancel) ? TOWN_DEAD : TOWN_FAILED; /* the dead are told nothing */
  }
}

og_status town_run(og_ctx *cx, town *t, og_db *db, town_op op)
{
  char text[16];
  og_commit c = {0};
  bool idle = false;
  int tag = t->n_ops;
  if (tag == TOWN_OPS) abort();
  t->ops[t->n_ops++] = op;
  int n = snprintf(text, sizeof text, "o%d", tag);
  og_str actor = og_str_from(text, (size_t)n);
  og_status st = op.kind <= TOWN_MERGE    ? run_load(cx, db, &op, tag, actor, &c)
                 : op.kind == TOWN_EVOLVE ? run_apply(cx, db, &op, actor, &idle, &c)
                                          : run_mutation(cx, db, &op, tag, actor, &idle, &c);
  settle(cx, t, tag, st, idle, &c);
  return st;
}
