# SPDX-License-Identifier: MIT
# 64-bit little-endian POSIX only; base/compiler.h asserts the same for each translation unit.
if(WIN32)
  message(FATAL_ERROR "OmniGraph does not support Windows; build it on Linux or macOS.")
endif()
if(NOT CMAKE_SIZEOF_VOID_P EQUAL 8)
  message(FATAL_ERROR "OmniGraph needs a 64-bit target.")
endif()
