/* SPDX-License-Identifier: MIT */
/* base/fault_point.h -- named places where a test can end the process or make it fail.
 *
 * Only the preset `fault-points` (make build-fault) has them: there, OMNIGRAPH_FAULT=<point>:kill ends the process with
 * SIGKILL at the first passage of that point, and <point>:error raises OG_EIO.  In any other build nothing of this
 * remains, which a gate checks.  The points have the names of the conformance cases and lie at the nearest durable step of
 * our commit:
 *
 *   before_staging                            a publish begins; nothing of it is written but data files
 *   after_intent_before_effect                the log's fragment is written and synced, no table manifest is
 *   after_first_table_effect                  the first table manifest stands
 *   after_fork_before_commit                  the manifest of a branch's first touch of a table stands
 *   after_effects_confirmed_before_publish    all table manifests stand; the put of the log version is next
 *   after_publish_before_promote              the version stands; nothing is acknowledged, no mirror file written
 */
#pragma once

#include "base/ctx.h"

#ifdef OG_FAULT_POINTS
OG_MUST_USE og_status og_fault_point(og_ctx *cx, const char *name);
#define OG_FAULT_POINT(cx, name) OG_TRY(og_fault_point((cx), (name)))
#else
#define OG_FAULT_POINT(cx, name) ((void)0)
#endif
