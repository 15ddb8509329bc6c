# SPDX-License-Identifier: MIT
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
include(CheckPIESupported)
check_pie_supported()
set(CMAKE_POSITION_INDEPENDENT_CODE ON) # static libraries go into the shared one, programs are PIE
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

option(OG_WERROR "Treat warnings as errors" OFF)
option(OG_FUZZ "Build the fuzz targets with libFuzzer (clang)" OFF)
option(OG_FAULT_POINTS "Build with the places where OMNIGRAPH_FAULT ends or fails the process (tests only)" OFF)
set(OG_SANITIZE "" CACHE STRING "Comma-separated sanitizers, for example address,undefined")

add_library(og_flags INTERFACE)
target_compile_definitions(og_flags INTERFACE _POSIX_C_SOURCE=200809L)
target_compile_options(og_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wvla
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes>
  $<$<BOOL:${OG_WERROR}>:-Werror>
  -fstack-protector-strong -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
  $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2 -ffunction-sections -fdata-sections>)
# Nothing of the build folder, the clock or the user gets into what we build: the same source gives the same bytes.
if(OG_SANITIZE)
  target_compile_definitions(og_flags INTERFACE OG_MEM_NO_REUSE) # they look for uses of what was freed
  target_compile_options(og_flags INTERFACE -fsanitize=${OG_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(og_flags INTERFACE -fsanitize=${OG_SANITIZE})
endif()
if(OG_FAULT_POINTS)
  target_compile_definitions(og_flags INTERFACE OG_FAULT_POINTS)
endif()
if(OG_FUZZ)
  target_compile_options(og_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(CMAKE_SYSTEM_NAME STREQUAL Linux)
  target_link_options(og_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
