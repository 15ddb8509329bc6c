/* SPDX-License-Identifier: MIT */
/* exec/pattern_group.h -- answers from patterns: see pattern.c. */
#pragma once

#include "exec/run.h"

/* Answers the plan from its pattern.  *done false: it has none that fits, and nothing happened. */
OG_MUST_USE og_status og_run__by_pattern(og_ctx *cx, og_run *run, og_exec_result *out, bool *done);
