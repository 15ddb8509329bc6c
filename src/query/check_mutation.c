/* SPDX-License-Identifier: MIT */
/* query/check_mutation.c -- insert, update and delete: T3, T7, T10 to T14, T16, and what may not be mixed. */
#include "query/check.h"

/* ---- values */

static og_status param_value(og_checker *c, const og_expr *e, const og_prop_type *t, og_str what, og_pexpr **out)
{
  int param = og_check__param(c, e->var);
  if (param < 0) return og_check__no_param(c, e->var, e->span, "T14: ");
  const og_prop_type *own = &c->param_types[param];
  bool blob = t->kind == OG_SC_BLOB && own->kind == OG_SC_STRING && !own->list;
  if (!blob && !og_check__compatible(own, t))
    return OG_CHECK_FAIL(c, e->span, OG_STR_NONE,
                         "type error: T7: property '" OG_STR_FMT "' is " OG_STR_FMT ", but parameter '$" OG_STR_FMT
                         "' is " OG_STR_FMT,
                         OG_STR_ARG(what), OG_STR_ARG(og_check__type_text(c, t)), OG_STR_ARG(e->var),
                         OG_STR_ARG(og_check__type_text(c, own)));
  OG_TRY(og_check__value_px(c, OG_PX_PARAM, own, out));
  (*out)->param = (uint32_t)param;
  return OG_OK;
}

static og_status does_not_fit(og_checker *c, const og_expr *e, const og_prop_type *t, og_str what, og_operand *own,
                              og_str hint)
{
  return OG_CHECK_FAIL(
      c, e->span, hint, "type error: T7: property '" OG_STR_FMT "' is " OG_STR_FMT ", but this value is " OG_STR_FMT,
      OG_STR_ARG(what), OG_STR_ARG(og_check__type_text(c, t)), OG_STR_ARG(og_check__type_text(c, &own->type)));
}

static bool is_float(og_scalar_kind k)
{
  return k == OG_SC_F32 || k == OG_SC_F64;
}

/* Something computed: of the property's kind, or a number that becomes one of another width. */
static og_status computed_value(og_checker *c, const og_expr *e, const og_prop_type *t, og_str what,
                                const og_pexpr **out)
{
  og_operand own;
  OG_TRY(og_check__operand(c, e, &own));
  if (!own.px) return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: T7: a search call is no value of a property");
  *out = own.px;
  const og_prop_type *o = &own.type;
  bool numbers = !o->list && !t->list && og_scalar_is_number(o->kind) && og_scalar_is_number(t->kind);
  bool same = o->kind == t->kind && o->list == t->list && (t->kind != OG_SC_VECTOR || o->dim == t->dim);
  if (same || (numbers && (is_float(t->kind) || !is_float(o->kind)))) return OG_OK;
  return does_not_fit(c, e, t, what, &own, numbers ? OG_STR("int(…) makes a whole number of it") : OG_STR_NONE);
}

static og_status literal_value(og_checker *c, const og_expr *e, const og_prop_type *t, og_str what,
                               const og_pexpr **out)
{
  og_pexpr *px;
  OG_TRY(og_check__value_px(c, OG_PX_LITERAL, t, &px));
  *out = px;
  px->nullable = e->lit.kind == OG_LIT_NULL;
  px->literal = (og_scalar){.type = px->type.type, .is_null = true};
  if (!px->nullable) return og_check__literal_as(c, &e->lit, t, what, &px->literal);
  if (t->nullable) return OG_OK;
  return OG_CHECK_FAIL(c, e->span, OG_STR_NONE, "type error: T3: property '" OG_STR_FMT "' cannot be null",
                       OG_STR_ARG(what));
}

/* A value for the property `what` of type `t`. */
static og_status check_value(og_checker *c, const og_expr *e, const og_prop_type *t, og_str what, const og_pexpr **out)
{
  og_prop_type instant = og_prop_type_scalar(OG_SC_DATETIME);
  og_pexpr *px = NULL;
  if (e->kind == OG_EXPR_LITERAL) return literal_value(c, e, t, what, out);
  if (e->kind != OG_EXPR_VAR && e->kind != OG_EXPR_NOW) return computed_value(c, e, t, what, out);
  if (e->kind == OG_EXPR_VAR) {
    OG_TRY(param_value(c, e, t, what, &px));
  } else {
    if (t->kind != OG_SC_DATETIME || t->list)
      return OG_CHECK_FAIL(c, e->span, OG_STR_NONE,
                           "type error: T7: now() is a DateTime, but '" OG_STR_FMT "' is " OG_STR_FMT, OG_STR_ARG(what),
                           OG_STR_ARG(og_check__type_text(c, t)));
    c->uses_now = true;
    OG_TRY(og_check__value_px(c, OG_PX_NOW, &instant, &px));
  }
  *out = px;
  return OG_OK;
}

/* ---- assignments */

static const og_prop_type id_type = {.kind = OG_SC_STRING};

/* Property index, OG_FIELD_SRC or OG_FIELD_DST, with its type; *out -1: none. */
static bool find_field(const og_type_def *t, og_str name, bool ends, int32_t *out, const og_prop_type **type)
{
  *type = &id_type;
  *out = og_type_property(t, name);
  if (*out >= 0) {
    *type = &t->properties[*out].type;
    return true;
  }
  bool from = og_str_eq(name, OG_STR("from")), to = og_str_eq(name, OG_STR("to"));
  if (!t->is_edge || !ends || (!from && !to)) return false;
  *out = from ? OG_FIELD_SRC : OG_FIELD_DST;
  return true;
}

static og_status unknown_property(og_checker *c, const og_type_def *t, og_str name, og_span at)
{
  return OG_CHECK_FAIL(c, at, og_check__hint(c, og_type_suggest_property(t, name)),
                       "type error: T11: type '" OG_STR_FMT "' has no property '" OG_STR_FMT "'", OG_STR_ARG(t->name),
                       OG_STR_ARG(name));
}

static bool is_key(const og_type_def *t, int32_t field)
{
  for (uint32_t i = 0; t->key_fields && i < t->key_fields->n; i++)
    if (t->key_fields->fields[i] == field) return true;
  return false;
}

static og_status check_assign(og_checker *c, const og_stmt *s, uint32_t i, og_mutation_stmt *out,
                              og_mutation_assign *assign)
{
  const og_assign *a = &s->assigns[i];
  const og_prop_type *type;
  if (!find_field(out->type, a->name, true, &assign->field, &type))
    return unknown_property(c, out->type, a->name, a->name_span);
  for (uint32_t k = 0; k < i; k++)
    if (og_str_eq(s->assigns[k].name, a->name))
      return OG_CHECK_FAIL(c, a->name_span, OG_STR_NONE, "type error: T13: '" OG_STR_FMT "' is assigned twice",
                           OG_STR_ARG(a->name));
  if (s->kind == OG_STMT_UPDATE && is_key(out->type, assign->field))
    return OG_CHECK_FAIL(c, a->name_span, OG_STR_NONE,
                         "cannot update @key property '" OG_STR_FMT "' — delete and re-insert instead",
                         OG_STR_ARG(a->name));
  if (s->kind == OG_STMT_UPDATE && assign->field < 0)
    return OG_CHECK_FAIL(c, a->name_span, OG_STR("delete the edge and insert it again"),
                         "type error: T16: update cannot move an edge: '" OG_STR_FMT "' is where it ends",
                         OG_STR_ARG(a->name));
  return check_value(c, a->value, type, a->name, &assign->value);
}

static bool assigned(const og_mutation_stmt *s, int32_t field)
{
  for (uint32_t i = 0; i < s->n_assigns; i++)
    if (s->assigns[i].field == field) return true;
  return false;
}

static og_status missing(og_checker *c, const og_stmt *s, og_str name, const char *what)
{
  return OG_CHECK_FAIL(c, s->type_span, OG_STR_NONE,
                       "type error: T12: insert of '" OG_STR_FMT "' lacks the %s '" OG_STR_FMT "'", OG_STR_ARG(s->type),
                       what, OG_STR_ARG(name));
}

static og_status check_required(og_checker *c, const og_stmt *s, const og_mutation_stmt *m)
{
  const og_type_def *t = m->type;
  if (t->is_edge && !assigned(m, OG_FIELD_SRC)) return missing(c, s, OG_STR("from"), "endpoint");
  if (t->is_edge && !assigned(m, OG_FIELD_DST)) return missing(c, s, OG_STR("to"), "endpoint");
  for (uint32_t i = 0; i < t->n_properties; i++) {
    const og_property *p = &t->properties[i];
    bool embedded = p->embed_source.ptr && assigned(m, og_type_property(t, p->embed_source));
    if (!p->type.nullable && !embedded && !assigned(m, (int32_t)i)) return missing(c, s, p->name, "required property");
  }
  return OG_OK;
}

og_status og_check__mutation_complete(og_checker *c, const og_mutation_plan *plan)
{
  for (uint32_t i = 0; i < plan->n_stmts; i++) {
    const og_mutation_stmt *m = &plan->stmts[i];
    for (uint32_t k = 0; m->kind == OG_STMT_INSERT && k < m->type->n_properties; k++)
      if (!m->type->properties[k].type.nullable && !assigned(m, (int32_t)k))
        return OG_CHECK_FAIL(c, m->span, OG_STR("embeddings are not made by writes: give the vector"),
                             "non-nullable property '" OG_STR_FMT "' has null or invalid values",
                             OG_STR_ARG(m->type->properties[k].name));
  }
  return OG_OK;
}

static og_status check_assigns(og_checker *c, const og_stmt *s, og_mutation_stmt *out)
{
  if (s->n_assigns == 0)
    return OG_CHECK_FAIL(c, s->type_span, OG_STR_NONE, "type error: T10: there is nothing to assign");
  og_mutation_assign *list = og_arena_calloc(c->cx, c->a, s->n_assigns, sizeof *list);
  if (!list) return OG_ENOMEM;
  for (uint32_t i = 0; i < s->n_assigns; i++) OG_TRY(check_assign(c, s, i, out, &list[i]));
  out->assigns = list;
  out->n_assigns = s->n_assigns;
  return s->kind == OG_STMT_INSERT ? check_required(c, s, out) : OG_OK;
}

/* ---- predicates and statements */

og_status og_check__target(og_checker *c, const og_expr *e, og_operand *out)
{
  const og_type_def *t = c->slots[c->target].type;
  const og_prop_type *type;
  int32_t field;
  if (!find_field(t, e->prop, true, &field, &type)) return unknown_property(c, t, e->prop, e->span);
  if (type->kind == OG_SC_BLOB)
    return OG_CHECK_FAIL(c, e->span, OG_STR_NONE,
                         "type error: T11: property '" OG_STR_FMT "' is a Blob and cannot be compared",
                         OG_STR_ARG(e->prop));
  out->type = *type;
  return og_check__field_px(c, c->target, field, &out->px);
}

/* Bare names are properties of the row that the statement looks at; an insert looks at none. */
static og_status set_target(og_checker *c, const og_mutation_stmt *m)
{
  const og_type_def **types = og_arena_zalloc(c->cx, c->a, sizeof *types);
  if (!types) return OG_ENOMEM;
  types[0] = m->type;
  c->slots[0] = (og_slot){
      .name = OG_STR("_"), .type = m->type, .types = types, .n_types = 1, .is_edge = m->type->is_edge, .hidden = true};
  c->target = m->kind == OG_STMT_INSERT ? OG_NO_SLOT : 0;
  return OG_OK;
}

static og_status check_where(og_checker *c, const og_stmt *s, og_mutation_stmt *out)
{
  OG_TRY(og_check__condition(c, s->where, &out->where));
  if (out->where) return OG_OK;
  return OG_CHECK_FAIL(c, s->where->span, OG_STR_NONE,
                       "type error: T7: a search call cannot say which rows a mutation is about");
}

static og_status find_type(og_checker *c, const og_stmt *s, const og_type_def **out)
{
  *out = og_catalog_node(c->catalog, s->type);
  if (*out) return OG_OK;
  *out = og_catalog_edge_exact(c->catalog, s->type);
  if (*out) return OG_OK;
  if (og_catalog_interface(c->catalog, s->type))
    return OG_CHECK_FAIL(c, s->type_span, OG_STR("name one of the node types that implement it"),
                         "type error: T10: '" OG_STR_FMT "' is an interface, which has no rows of its own",
                         OG_STR_ARG(s->type));
  og_str near = og_catalog_suggest_node(c->catalog, s->type);
  if (near.len == 0) near = og_catalog_suggest_edge(c->catalog, s->type);
  return OG_CHECK_FAIL(c, s->type_span, og_check__hint(c, near), "type error: T10: unknown type '" OG_STR_FMT "'",
                       OG_STR_ARG(s->type));
}

static og_status check_mix(og_checker *c, og_mutation_plan *out)
{
  out->deletes = c->q->stmts[0].kind == OG_STMT_DELETE;
  for (uint32_t i = 1; i < c->q->n_stmts; i++)
    if ((c->q->stmts[i].kind == OG_STMT_DELETE) != out->deletes)
      return OG_CHECK_FAIL(c, c->q->stmts[i].span, OG_STR_NONE,
                           "query '" OG_STR_FMT "' mixes inserts/updates and deletes; split into separate mutations",
                           OG_STR_ARG(c->q->name));
  return OG_OK;
}

og_status og_check__mutation(og_checker *c, og_mutation_plan *out)
{
  og_mutation_stmt *stmts = og_arena_calloc(c->cx, c->a, (size_t)c->q->n_stmts + 1, sizeof *stmts);
  if (!stmts) return OG_ENOMEM;
  for (uint32_t i = 0; i < c->q->n_stmts; i++) {
    const og_stmt *s = &c->q->stmts[i];
    stmts[i].kind = s->kind;
    stmts[i].span = s->span;
    OG_TRY(find_type(c, s, &stmts[i].type));
    OG_TRY(set_target(c, &stmts[i]));
    if (s->kind != OG_STMT_DELETE) OG_TRY(check_assigns(c, s, &stmts[i]));
    if (s->kind != OG_STMT_INSERT) OG_TRY(check_where(c, s, &stmts[i]));
  }
  OG_TRY(check_mix(c, out));
  out->name = c->q->name;
  out->stmts = stmts;
  out->n_stmts = c->q->n_stmts;
  out->uses_now = c->uses_now;
  out->params = c->q->params;
  out->n_params = c->q->n_params;
  out->source = c->src;
  return OG_OK;
}
