# Every target says in its `##` line what it is for; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CARGO ?= cargo
INVOKE_AT := --invoke-address 127.0.0.1 --invoke-port 9000
EVENT ?= events/check-followers/by-hand.json
# Where the list of known weaknesses of crates lies: RustSec's, as cargo-audit keeps it.
ADVISORIES ?= $(HOME)/.cargo/advisory-db
# For how many seconds each parser is fuzzed.
TIME ?= 60
# What `make simulate` lives through, and from which seed.
HISTORIES ?= 2000
SEED ?=
FROM ?=
CHURN ?= 1

.PHONY: help run test simulate planted lint audit fuzz watch invoke needs-rust needs-python

help: ## List what make can do here
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: needs-rust ## Tell the story in fast motion, on stand-in networks; nothing leaves this computer
	$(CARGO) build --locked --package hug --bin hug
	@$(CARGO) run --quiet --locked --package hug --bin hug -- demo

test: needs-rust ## Run every test
	$(CARGO) test --workspace --locked

simulate: needs-rust ## Live HISTORIES=2000 random histories through the stack, from seed FROM=0 on, or the one of SEED=n; CHURN=n of each kind
	HISTORIES=$(HISTORIES) FROM=$(FROM) SEED=$(SEED) CHURN=$(CHURN) $(CARGO) test --profile simulate --locked --package tests --test simulation -- --nocapture $(if $(SEED),whatever)

planted: needs-rust ## Take out, one at a time, what keeps the promise, and let the simulation find it
	python3 tests/simulation/planted.py

lint: needs-rust ## Check format, lints and docs; any warning fails
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --workspace --no-deps --document-private-items --locked

audit: .tools/audit/ready needs-rust ## Check the licences and sources of what is linked in, and known weaknesses where their list is at hand
	PATH="$(CURDIR)/.tools/audit/bin:$$PATH" cargo-deny --locked --log-level warn check --hide-inclusion-graph licenses bans sources
	@if [ -d "$(ADVISORIES)/crates" ]; then \
		.tools/audit/bin/cargo-audit audit --db "$(ADVISORIES)" --no-fetch --stale --no-yanked; \
	else \
		printf '\n!!! Known weaknesses were NOT checked: there is no list of them in %s.\n!!! Where the internet is: git clone --depth 1 https://github.com/RustSec/advisory-db %s\n\n' "$(ADVISORIES)" "$(ADVISORIES)" >&2; \
	fi

fuzz: .tools/fuzz/ready needs-rust ## Feed every parser of foreign input with nonsense, TIME=60 seconds each; needs a nightly Rust
	@rustup toolchain list 2>/dev/null | grep -q ^nightly || { echo "Fuzzing needs a nightly Rust: rustup toolchain install nightly, then run this again." >&2; exit 1; }
	@for target in $$(.tools/fuzz/bin/cargo-fuzz list); do \
		mkdir -p fuzz/corpus/$$target; \
		PATH="$(CURDIR)/.tools/fuzz/bin:$$PATH" cargo +nightly fuzz run "$$target" fuzz/corpus/$$target fuzz/seeds/$$target -- -max_total_time=$(TIME) -max_len=65536 -print_final_stats=1 || exit 1; \
	done

watch: .tools/lambda/ready needs-rust ## Serve both functions with cargo-lambda, over a local table and stand-in networks
	$(CARGO) build --locked --package hug --bin hug
	$(CARGO) run --quiet --locked --package hug --bin hug -- sandbox -- \
		env PATH="$(CURDIR)/.tools/lambda/bin:$$PATH" cargo-lambda lambda watch $(INVOKE_AT) --ignore-changes

invoke: .tools/lambda/ready ## Send EVENT=events/FUNCTION/SITUATION.json to a function that `make watch` serves
	.tools/lambda/bin/cargo-lambda lambda invoke $(INVOKE_AT) "$(notdir $(patsubst %/,%,$(dir $(EVENT))))" --data-file "$(EVENT)"

needs-rust:
	@command -v $(CARGO) >/dev/null || { echo "Rust is missing: install it from https://rustup.rs, then run this again." >&2; exit 1; }
	@command -v cc >/dev/null || { echo "A C compiler is missing (on Debian: apt-get install gcc), then run this again." >&2; exit 1; }

needs-python:
	@python3 -c 'import ensurepip' 2>/dev/null || { echo "Python 3 with venv is missing; some tools come from PyPI (on Debian: apt-get install python3-venv)." >&2; exit 1; }

include infra/aws.mk
