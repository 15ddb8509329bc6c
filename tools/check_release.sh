#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Two clean release builds of HEAD in different folders: the same bytes, each in under 60 seconds on 2 cores, a program under
# 5 MB, and `make install` copies what it should.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
max_seconds=60 max_bytes=5000000 sizes=
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset CMAKE_C_COMPILER_LAUNCHER CMAKE_CXX_COMPILER_LAUNCHER
export CCACHE_DISABLE=1
wrong=0
complain() { echo "release: $*" >&2; wrong=1; }

# build FOLDER: what is committed, built there as `make build` does; prints the seconds it took.
build() {
  mkdir -p "$1"
  git archive HEAD | tar -x -C "$1"
  local begin=$SECONDS
  make -C "$1" build >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  echo $((SECONDS - begin))
}

first=$work/one second=$work/another/deeper/place
seconds=$(build "$first")
again=$(build "$second")
[ "$again" -ge "$seconds" ] || seconds=$again # the other may have shared the machine
[ "$seconds" -lt $max_seconds ] || complain "a clean build took $seconds s, at most $max_seconds are allowed"

for file in bin/omnigraph lib/libomnigraph.so lib/libomnigraph-lance.so omnigraph.pc omnigraph-lance.pc; do
  cmp "$first/build/release/$file" "$second/build/release/$file" || complain "$file depends on where it was built"
  bytes=$(stat -L -c %s "$first/build/release/$file")
  [ "$bytes" -lt $max_bytes ] || complain "$file has $bytes bytes, at most $max_bytes are allowed"
  sizes+=", $file $bytes bytes"
done

if grep -q OMNIGRAPH_FAULT "$first/build/release/bin/omnigraph"; then complain "bin/omnigraph has fault points"; fi

make -C "$first" install PREFIX=/usr/local DESTDIR="$work/image" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
for file in bin/omnigraph include/omnigraph/omnigraph.h lib/libomnigraph.so lib/pkgconfig/omnigraph.pc \
  lib/libomnigraph-lance.so lib/pkgconfig/omnigraph-lance.pc \
  share/bash-completion/completions/omnigraph; do
  [ -e "$work/image/usr/local/$file" ] || complain "make install left out $file"
done
[ $wrong = 0 ] && echo "release: the same bytes twice, built in $seconds s$sizes"
exit $wrong
