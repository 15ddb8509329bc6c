/* SPDX-License-Identifier: MIT */
/* sim/reader.h -- another process that reads what a writer is about to make durable.
 *
 * What somebody was shown must survive, so the dangerous instant is the one between a log version's link and the sync
 * of its folder: there the thread is handed to the reader, which then looks without being interrupted.
 */
#pragma once

#include "base/env_sim.h"

#define SWITCH_PERMILLE 300

/* How the reader comes by what it sees: in that instant, at random, or not at all. */
typedef enum reading { READ_AT_ONCE, READ_AT_RANDOM, READ_NEVER, READINGS } reading;

typedef struct reader {
  og_sim *sim;
  reading how;
  const char *log; /* path of the log folder, with '/' */
  /* One look, with an arena; OG_OK and OG_ENOTFOUND go on, any other status is a problem. */
  og_status (*look)(og_ctx *cx, void *arg);
  void (*problem)(void *arg, const og_error *err);
  void *arg;
  /* -- what it keeps -- */
  bool linked;   /* a log version has just got its name, and its folder is not synced yet */
  bool done;     /* the writer is; it says so */
  char reads[8]; /* how lines of the reader's calls begin */
} reader;

/* Starts it as the `number`-th process of the world (1-based); its syncs are labelled "reader".  Takes the trace. */
void reader_start(reader *r, unsigned number);
