# The front door. `make help` lists what there is; CONTRIBUTING.md says when to use which.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
export CCACHE_SLOPPINESS := pch_defines,time_macros,include_file_mtime,include_file_ctime

.DEFAULT_GOAL := help
.PHONY: help build demo test check format bench fuzz soak tsan test-kubernetes clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## install what is missing and build build/release/bin/sallyport and sallyport-verify
	@scripts/install-packages build
	@cmake --preset release >/dev/null
	@cmake --build build/release -j$(JOBS) --target sallyport sallyport-verify

demo: ## from nothing to an answered, a refused and a verified statement
	@scripts/demo

test: ## everything but fuzzers, thread sanitizer, soak and the cluster: what to run before a change is handed over
	@scripts/test

check: ## format, layers, a short clang-tidy list
	@scripts/install-packages build
	@scripts/check-format
	@scripts/check-layers
	@scripts/check-tidy

format: ## rewrite the tracked C++ files with clang-format
	@scripts/check-format --fix

tsan: ## the data path under the thread sanitizer
	@scripts/install-packages test
	@scripts/test-tsan

fuzz: ## every fuzzer for FUZZ_SECONDS (60) seconds, JOBS at a time
	@scripts/install-packages build
	@scripts/run-fuzzers $(FUZZ_SECONDS)

soak: ## kill -9 of the gateway under load, SOAK_KILLS (300) times; holds with deaths and races, SOAK_HOLDS (2000) of them
	@scripts/install-packages test
	@$(MAKE) --no-print-directory build
	@SALLYPORT_KILLS=$${SOAK_KILLS:-300} test/integration/durability.py kill_under_load
	@SALLYPORT_HOLDS=$${SOAK_HOLDS:-2000} test/integration/holds_stress.py

bench: ## side by side: direct, HAProxy, pgbouncer, Sallyport
	@scripts/install-packages bench
	@$(MAKE) --no-print-directory build
	@bench/run

test-kubernetes: ## fails: there is no Kubernetes support yet
	@echo "make test-kubernetes: Sallyport has no Kubernetes support yet, so there is nothing to test." >&2; exit 1

clean: ## remove build/
	@rm -rf build
