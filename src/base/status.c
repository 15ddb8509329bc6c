/* SPDX-License-Identifier: MIT */
#include "base/status.h"

#include <stddef.h>

typedef struct status_row {
  int number, http, exit_code;
  const char *name, *code;
} status_row;

static const status_row rows[] = {{0, 200, 0, "OG_OK", ""},
#define X(name, num, http, exit, code) {num, http, exit, #name, code},
                                  OG_STATUS_LIST(X)
#undef X
};

static const status_row *row_of(og_status st)
{
  for (size_t i = 0; i < OG_ARRAY_LEN(rows); i++)
    if (rows[i].number == (int)st) return &rows[i];
  return &rows[OG_ARRAY_LEN(rows) - 1]; /* not a status of ours: a bug, reported as one */
}

const char *og_status_name(og_status st)
{
  return row_of(st)->name;
}

int og_status_http(og_status st)
{
  return row_of(st)->http;
}

int og_status_exit(og_status st)
{
  return row_of(st)->exit_code;
}

const char *og_status_code(og_status st)
{
  return row_of(st)->code;
}
