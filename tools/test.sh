#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# make test: sets up what is missing, then runs the tests, the gates and the interop checks in build/dev.

set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/setup.sh && tools/setup.sh python || exit 1
states=()
for part in tests interop; do
  tools/part.sh "$part"
  states+=("$part=$?")
done
exec python3 tools/results.py build/results --max-skipped "$(cat .ci/max-skipped)" "${states[@]}"
