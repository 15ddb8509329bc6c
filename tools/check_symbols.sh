#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A library exports exactly the names in its list: nothing slips out, nothing gets lost.  The lists are
# tools/exported-symbols.txt, and with LIBRARY=omnigraph-lance tools/exported-symbols-lance.txt.
#
#   tools/check_symbols.sh BUILD                        compares
#   tools/check_symbols.sh BUILD --called-by PROGRAM... each name is called by one of these programs
#   tools/check_symbols.sh BUILD --update               writes the list anew; review the difference

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
name=${LIBRARY:-omnigraph}
list=tools/exported-symbols${name#omnigraph}.txt
library=${1:?usage: tools/check_symbols.sh BUILD [--called-by PROGRAM...|--update]}/lib/lib$name.so
export LC_ALL=C
exported() { nm -D --defined-only "$library" | awk '{ sub(/@.*/, "", $3); print $3 }' | sort -u; }
called() { nm -D --undefined-only "$@" | awk '$2 ~ /^og_/ { sub(/@.*/, "", $2); print $2 }' | sort -u; }

[ -e "$library" ] || { echo "symbols: $library is not built" >&2; exit 1; }
case ${2:-} in
  --update) exported >"$list" ;;
  --called-by)
    calls=$(called "${@:3}")
    missing=$(comm -23 "$list" - <<<"$calls")
    [ -z "$missing" ] || { echo "symbols: exported, but none of the programs calls:" $missing >&2; exit 1; }
    ;;
  *)
    if ! diff -u --label "$list" --label "$library" "$list" <(exported); then
      echo "symbols: the library exports other names than $list says (- missing, + new)" >&2
      exit 1
    fi
    ;;
esac
