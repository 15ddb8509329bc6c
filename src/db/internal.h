/* SPDX-License-Identifier: MIT */
/* db/internal.h -- what the files of this room share. */
#pragma once

#include "db/db.h"

og_graph *og_db__graph(const og_db *db); /* borrowed */
