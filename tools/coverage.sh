#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Line coverage of src/ by the tests.
#
#   tools/coverage.sh             all tests: a summary, and build/coverage/report/index.html
#   tools/coverage.sh LABEL       only the tests with a ctest label, for example unit
#   tools/coverage.sh decoders    a gate: the kept inputs of the fuzz targets against the files in tests/fuzz/decoders.txt

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
label=${1:-}
cmake --preset coverage --log-level=WARNING
targets=()
if [ "$label" = decoders ]; then targets=(--target fuzzers); fi
cmake --build --preset coverage -j "$(nproc)" "${targets[@]}"
find build/coverage -name '*.gcda' -delete
report=(gcovr --root . --exclude-throw-branches --txt build/coverage/lines.txt)

if [ "$label" = decoders ]; then
  ctest --preset coverage -L fuzz --quiet
  filters=()
  while read -r file; do
    [ -f "$file" ] || { echo "tests/fuzz/decoders.txt lists $file, which is not there" >&2; exit 1; }
    filters+=(--filter "${file//./\\.}\$")
  done < <(grep -v '^#' tests/fuzz/decoders.txt)
  least=$(sed -n 's/^# least: //p' tests/fuzz/decoders.txt)
  status=0
  "${report[@]}" "${filters[@]}" --fail-under-line "$least" build/coverage || status=$?
  awk '$2 ~ /^[0-9]+$/ { printf "%-36s %5s %5s %5s\n", $1, $2, $3, $4 }' build/coverage/lines.txt
  if [ "$status" -ne 0 ]; then echo "the kept inputs reach less than $least % of the decoders: keep more of what fuzzing finds" >&2; fi
  exit "$status"
fi

ctest --preset coverage ${label:+-L "$label"} --quiet
mkdir -p build/coverage/report
"${report[@]}" --filter 'src/' --print-summary --html-details build/coverage/report/index.html build/coverage
cat build/coverage/lines.txt
