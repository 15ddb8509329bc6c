/* SPDX-License-Identifier: MIT */
/* og_test.h -- cmocka under our names.
 *
 *   OG_TEST(store, lists_keys_in_byte_order) { ... }      the name is a sentence about the module
 *   OG_TEST_MAIN(OG_CASE(store, lists_keys_in_byte_order))
 *
 * Checks end the test (longjmp), so a test frees nothing on failure, and they must not run on a
 * simulated task's stack: tasks return a status, and the test checks that.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after those */
#include <cmocka.h>

#include "base/ctx.h"

#define OG_TEST(module, name) static void module##__##name(void **og_test_state_ OG_UNUSED)
/* clang-format off */
#define OG_CASE(module, name) {#module ": " #name, module##__##name, NULL, NULL, NULL}
/* clang-format on */
#define OG_TEST_MAIN(...)                                                                          \
  int main(void)                                                                                   \
  {                                                                                                \
    const struct CMUnitTest tests[] = {__VA_ARGS__};                                               \
    return cmocka_run_group_tests(tests, NULL, NULL);                                              \
  }

#define OG_CHECK(x)        assert_true(x)
#define OG_CHECK_STR(a, b) og_check_str((a), (b), __FILE__, __LINE__)
#define OG_CHECK_U64(a, b) assert_int_equal((a), (b))
/* The expression's status; on failure the context's error is shown. */
#define OG_CHECK_OK(cx, expr) og_check_status((cx), (expr), OG_OK, #expr, __FILE__, __LINE__)
#define OG_CHECK_STATUS(cx, expr, st) og_check_status((cx), (expr), (st), #expr, __FILE__, __LINE__)

static inline void og_check_status(const og_ctx *cx, og_status got, og_status want,
                                   const char *expr, const char *file, int line)
{
  if (got == want) return;
  print_error("%s:%d: %s: got %s, expected %s: %s\n", file, line, expr,
              got ? og_status_name(got) : "OG_OK", want ? og_status_name(want) : "OG_OK",
              got ? cx->err->text : "");
  _fail(file, line);
}

static inline void og_check_str(og_str a, og_str b, const char *file, int line)
{
  if (og_str_eq(a, b)) return;
  print_error("%s:%d: \"" OG_STR_FMT "\" is not \"" OG_STR_FMT "\"\n", file, line, OG_STR_ARG(a),
              OG_STR_ARG(b));
  _fail(file, line);
}
