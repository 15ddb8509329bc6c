/* SPDX-License-Identifier: MIT */
/* bench/generate.c -- people who follow each other, as NDJSON on stdout; the same bytes for the same arguments.
 *
 *   bench_generate PERSONS SEED
 *
 * First every person, then every edge in order of its source.  A person follows 8 to 40 others, 24 on average: half of
 * them anybody, half of them somebody well known (the density of followers falls with the person's number).
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MIN_FOLLOWS 8u
#define MAX_FOLLOWS 40u

static const char *const first_names[] = {"Ada",  "Bela", "Chen", "Dara", "Edda", "Femi", "Gwen", "Hana",
                                          "Ivo",  "Jana", "Kofi", "Lena", "Musa", "Nora", "Omar", "Pia",
                                          "Quin", "Rafa", "Sven", "Tove", "Uma",  "Vera", "Wim",  "Yara"};
static const char *const last_names[] = {"Abel",  "Berg",  "Costa", "Diaz", "Eklund", "Fuchs", "Gallo",  "Haas",
                                         "Ito",   "Janda", "Kaya",  "Lund", "Moreau", "Nagy",  "Okoye",  "Popa",
                                         "Rossi", "Silva", "Toth",  "Ueda", "Varga",  "Wolf",  "Yilmaz", "Zeman"};

/* SplitMix64: one addition and three multiply-xor-shifts per number. */
static uint64_t next(uint64_t *state)
{
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

static uint32_t below(uint64_t *state, uint32_t n)
{
  return (uint32_t)(((next(state) >> 32) * n) >> 32);
}

static void print_person(uint64_t *state, uint32_t i)
{
  const char *first = first_names[below(state, sizeof first_names / sizeof *first_names)];
  const char *last = last_names[below(state, sizeof last_names / sizeof *last_names)];
  bool female = below(state, 2), married = below(state, 2);
  uint32_t age = 18 + below(state, 70), month = 1 + below(state, 12), day = 1 + below(state, 28);
  printf("{\"type\":\"Person\",\"data\":{\"handle\":\"p%" PRIu32 "\",\"name\":\"%s %s\",\"gender\":\"%s\","
         "\"birthday\":\"%" PRIu32 "-%02" PRIu32 "-%02" PRIu32 "\",\"age\":%" PRIu32 ",\"married\":%s}}\n",
         i, first, last, female ? "female" : "male", 2025 - age, month, day, age, married ? "true" : "false");
}

static int ascending(const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static void print_follows(uint64_t *state, uint32_t from, uint32_t persons)
{
  uint32_t to[MAX_FOLLOWS], n = MIN_FOLLOWS + below(state, MAX_FOLLOWS - MIN_FOLLOWS + 1);
  for (uint32_t k = 0; k < n; k++) {
    uint32_t anybody = below(state, persons), known = below(state, anybody + 1);
    to[k] = k % 2 ? anybody : known;
  }
  qsort(to, n, sizeof *to, ascending);
  for (uint32_t k = 0; k < n; k++)
    if (to[k] != from && (k == 0 || to[k] != to[k - 1]))
      printf("{\"edge\":\"Follows\",\"from\":\"p%" PRIu32 "\",\"to\":\"p%" PRIu32 "\"}\n", from, to[k]);
}

int main(int argc, char **argv)
{
  if (argc != 3) {
    fprintf(stderr, "usage: bench_generate PERSONS SEED\n");
    return 2;
  }
  uint32_t persons = (uint32_t)strtoul(argv[1], NULL, 10);
  uint64_t state = strtoull(argv[2], NULL, 10);
  for (uint32_t i = 0; i < persons; i++) print_person(&state, i);
  for (uint32_t i = 0; i < persons; i++) print_follows(&state, i, persons);
  return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
