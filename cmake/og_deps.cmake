# SPDX-License-Identifier: MIT
# The system's libraries, found and never vendored.  THIRD-PARTY.md lists them with their licences.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SIMDJSON REQUIRED IMPORTED_TARGET simdjson)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET libcrypto)
# It has no pkg-config file.
find_library(STEMMER_LIBRARY stemmer REQUIRED)
find_path(STEMMER_INCLUDE libstemmer.h REQUIRED)
add_library(og_stemmer INTERFACE IMPORTED)
target_link_libraries(og_stemmer INTERFACE ${STEMMER_LIBRARY})
target_include_directories(og_stemmer SYSTEM INTERFACE ${STEMMER_INCLUDE})
