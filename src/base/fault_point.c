/* SPDX-License-Identifier: MIT */
#include "base/fault_point.h"

#ifdef OG_FAULT_POINTS
#include <signal.h>
#include <stdlib.h>

og_status og_fault_point(og_ctx *cx, const char *name)
{
  const og_str what = og_str_of(getenv("OMNIGRAPH_FAULT")); /* style: allow getenv -- only in builds for tests */
  const size_t colon = og_str_find(what, OG_STR(":"));
  if (!what.ptr || !og_str_eq(og_str_sub(what, 0, colon), og_str_of(name))) return OG_OK;
  if (og_str_eq(og_str_sub(what, colon + 1, what.len), OG_STR("kill"))) raise(SIGKILL);
  return og_fail(cx, OG_EIO, "fault point %s", name);
}
#else
typedef int og_fault_points_are_off; /* a translation unit must have something */
#endif
