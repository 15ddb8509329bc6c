#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tries CASES (10000) from each of the seeds FROM to TO in every setup, and adds a line for each to runs.log.
# run.sh FROM [TO [CASES]]; OG_BUILD_DIR is the build (build/dev).
set -u
here=$(dirname "$0")
root=$(git -C "$here" rev-parse --show-toplevel)
program=${OG_BUILD_DIR:-$root/build/dev}/bin/property_query
from=${1:?run.sh FROM [TO [CASES]]} to=${2:-$1} cases=${3:-10000} failed=0
for seed in $(seq "$from" "$to"); do
  if out=$(OG_ALL=1 OG_SEED=$seed OG_CASES=$cases "$program" 2>&1); then
    result="alike ($(grep -o '[0-9]* with rows' <<<"$out"))"
  else
    result="DIFFERS"
    failed=1
    echo "$out"
  fi
  line="$(date -u +%Y-%m-%d) $(git -C "$root" rev-parse --short=10 HEAD) seed=$seed cases=$cases $result"
  echo "$line" | tee -a "$here/runs.log"
done
exit $failed
