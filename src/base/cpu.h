/* SPDX-License-Identifier: MIT */
/* base/cpu.h -- what this processor can do; asked once by whoever builds a kernel table. */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>

typedef struct og_cpu {
  bool avx2, avx512, neon;
} og_cpu;

/* OG_CPU=scalar in the environment (passed by the host as force_scalar) turns everything off. */
og_cpu og_cpu_detect(bool force_scalar);
unsigned og_cpu_count(void); /* processors this process may use, at least 1 */
