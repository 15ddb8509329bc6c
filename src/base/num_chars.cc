// SPDX-License-Identifier: MIT
// base/num_chars.cc -- std::to_chars and std::from_chars behind C: shortest round-trip and correctly rounded, whatever
// the locale.  Only digits and exponent come from there; the spelling is ours.
#include <charconv>
#include <cstddef>

extern "C" {
std::size_t og__f64_scientific(double v, char *out, std::size_t size);
std::size_t og__f32_scientific(float v, char *out, std::size_t size);
bool og__f64_parse(const char *text, std::size_t len, double *out);
}

std::size_t og__f64_scientific(double v, char *out, std::size_t size)
{
  auto r = std::to_chars(out, out + size, v, std::chars_format::scientific);
  return r.ec == std::errc() ? static_cast<std::size_t>(r.ptr - out) : 0;
}

std::size_t og__f32_scientific(float v, char *out, std::size_t size)
{
  auto r = std::to_chars(out, out + size, v, std::chars_format::scientific);
  return r.ec == std::errc() ? static_cast<std::size_t>(r.ptr - out) : 0;
}

bool og__f64_parse(const char *text, std::size_t len, double *out)
{
  auto r = std::from_chars(text, text + len, *out);
  return r.ec == std::errc() && r.ptr == text + len;
}
