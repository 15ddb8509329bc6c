/* SPDX-License-Identifier: MIT */
/* omnigraph/omnigraph.h -- the whole C API: start reading in call.h and db.h. */
#pragma once

#include <omnigraph/branch.h>
#include <omnigraph/db.h>
#include <omnigraph/lance.h>
#include <omnigraph/load.h>
#include <omnigraph/query.h>
#include <omnigraph/statement.h>
