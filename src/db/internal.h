/* SPDX-License-Identifier: MIT */
/* db/internal.h -- what the files of this room share. */
#pragma once

#include "db/db.h"

/* A commit's id from its text. */
OG_MUST_USE og_status og_db__commit_id(og_ctx *cx, og_str text, og_ulid *out);
/* Exports a state; kinds and types of the filter choose. */
OG_MUST_USE og_status og_db__export(og_ctx *cx, og_snapshot *s, const og_change_filter *filter, og_write_fn write,
                                    void *arg);
og_graph *og_db__graph(const og_db *db); /* borrowed */
