#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Keeps of what tools/fuzz.sh gathered the inputs that reach code no other input reaches, the smallest first.
#
#   tools/fuzz_keep.sh [TARGET...]     all targets by default
#
# They become tests/fuzz/corpus/TARGET/kept-*, in the place of those that are there: at most 300 files and 300 KB for a
# target.  Inputs with a name of their own, and seeds, stay as they are.  OG_FUZZ_DIR is another build than build/fuzz.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=${OG_FUZZ_DIR:-$PWD/build/fuzz}
max_files=300 max_bytes=$((300 * 1024))
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for list in "$folder"/fuzz/*.seeds; do targets+=("$(basename "$list" .seeds)"); done
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# keep TARGET
keep() {
  local name=$1 kept=tests/fuzz/corpus/$1 base=$work/$1 seed file size n=0 bytes=0 left=0
  mkdir -p "$kept" "$base" "$folder/corpus/$name" "$work/old"
  rm -f "$work"/old/*
  find "$kept" -name 'kept-*' -exec cp -t "$work/old" {} +
  while read -r seed; do
    case $seed in "" | */kept-*) ;; *) cp "$seed" "$base/$((n += 1))" ;; esac
  done <"$folder/fuzz/$name.seeds"
  "$folder/bin/$name" -set_cover_merge=1 -use_counters=0 -rss_limit_mb=2048 "$base" "$work/old" "$folder/corpus/$name" \
    >"$folder/$name.merge.log" 2>&1
  rm -f "$kept"/kept-*
  n=0
  while read -r size file; do # libFuzzer names what it adds by 40 hex digits
    if [ $n -ge $max_files ] || [ $((bytes + size)) -gt $max_bytes ]; then
      left=$((left + 1))
      continue
    fi
    file=${file##*/}
    cp "$base/$file" "$kept/kept-${file:0:12}"
    n=$((n + 1)) bytes=$((bytes + size))
  done < <(find "$base" -type f -regextype egrep -regex '.*/[0-9a-f]{40}' -printf '%s %p\n' | sort -n)
  echo "$name: $n files of $bytes bytes kept, $left left out"
}
for name in "${targets[@]}"; do keep "$name"; done
