#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# An installed tree is whole: the example is compiled through pkg-config alone, as C11 and as C++17, and prints what it
# should; the program runs; and all of that again after the tree was moved.
#
#   installed.sh BUILD CC CXX

set -euo pipefail
build=${1:?usage: installed.sh BUILD CC CXX} cc=${2:?} cxx=${3:?}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

try() {
  local tree=$1 out=$2 flags
  export PKG_CONFIG_PATH=$tree/lib/pkgconfig LD_LIBRARY_PATH=$tree/lib
  mkdir "$out"
  flags=$(pkg-config --cflags --libs omnigraph)
  [[ $flags == *"$tree"* ]] || { echo "installed: pkg-config looks elsewhere: $flags" >&2; exit 1; }
  for example in friends prepared arrow_stream; do
    cp "$tree/share/doc/omnigraph/examples/$example.c" "$out"
    # shellcheck disable=SC2086 # words
    "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror "$out/$example.c" $flags -o "$out/$example"
    "$out/$example" "$out/$example.omni" | diff "$here/examples/c/$example.out" -
  done
  flags=$(pkg-config --cflags --libs omnigraph-lance)
  for example in lance_write lance_rows; do
    # shellcheck disable=SC2086
    "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror "$tree/share/doc/omnigraph/examples/$example.c" $flags \
      -o "$out/$example"
    "$out/$example" "$out/cities.lance" | diff "$here/examples/c/$example.out" -
  done
  flags=$(pkg-config --cflags --libs omnigraph)
  printf '#include <omnigraph/omnigraph.h>\nint main() { return og_version()[0] == 0; }\n' >"$out/version.cc"
  # shellcheck disable=SC2086
  "$cxx" -std=c++17 -Wall -Wextra -Wpedantic -Werror "$out/version.cc" $flags -o "$out/version"
  "$out/version"
  "$tree/bin/omnigraph" commit list "$out/friends.omni" >"$out/commits"
  [ "$(wc -l <"$out/commits")" = 2 ] || { echo "installed: the program sees other commits" >&2; exit 1; }
  grep -q omnigraph "$tree/share/bash-completion/completions/omnigraph"
}

DESTDIR=$work/image cmake --install "$build" --prefix /opt/omnigraph >"$work/log" || { cat "$work/log" >&2; exit 1; }
try "$work/image/opt/omnigraph" "$work/first"
mv "$work/image/opt/omnigraph" "$work/elsewhere"
try "$work/elsewhere" "$work/second"
