# Every target says in its `##` line what it is for; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CARGO ?= cargo
INVOKE_AT := --invoke-address 127.0.0.1 --invoke-port 9000
EVENT ?= events/check-followers/by-hand.json

.PHONY: help run test lint watch invoke needs-rust needs-python

help: ## List what make can do here
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: needs-rust ## Tell the story in fast motion, on a stand-in X; nothing leaves this computer
	$(CARGO) run --quiet --locked --package local --bin hug -- demo

test: needs-rust ## Run every test
	$(CARGO) test --workspace --locked

lint: needs-rust ## Check format, lints and docs; any warning fails
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --workspace --no-deps --document-private-items --locked

watch: .tools/lambda/ready needs-rust ## Serve both functions with cargo-lambda, over a local table and stand-in networks
	$(CARGO) run --quiet --locked --package local --bin hug -- sandbox -- \
		env PATH="$(CURDIR)/.tools/lambda/bin:$$PATH" cargo-lambda lambda watch $(INVOKE_AT) --ignore-changes

invoke: .tools/lambda/ready ## Send EVENT=events/FUNCTION/SITUATION.json to a function that `make watch` serves
	.tools/lambda/bin/cargo-lambda lambda invoke $(INVOKE_AT) "$(notdir $(patsubst %/,%,$(dir $(EVENT))))" --data-file "$(EVENT)"

needs-rust:
	@command -v $(CARGO) >/dev/null || { echo "Rust is missing: install it from https://rustup.rs, then run this again." >&2; exit 1; }
	@command -v cc >/dev/null || { echo "A C compiler is missing (on Debian: apt-get install gcc), then run this again." >&2; exit 1; }

needs-python:
	@python3 -c 'import ensurepip' 2>/dev/null || { echo "Python 3 with venv is missing; some tools come from PyPI (on Debian: apt-get install python3-venv)." >&2; exit 1; }

include infra/aws.mk
