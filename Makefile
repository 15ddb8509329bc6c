# SPDX-License-Identifier: MIT
# The front door. `make help` lists what there is; everything is built under build/.
.PHONY: help build build-fault demo test bench fuzz coverage format install clean setup setup-build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 120

help:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 18

setup: ## install every package needed to build and test (Debian)
	@tools/setup.sh

setup-build:
	@tools/setup.sh build

build: setup-build ## release programs in build/release/bin
	@cmake --preset release --log-level=WARNING
	@cmake --build --preset release

build-fault: setup-build ## programs with fault points in build/fault/bin
	@cmake --preset fault-points --log-level=WARNING
	@cmake --build --preset fault-points

demo: build ## load the package index of this machine and ask it questions
	@examples/debian/demo.sh build/release/bin

test: ## everything that must hold: tests, interop, gates
	@tools/test.sh

bench: build ## measure against the targets and the peers
	@bench/run.sh

fuzz: setup ## every fuzz target for FUZZ_SECONDS (120)
	@tools/fuzz.sh $(FUZZ_SECONDS)

coverage: setup ## line coverage of the tests, report in build/coverage
	@tools/coverage.sh

format: setup ## rewrite the C sources with clang-format
	@git ls-files -- '*.c' '*.h' '*.cc' | xargs clang-format-14 -i

install: build ## install into PREFIX (/usr/local); DESTDIR is honoured
	@cmake --install build/release --prefix $(PREFIX)

clean: ## remove build/ but keep the Python environments
	@find build -mindepth 1 -maxdepth 1 ! -name 'venv*' -exec rm -rf {} + 2>/dev/null || true
