/* SPDX-License-Identifier: MIT */
/* driver.c -- runs a fuzz target without a fuzzer: on the files named, and on N mutations of each.
 *
 *   fuzz_x [-n N] FILE...
 *
 * Mutations are the same in every run, so that a failure can be repeated: it names its file and
 * number. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t next(uint64_t *state)
{
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

static uint8_t *read_file(const char *path, size_t *size)
{
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  uint8_t *data = NULL;
  size_t cap = 0;
  *size = 0;
  for (size_t got = 1; got > 0; *size += got) {
    if (cap - *size < 4096) {
      uint8_t *more = realloc(data, cap = cap * 2 + 8192);
      if (!more) abort();
      data = more;
    }
    got = fread(data + *size, 1, cap - *size, f);
  }
  fclose(f);
  return data;
}

/* One to eight edits: a byte set, a small number added, a copy from elsewhere, or a cut at the end.
 */
static size_t mutate(uint8_t *data, size_t size, uint64_t *state)
{
  for (uint64_t edits = 1 + next(state) % 8; edits > 0 && size > 0; edits--) {
    const size_t at = next(state) % size, from = next(state) % size;
    switch (next(state) % 8) {
    case 0: size -= next(state) % 4 ? 0 : next(state) % size; break;
    case 1: memmove(data + at, data + from, (size - (at > from ? at : from)) % 64); break;
    case 2: data[at] = (uint8_t)(next(state) % 2 ? 0xff : 0); break;
    case 3:
    case 4: data[at] = (uint8_t)(data[at] + 1 - 2 * (next(state) % 2)); break;
    default: data[at] = (uint8_t)next(state);
    }
  }
  return size;
}

static int run(const char *path, unsigned long n)
{
  size_t size;
  uint8_t *data = read_file(path, &size);
  if (!data) return 1;
  LLVMFuzzerTestOneInput(data, size);
  uint8_t *copy = malloc(size + 1);
  if (!copy) abort();
  for (uint64_t i = 0; i < n; i++) {
    uint64_t state = i;
    memcpy(copy, data, size);
    const size_t len = mutate(copy, size, &state);
    if (getenv("OG_FUZZ_TRACE")) fprintf(stderr, "%s mutation %llu\n", path, (unsigned long long)i);
    LLVMFuzzerTestOneInput(copy, len);
  }
  free(copy);
  free(data);
  return 0;
}

int main(int argc, char **argv)
{
  unsigned long n = 0;
  int bad = 0;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "-n") == 0 && i + 1 < argc)
      n = strtoul(argv[++i], NULL, 10);
    else if (run(argv[i], n) != 0)
      bad = 1, fprintf(stderr, "cannot read %s\n", argv[i]);
  }
  return bad;
}
