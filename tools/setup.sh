#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Installs what building and testing need on Debian 12. Silent when nothing is missing.
#
#   tools/setup.sh          the system packages to build, test and check
#   tools/setup.sh build    only the packages to build
#   tools/setup.sh python   build/venv and build/venv-lance10: pinned Python packages for the tests
#   tools/setup.sh bench    build/venv-bench: pinned Python packages of the benchmark's peers

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

to_build=(build-essential cmake ninja-build pkg-config python3 libsimdjson-dev libpcre2-dev libzstd-dev liblz4-dev
  libxxhash-dev libutf8proc-dev libstemmer-dev libssl-dev libmimalloc-dev)
to_check=(libcmocka-dev python3-venv clang-14 clang-tidy-14 clang-format-14 libclang-rt-14-dev llvm-14 gcovr ccache git spin)

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

install_packages() {
  local missing=() package root=() log
  for package in "$@"; do installed "$package" || missing+=("$package"); done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || { echo "setup: no apt-get; please install: ${missing[*]}" >&2; return 1; }
  [ "$(id -u)" = 0 ] || root=(sudo)
  log=$(mktemp)
  echo "setup: installing ${missing[*]}"
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive sh -c \
    'apt-get update && apt-get install -y --no-install-recommends "$@"' setup "${missing[@]}" >"$log" 2>&1 </dev/null ||
    { cat "$log" >&2; echo "setup: could not install: ${missing[*]} (log in $log)" >&2; return 1; }
  rm -f "$log"
}

# The wheels are pinned for CPython 3.11, the one of Debian 12: prefer Debian's own to another in the PATH.
find_python() {
  local python
  for python in /usr/bin/python3.11 python3.11 python3; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
  echo "setup: no Python 3.11 with venv was found; please install python3-venv" >&2
  return 1
}

# venv FOLDER REQUIREMENTS: made anew when the requirements changed since; the stamp is written last.
venv() {
  local folder=$1 requirements=$2 python
  if [ -x "$folder/bin/python" ] && cmp -s "$requirements" "$folder/requirements.txt"; then return; fi
  python=$(find_python)
  echo "setup: making $folder from $requirements"
  rm -rf "$folder"
  mkdir -p "$(dirname "$folder")"
  "$python" -m venv "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --retries 5 \
    --only-binary :all: --require-hashes -r "$requirements" </dev/null
  cp "$requirements" "$folder/requirements.txt"
}

case ${1:-all} in
  build) install_packages "${to_build[@]}" ;;
  all) install_packages "${to_build[@]}" "${to_check[@]}" ;;
  python)
    venv build/venv tests/requirements.txt
    venv build/venv-lance10 tests/requirements-lance10.txt
    ;;
  bench)
    install_packages python3-venv
    venv build/venv-bench bench/requirements.txt
    ;;
  *) echo "usage: tools/setup.sh [build|python|bench]" >&2; exit 2 ;;
esac
