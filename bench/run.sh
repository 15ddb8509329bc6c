#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# make bench: builds what measures, installs the pinned peers, and runs bench/run.py. Arguments go to run.py.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/setup.sh build
tools/setup.sh bench
cmake --preset release --log-level=WARNING
cmake --build --preset release
cmake --build --preset release --target benchmarks
exec build/venv-bench/bin/python bench/run.py build/release "$@"
