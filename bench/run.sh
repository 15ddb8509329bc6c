#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# make bench: builds what measures, installs the pinned peers, and runs bench/run.py. Arguments go to run.py.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/setup.sh build
tools/setup.sh bench
tools/setup.sh python
cmake --preset release --log-level=WARNING
cmake --build --preset release
cmake --build --preset release --target benchmarks
status=0
build/venv/bin/python bench/lance_run.py build/release || status=1
build/venv/bin/python bench/search_run.py build/release || status=1
build/venv-bench/bin/python bench/run.py build/release "$@" || status=1
exit $status
