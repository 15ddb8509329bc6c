/* SPDX-License-Identifier: MIT */
/* base/compiler.h -- the only place for compiler extensions, and the platform's assumptions. */
#pragma once

#include <stdint.h>

#define OG_MUST_USE     __attribute__((warn_unused_result))
#define OG_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define OG_LIKELY(x)    __builtin_expect(!!(x), 1)
#define OG_UNLIKELY(x)  __builtin_expect(!!(x), 0)
#define OG_ALIGNED(n)   __attribute__((aligned(n)))
#define OG_NORETURN     __attribute__((noreturn))
#define OG_UNUSED       __attribute__((unused))
#define OG_PREFETCH(p)  __builtin_prefetch(p) /* a hint: any address will do */

/* Runs `T##_cleanup(&var)` when the variable leaves its scope.  T must be a single identifier. */
#define OG_AUTO(T) __attribute__((cleanup(T##_cleanup))) T

__extension__ typedef __int128 og_i128;
__extension__ typedef unsigned __int128 og_u128;

#define OG_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Checked arithmetic: true when the result does not fit.  For every size that came from outside. */
#define OG_ADD_OVERFLOWS(a, b, out) __builtin_add_overflow((a), (b), (out))
#define OG_SUB_OVERFLOWS(a, b, out) __builtin_sub_overflow((a), (b), (out))
#define OG_MUL_OVERFLOWS(a, b, out) __builtin_mul_overflow((a), (b), (out))

_Static_assert(sizeof(void *) == 8, "OmniGraph is 64-bit only");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "Arrow buffers are used as they lie");
