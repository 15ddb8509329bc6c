/* SPDX-License-Identifier: MIT */
/* base/status.h -- every outcome in one table: the one of the C API, for which numbers are stable. */
#pragma once

#include "base/compiler.h"

#include <omnigraph/status.h>
