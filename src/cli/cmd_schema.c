/* SPDX-License-Identifier: MIT */
/* cli/cmd_schema.c -- the commands about schemas. */
#include "api/render.h"
#include "cli/cli.h"

og_status cmd_schema_show(cli *c)
{
  og_db *db;
  og_str source;
  OG_TRY(cli_open(c, 0, true, &db));
  og_status st = og_db_schema_source(c->cx, db, c->values[FLAG_BRANCH], &source);
  og_db_close(db);
  OG_TRY(st);
  if (!cli_has(c, FLAG_JSON)) {
    OG_TRY(cli_write(c, source));
    return source.len && source.ptr[source.len - 1] != '\n' ? cli_write(c, OG_STR("\n")) : OG_OK;
  }
  og_json_writer w = cli_json(c);
  OG_TRY(og_json_begin_object(c->cx, &w));
  OG_TRY(og_json_kv_str(c->cx, &w, "schema_source", source));
  OG_TRY(og_json_end_object(c->cx, &w));
  return cli_end_json(c);
}

static og_status print_steps(cli *c, const og_migration *m)
{
  og_str text;
  for (uint32_t i = 0; i < m->n_steps; i++) {
    OG_TRY(og_step_text(c->cx, c->cx->arena, &m->steps[i], &text));
    OG_TRY(cli_printf(c, "- " OG_STR_FMT "\n", OG_STR_ARG(text)));
  }
  return m->n_steps ? OG_OK : cli_printf(c, "no schema changes\n");
}

static og_status print_plan(cli *c, const og_db *db, const og_migration *m)
{
  if (cli_has(c, FLAG_JSON)) {
    og_json_writer w = cli_json(c);
    OG_TRY(og_api_schema_plan(c->cx, m, og_db_uri(db), &w));
    return cli_end_json(c);
  }
  OG_TRY(cli_printf(c, "schema plan for " OG_STR_FMT "\nsupported: %s\n", OG_STR_ARG(og_db_uri(db)),
                    m->supported ? "yes" : "no"));
  return print_steps(c, m);
}

static og_status schema_args(cli *c, og_schema_apply *out)
{
  *out = (og_schema_apply){.source_name = c->values[FLAG_SCHEMA],
                           .allow_data_loss = cli_has(c, FLAG_ALLOW_DATA_LOSS),
                           .actor = c->values[FLAG_AS]};
  if (!cli_has(c, FLAG_SCHEMA)) return cli_usage(c, "`%s` needs --schema FILE", c->command->name);
  return cli_read_file(c, c->values[FLAG_SCHEMA], &out->source);
}

og_status cmd_schema_plan(cli *c)
{
  og_db *db;
  og_schema_apply args;
  og_migration m;
  OG_TRY(schema_args(c, &args));
  OG_TRY(cli_open(c, 0, true, &db));
  og_status st = og_db_schema_plan(c->cx, db, &args, &m);
  if (st == OG_OK) {
    st = print_plan(c, db, &m);
    og_migration_cleanup(&m);
  }
  og_db_close(db);
  return st;
}

static og_status print_applied(cli *c, const og_db *db, const og_schema_applied *r)
{
  if (cli_has(c, FLAG_JSON)) {
    og_json_writer w = cli_json(c);
    OG_TRY(og_api_schema_applied(c->cx, r, og_db_uri(db), &w));
    return cli_end_json(c);
  }
  OG_TRY(cli_printf(c, "schema apply for " OG_STR_FMT "\nsupported: yes\napplied: %s\n", OG_STR_ARG(og_db_uri(db)),
                    r->applied ? "yes" : "no"));
  return print_steps(c, &r->plan);
}

og_status cmd_schema_apply(cli *c)
{
  og_db *db;
  og_schema_apply args;
  og_schema_applied r;
  OG_TRY(schema_args(c, &args));
  OG_TRY(cli_open(c, 0, false, &db));
  cli_echo(c, db);
  og_status st = og_db_schema_apply(c->cx, db, &args, &r);
  if (st == OG_OK) {
    st = print_applied(c, db, &r);
    og_migration_cleanup(&r.plan);
  }
  og_db_close(db);
  return st;
}
