/* SPDX-License-Identifier: MIT */
/* base/civil.h -- dates and times in UTC, proleptic Gregorian calendar, no leap seconds.
 *
 * Days-from-civil after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
 */
#pragma once

#include "base/str.h"

#define OG_DATE_TEXT_MAX     16 /* "-262143-01-01" fits */
#define OG_DATETIME_TEXT_MAX 32

int64_t og_days_from_civil(int64_t y, unsigned m, unsigned d);
void og_civil_from_days(int64_t days, int64_t *y, unsigned *m, unsigned *d);

/* "YYYY-MM-DD" of epoch days; returns the length. */
size_t og_date_format(int32_t days, char out[OG_DATE_TEXT_MAX]);
/* "YYYY-MM-DDTHH:MM:SS.mmmZ" of epoch milliseconds. */
size_t og_datetime_format(int64_t ms, char out[OG_DATETIME_TEXT_MAX]);
/* Exactly YYYY-MM-DD, a real date. */
bool og_date_parse(og_str s, int32_t *days);
/* RFC 3339-like: date, then optionally 'T' or ' ' and HH:MM[:SS[.fraction]] and optionally Z or +hh:mm / -hh:mm (no
 * offset: UTC; date only: midnight).  Fractions beyond milliseconds are truncated. */
bool og_datetime_parse(og_str s, int64_t *ms);
