#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Line coverage of src/ by the tests.
#
#   tools/coverage.sh           all tests: a summary, and build/coverage/report/index.html
#   tools/coverage.sh LABEL     only the tests with a ctest label, for example fuzz

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
label=${1:-}
cmake --preset coverage --log-level=WARNING
cmake --build --preset coverage -j "$(nproc)"
find build/coverage -name '*.gcda' -delete
ctest --preset coverage ${label:+-L "$label"} --quiet
mkdir -p build/coverage/report
gcovr --root . --filter 'src/' --exclude-throw-branches --print-summary --txt build/coverage/lines.txt \
  --html-details build/coverage/report/index.html build/coverage
cat build/coverage/lines.txt
