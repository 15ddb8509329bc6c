#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The library exports exactly the names in tools/exported-symbols.txt: nothing slips out, nothing gets lost.
#
#   tools/check_symbols.sh BUILD            compares
#   tools/check_symbols.sh BUILD --update   writes the list anew; review the difference

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
list=tools/exported-symbols.txt
library=${1:?usage: tools/check_symbols.sh BUILD [--update]}/lib/libomnigraph.so
export LC_ALL=C
exported() { nm -D --defined-only "$library" | awk '{ sub(/@.*/, "", $3); print $3 }' | sort -u; }

[ -e "$library" ] || { echo "symbols: $library is not built" >&2; exit 1; }
if [ "${2:-}" = --update ]; then
  exported >"$list"
elif ! diff -u --label "$list" --label "$library" "$list" <(exported); then
  echo "symbols: the library exports other names than $list says (- missing, + new)" >&2
  exit 1
fi
