/* SPDX-License-Identifier: MIT */
/* omnigraph/omnigraph.h -- the whole C API: start reading in db.h. */
#pragma once

#include <omnigraph/branch.h>
#include <omnigraph/db.h>
#include <omnigraph/load.h>
#include <omnigraph/query.h>
