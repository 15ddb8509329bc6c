#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Checks docs/dev/model/commit.pml in every interleaving with spin, and that every rule left out of it is noticed.
#
#   tools/check_model.sh        one mix of writers for branch control and for cleanup, and every bug: what CI runs
#   tools/check_model.sh all    every mix of three writers over the two logs

set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
model=$PWD/docs/dev/model/commit.pml
work=$PWD/build/model
mkdir -p "$work"
command -v spin >/dev/null || { echo "check_model.sh: spin is missing (tools/setup.sh installs it)" >&2; exit 1; }

# run NAME DEFINITION...: prints the errors and the states; anything but a finished search is no answer.
run() {
  local folder=$work/$1
  shift
  rm -rf "$folder" && mkdir -p "$folder" && cd "$folder" || return 1
  spin "$@" -a "$model" >spin.out 2>&1 || { cat spin.out >&2; return 1; }
  # The verifier that spin writes is not ours to mend: its warnings are left out.
  gcc -w -O2 -DCOLLAPSE -DSAFETY -DNOFAIR -DMEMLIM=4000 -o pan pan.c || return 1
  timeout 540 ./pan -m200000 >pan.out 2>&1 || { tail -3 pan.out >&2; return 1; }
  grep -q 'max search depth too small\|Search not completed' pan.out && ! grep -q 'assertion violated' pan.out && return 1
  sed -n 's/.*, errors: \([0-9]*\)$/\1/p; s/^ *\([0-9.e+]*\) states, stored$/\1/p' pan.out | paste -sd ' '
}

# holds MIX DEFINITION...
holds() {
  local name=${*//[^A-Za-z0-9_=]/} answer
  answer=$(run "$name" "$@") || { echo "FAILED: the model was not checked to its end: $*"; return 1; }
  echo "model: $* -- ${answer#* } states, ${answer%% *} errors"
  [ "${answer%% *}" = 0 ]
}

# caught BUG DEFINITION...
caught() {
  local bug=$1 answer
  shift
  answer=$(run "$bug" "-D$bug" "$@") || { echo "FAILED: the model with $bug was not checked"; return 1; }
  [ "${answer%% *}" != 0 ] || { echo "FAILED: the model does not notice $bug"; return 1; }
  echo "model: $bug is noticed"
}

cleanup_bugs() {
  local bug status=0
  for bug in BUG_NO_ADJACENCY BUG_NO_OWN_ID BUG_NO_FENCE BUG_FENCE_MAIN BUG_MARK_FIRST; do
    caught $bug -DON_BRANCH=2 -DWITH_CLEANUP -DFAULTS=1 || status=1
  done
  return $status
}

control() {
  local bug status=0 mix
  for bug in BUG_NO_SEAL BUG_NUMBERS_BACK; do caught $bug -DON_BRANCH=2 -DWITH_CONTROL || status=1; done
  for mix in "$@"; do holds -DON_BRANCH=$mix -DWITH_CONTROL || status=1; done
  return $status
}

cleanup() {
  local status=0 mix
  for mix in "$@"; do holds -DON_BRANCH=$mix -DWITH_CLEANUP -DFAULTS=1 || status=1; done
  return $status
}

if [ "${1:-}" = all ]; then mixes=(1 2 3) cleanup_mixes=(1 2); else mixes=(2) cleanup_mixes=(2); fi
(control "${mixes[@]}" && cleanup_bugs) &
first=$!
cleanup "${cleanup_mixes[@]}"
second=$?
wait $first && [ $second -eq 0 ]
