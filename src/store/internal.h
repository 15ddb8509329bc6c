/* SPDX-License-Identifier: MIT */
/* store/internal.h -- what the stores share among themselves. */
#pragma once

#include "store/store.h"

#define OG_STORE__TEMP    ".tmp-" /* starts the names of unfinished writes; Lance ignores them, list hides them */
#define OG_STORE__KEY_MAX 1024u

/* Fills the base: one reference; `root` must live as long as the store. */
void og_store__init(og_store *s, const og_store_ops *ops, og_str root);
