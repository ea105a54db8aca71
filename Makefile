# Every target says in its `##` line what it is for; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CARGO ?= cargo
# Tools that are no crates come from PyPI, pinned, each set in an environment of its own.
TOOLS := .tools
LAMBDA := $(TOOLS)/cargo-lambda/bin/cargo-lambda
INVOKE_AT := --invoke-address 127.0.0.1 --invoke-port 9000
EVENT ?= events/check-followers/by-hand.json

.PHONY: help run test lint watch invoke

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

watch: $(LAMBDA) ## Serve both functions with cargo-lambda, over a local table and stand-in networks
	PATH="$(CURDIR)/$(TOOLS)/cargo-lambda/bin:$$PATH" $(CARGO) run --quiet --locked --package local --bin hug -- sandbox -- \
		$(LAMBDA) lambda watch $(INVOKE_AT) --ignore-changes

invoke: $(LAMBDA) ## Send EVENT=events/FUNCTION/SITUATION.json to a function that `make watch` serves
	$(LAMBDA) lambda invoke $(INVOKE_AT) "$(notdir $(patsubst %/,%,$(dir $(EVENT))))" --data-file "$(EVENT)"

.PHONY: needs-rust
needs-rust:
	@command -v $(CARGO) >/dev/null || { echo "Rust is missing: install it from https://rustup.rs, then run this again." >&2; exit 1; }
	@command -v cc >/dev/null || { echo "A C compiler is missing (on Debian: apt-get install gcc), then run this again." >&2; exit 1; }

$(TOOLS)/%/bin/cargo-lambda: infra/tools/%.txt
	@command -v python3 >/dev/null || { echo "Python 3 is missing; cargo-lambda comes from PyPI (on Debian: apt-get install python3-venv)." >&2; exit 1; }
	python3 -m venv $(TOOLS)/$*
	$(TOOLS)/$*/bin/pip install --quiet --requirement $<
	@touch $@
