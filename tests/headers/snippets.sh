#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The C in the pages for users compiles: each ```c block, inside a function, against the public headers.
#
#   snippets.sh CC PAGE...

set -euo pipefail
cc=${1:?} include=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../include" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
blocks=0
for page in "${@:2}"; do
  awk -v stem="$work/$(basename "$page" .md)" '
    /^```c$/ { file = stem "-" ++n ".c"
               print "#include <omnigraph/omnigraph.h>\n#include <stdio.h>\nint snippet(void);\nint snippet(void)\n{" > file
               printf "#line %d \"%s\"\n", FNR + 1, FILENAME > file; next }
    /^```$/ && file { print "  return 0;\n}" > file; close(file); file = "" }
    file { print > file }' "$page"
done
for file in "$work"/*.c; do
  "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$include" "$file"
  blocks=$((blocks + 1))
done
[ $blocks -gt 0 ] || { echo "snippets: no page has C in it" >&2; exit 1; }
