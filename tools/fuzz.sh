#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs every fuzz target with libFuzzer under the address and undefined-behaviour sanitizers.
#
#   tools/fuzz.sh [SECONDS [TARGET...]]     SECONDS per target, 120 by default
#
# Words that a target's inputs are made of stand in tests/fuzz/dict/TARGET.dict.  New inputs gather in
# build/fuzz/corpus/TARGET. A finding lies in build/fuzz/found: fix it and keep the input in
# tests/fuzz/corpus/TARGET, from where every ctest run repeats it.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-120}
shift || true
cmake --preset fuzz --log-level=WARNING
cmake --build --preset fuzz -j "$(nproc)"
folder=$PWD/build/fuzz
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for list in "$folder"/fuzz/*.seeds; do targets+=("$(basename "$list" .seeds)"); done
fi
mkdir -p "$folder/found"

# fuzz TARGET: its log goes to build/fuzz/TARGET.log, one line to the terminal.
fuzz() {
  local name=$1 seconds=$2 folder=$3 seeds log=$3/$1.log words=tests/fuzz/dict/$1.dict
  mkdir -p "$folder/corpus/$name"
  seeds=$(paste -sd, "$folder/fuzz/$name.seeds")
  if "$folder/bin/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -seed=1 \
    -artifact_prefix="$folder/found/$name-" ${seeds:+-seed_inputs="$seeds"} $([ ! -f "$words" ] || echo "-dict=$words") \
    "$folder/corpus/$name" >"$log" 2>&1; then
    echo "$name: $(awk '/number_of_executed_units/ { print $2 }' "$log") inputs in $seconds s, nothing found"
  else
    tail -30 "$log"
    echo "$name: FOUND something, see $log"
    return 1
  fi
}
export -f fuzz
printf '%s\0' "${targets[@]}" | xargs -0 -P 2 -I '{}' bash -c 'fuzz "$@"' fuzz '{}' "$seconds" "$folder"
