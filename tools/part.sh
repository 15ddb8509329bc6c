#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs one part of the checks and leaves its results in build/results/PART for tools/results.py.
#
#   tools/part.sh tests|asan|tsan|fault|clang|interop|model|release
#
# A failure does not end a part: everything is run, and the exit status tells whether all of it was well.

set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
part=${1:?usage: tools/part.sh tests|asan|tsan|fault|clang|interop|model|release}
results=$PWD/build/results/$part
rm -rf "$results"
mkdir -p "$results"
status=0

# gate NAME COMMAND...: counts as one test.
gate() {
  local name=$1
  shift
  if "$@"; then echo "passed $name" >>"$results/gates"; else
    echo "failed $name" >>"$results/gates"
    echo "FAILED: $name" >&2
    status=1
  fi
}

# build PRESET: warnings are errors; without a build there is nothing to test.
build() {
  gate "build $1" build_quietly "$1"
  [ $status -eq 0 ] || exit 1
}
build_quietly() {
  cmake --preset "$1" --log-level=WARNING && cmake --build --preset "$1" -j "$(nproc)"
}

# run_ctest PRESET OPTIONS...
run_ctest() {
  local preset=$1
  shift
  ctest --preset "$preset" --output-junit "$results/ctest.xml" "$@" || status=1
}

# run_pytest NAME PYTHON PRESET FOLDER...: the folders that hold Python tests, against that build.
run_pytest() {
  local name=$1 python=$2 build=$PWD/build/$3 folder folders=()
  shift 3
  for folder in "$@"; do
    [ -n "$(find "$folder" \( -name 'test_*.py' -o -name '*_test.py' \) 2>/dev/null)" ] && folders+=("$folder")
  done
  [ ${#folders[@]} -eq 0 ] && return
  OG_BUILD_DIR=$build PATH=$build/bin:$PATH "$python" -m pytest -q -p no:cacheprovider \
    --junit-xml="$results/$name.xml" "${folders[@]}" || status=1
}

case $part in
  tests)
    gate layers python3 tools/check_layers.py
    gate style python3 tools/check_style.py
    gate format python3 tools/check_format.py
    build dev
    build fault-points
    run_ctest dev -LE interop
    run_pytest pytest build/venv/bin/python dev tests/golden tests/conformance tests/e2e
    gate symbols tools/check_symbols.sh build/dev
    gate "symbols of the Lance library" env LIBRARY=omnigraph-lance tools/check_symbols.sh build/dev
    gate "coverage of the decoders" tools/coverage.sh decoders
    ;;
  asan | tsan | fault)
    build "$part"
    run_ctest "$part" # which tests: the presets
    if [ "$part" = asan ]; then run_pytest golden build/venv/bin/python asan tests/golden; fi
    ;;
  clang)
    build clang
    run_ctest clang
    gate tidy python3 tools/check_tidy.py build/clang --seconds "${TIDY_SECONDS:-660}"
    ;;
  interop)
    build dev
    run_ctest dev -L interop
    run_pytest newest build/venv/bin/python dev tests/interop
    run_pytest lance10 build/venv-lance10/bin/python dev tests/interop
    ;;
  model) gate model tools/check_model.sh ;;
  release) gate release tools/check_release.sh ;;
  *)
    echo "part.sh: no part is called $part" >&2
    exit 2
    ;;
esac
exit $status
