/* SPDX-License-Identifier: MIT */
/* sim/lance_files.h -- what Lance writers elsewhere need of our tables. */
#pragma once

#include "store/store.h"

/* They rebase over the transaction that a version names: every manifest's must be there, as it was.  OG_ENOTFOUND or
 * OG_ECORRUPT otherwise. */
og_status check_transactions(og_ctx *cx, og_store *store);
