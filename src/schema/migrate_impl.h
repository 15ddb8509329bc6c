/* SPDX-License-Identifier: MIT */
/* schema/migrate_impl.h -- what the planner's files share. */
#pragma once

#include "schema/internal.h"
#include "schema/migrate.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct og_matcher {
  og_ctx *cx;
  og_source source; /* of the desired schema */
  const og_catalog *accepted;
  og_catalog *planned; /* without identities */
  const og_umap *was;  /* types and properties of `accepted` by identity */
  og_umap claimed;     /* accepted identity -> the declaration of `planned` that has it now */
} og_matcher;

/* Gives what is matched its accepted identity; the rest keeps 0.  OG_EINVALID: a hint cannot be followed. */
OG_MUST_USE og_status og_migrate__match(og_matcher *m);
