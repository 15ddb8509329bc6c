/* SPDX-License-Identifier: MIT */
/* base/num.h -- numbers as text, independent of any locale. */
#pragma once

#include "base/buf.h"

/* The longest text og_f64_format writes, without a NUL. */
#define OG_F64_TEXT_MAX 32

/* Shortest decimal that reads back as the same double.  JSON-like: "1.0", "0.1", "1e300", "-0.0"; integers keep
 * ".0".  Must be finite.  Returns the length.  (Same spelling as ryu/serde: exponent form when the decimal exponent is
 * < -5 or >= 16.) */
size_t og_f64_format(double v, char out[OG_F64_TEXT_MAX]);
/* Shortest that reads back as the same float. */
size_t og_f32_format(float v, char out[OG_F64_TEXT_MAX]);

/* Whole string as a decimal floating-point number ("-1.5e3"); correctly rounded.  False when it is not one or is out
 * of range. */
bool og_str_to_f64(og_str s, double *out);
