/* SPDX-License-Identifier: MIT */
/* settle.c -- from which end each walk goes.
 *
 * The language says: the first binding of each component is there first; then walks that have a bound end, repeatedly.
 * A walk with a bound left end goes from there, else from its right one.  That decides who may come back to himself by
 * a loop (evaluate.c), and "repeatedly" can be read in two ways; a case in which these differ is left out.
 */
#include "model.h"

#include "og_test.h"

enum { MOST = 64 };

typedef struct order { /* in which the walks of a block are made */
  const m_case *c;
  const m_block *b;
  bool *bound;       /* per variable */
  bool walked[MOST]; /* per clause */
  bool *from_right;  /* per clause */
} order;

static bool knows(const order *o, uint32_t var)
{
  return o->bound[var] && !o->c->vars[var].anonymous;
}

static bool waits(const order *o, uint32_t clause)
{
  const m_clause *w = &o->b->clauses[clause];
  return !w->off && w->kind == M_WALK && !o->walked[clause];
}

static void make_walk(order *o, uint32_t clause, bool from_right)
{
  const m_clause *w = &o->b->clauses[clause];
  o->from_right[clause] = from_right;
  o->walked[clause] = o->bound[w->left] = o->bound[w->right] = true;
}

/* Walks that have a bound end: all in turn, or only the first. */
static bool walk_on(order *o, bool only_first)
{
  bool any = false;
  for (uint32_t i = 0; i < o->b->n_clauses && !(any && only_first); i++) {
    if (!waits(o, i)) continue;
    bool left = knows(o, o->b->clauses[i].left), right = knows(o, o->b->clauses[i].right);
    if (!left && !right) continue;
    make_walk(o, i, !left);
    any = true;
  }
  return any;
}

/* Begins the next component: with a binding, else with the left end of a walk.  False: there is none. */
static bool begin(order *o)
{
  for (uint32_t i = 0; i < o->b->n_clauses; i++) {
    const m_clause *c = &o->b->clauses[i];
    if (c->off || c->kind != M_BIND || o->bound[c->var]) continue;
    o->bound[c->var] = true;
    return true;
  }
  for (uint32_t i = 0; i < o->b->n_clauses; i++) {
    if (!waits(o, i)) continue;
    make_walk(o, i, false);
    return true;
  }
  return false;
}

static void walk_order(const m_case *c, const m_block *b, bool *bound, bool only_first, bool *from_right)
{
  order o = {.c = c, .b = b, .bound = bound, .from_right = from_right};
  OG_CHECK(b->n_clauses < MOST);
  while (walk_on(&o, only_first) || begin(&o)) {
  }
}

static bool has_loop(const m_case *c, const m_type *e)
{
  for (uint32_t i = 0; i < e->n_rows; i++)
    if (e->from == e->to && e->rows[i].src == e->rows[i].dst && m_row_is_there(c->graph, e, i)) return true;
  return false;
}

/* `here`: what is bound outside; afterwards also what the block binds. */
static bool settle_block(m_case *c, m_block *b, bool *here)
{
  bool there[MOST], inside[MOST], from[2][MOST] = {{0}};
  memcpy(there, here, sizeof there);
  walk_order(c, b, here, true, from[0]);
  walk_order(c, b, there, false, from[1]);
  for (uint32_t i = 0; i < b->n_clauses; i++) {
    m_clause *w = &b->clauses[i];
    if (w->off) continue;
    w->from_right = from[0][i];
    bool matters = w->kind == M_WALK && w->min > 1 && has_loop(c, &c->graph->types[w->type]);
    if (matters && from[0][i] != from[1][i]) return false;
    if (w->kind == M_OPTIONAL && !settle_block(c, w->inner, here)) return false;
  }
  for (uint32_t i = 0; i < b->n_clauses; i++) {
    memcpy(inside, here, sizeof inside);
    if (b->clauses[i].off || b->clauses[i].kind != M_NOT) continue;
    if (!settle_block(c, b->clauses[i].inner, inside)) return false;
  }
  return true;
}

bool m_settle(m_case *c)
{
  bool bound[MOST] = {0};
  OG_CHECK(c->n_vars <= MOST);
  return settle_block(c, &c->block, bound);
}
