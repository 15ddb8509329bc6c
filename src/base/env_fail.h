/* SPDX-License-Identifier: MIT */
/* base/env_fail.h -- system errors as statuses with a remedy; shared by the real and the simulated
 * world. */
#pragma once

#include "base/ctx.h"

/* Raises "cannot <verb> <path>: <words>; <remedy>" for an errno value.  ENOSPC and EDQUOT carry a
 * resource_limit detail ("disk").  EPERM and EOPNOTSUPP are OG_EUNSUPPORTED when the verb is
 * "link". */
og_status og_env__fail(og_ctx *cx, int err, const char *verb, const char *path);
