# Every target says in its `##` line to which group it belongs and what it does; `make help` lists them by group.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CARGO ?= cargo
INVOKE_AT := --invoke-address 127.0.0.1 --invoke-port 9000
EVENT ?= events/check-followers/by-hand.json
# The folder with the list of known weaknesses of crates: RustSec's, as cargo-audit keeps it.
ADVISORIES ?= $(HOME)/.cargo/advisory-db
# For how many seconds each parser is fuzzed.
TIME ?= 60
# How many histories `make simulate` runs, and from which seed on.
HISTORIES ?= 2000
SEED ?=
FROM ?=
CHURN ?= 1
# How many checks `make year` makes.
ROUNDS ?= 105120
# `make bench`: how often each program is started, and called when it is warm; accounts in one call; how far away the
# network is, in milliseconds. PAGE=docs/BENCHMARK.md writes the tables into the page.
STARTS ?= 20
CALLS ?= 40
ACCOUNTS ?= 100 1000 10000
DELAYS ?= 0 100 300
PAGE ?=
# Another checkout, for `make graph`.
OF ?=
# The folder for `make pictures`.
PICTURES ?= target/pictures
# The folder with recorded answers of the real networks, for `make recordings`.
RECORDINGS ?= recordings

.PHONY: help run watch invoke check test pictures axe simulate year bench planted recordings lint graph audit fuzz needs-rust needs-python

help: ## [try] List what make can do here
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { split($$2, group, /[][]/); lines[group[2]] = lines[group[2]] sprintf("make %-14s %s\n", $$1, $$2) } \
		END { printf "%s", lines["try"] lines["aws"] lines["develop"] lines["prove"] }' $(MAKEFILE_LIST)

run: needs-rust ## [try] Show a demo of the whole promise, on stand-in networks; nothing leaves this computer
	$(CARGO) build --locked --package hug --bin hug
	@$(CARGO) run --quiet --locked --package hug --bin hug -- demo

watch: .tools/lambda/ready needs-rust ## [try] Serve both functions with cargo-lambda, over a local table and stand-in networks
	$(CARGO) build --locked --package hug --bin hug
	$(CARGO) run --quiet --locked --package hug --bin hug -- sandbox -- \
		env PATH="$(CURDIR)/.tools/lambda/bin:$$PATH" cargo-lambda lambda watch $(INVOKE_AT) --ignore-changes

invoke: .tools/lambda/ready ## [try] Send EVENT=events/FUNCTION/SITUATION.json to a function that `make watch` serves
	.tools/lambda/bin/cargo-lambda lambda invoke $(INVOKE_AT) "$(notdir $(patsubst %/,%,$(dir $(EVENT))))" --data-file "$(EVENT)"

check: needs-rust axe ## [develop] Check format, lints and every test but the slow ones: the loop while you work
	$(CARGO) fmt --all --check
	$(CARGO) clippy --quiet --workspace --all-targets --locked -- --deny warnings
	$(CARGO) test --quiet --workspace --locked

test: needs-rust axe ## [develop] Run every test
	$(CARGO) test --workspace --locked -- --include-ignored

pictures: needs-rust axe ## [develop] Draw the songbook in every state into the folder PICTURES=target/pictures
	PICTURES="$(abspath $(PICTURES))" PAGE_TESTS=required $(CARGO) test --quiet --locked --package tests --test page pictures

# axe-core judges the songbook's page. Where it cannot be installed, the tests say what they did not try.
axe:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory --silent .tools/axe/ready || true; fi

# npm installs it in the version and by the hash of the lock file, and runs no code of it.
.tools/axe/ready: infra/tools/axe/package-lock.json
	mkdir -p .tools/axe
	cp infra/tools/axe/package.json $< .tools/axe
	npm ci --prefix .tools/axe --ignore-scripts --no-audit --no-fund --fetch-retries 0 --silent
	touch $@

lint: lint-python .tools/workflow/ready needs-rust ## [develop] Check format, lints and docs of Rust and Python; any warning fails
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --workspace --no-deps --document-private-items --locked
	.tools/workflow/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

graph: needs-rust ## [develop] Print which files use each other in circles; or those of another checkout, OF=FOLDER
	@OF="$(OF)" $(CARGO) test --quiet --locked --package tests --test layers -- --nocapture no_two_files

simulate: needs-rust ## [prove] Run HISTORIES=2000 random histories through the stack, from seed FROM=0 on, or the one of SEED=n; CHURN=n of each kind
	HISTORIES=$(HISTORIES) FROM=$(FROM) SEED=$(SEED) CHURN=$(CHURN) $(CARGO) test --profile simulate --locked --package tests --test simulation -- --include-ignored --nocapture $(if $(SEED),whatever)

year: needs-rust ## [prove] Check one account ROUNDS=105120 times, a year at five minutes, and print the size of .hug and the time of a round
	ROUNDS=$(ROUNDS) $(CARGO) test --profile simulate --locked --package hug --test main -- --nocapture a_year_of_checks

bench: needs-rust ## [prove] Measure start, answers, CPU and memory beside a bare function, Python and Node, STARTS=20, CALLS=40; and ACCOUNTS="100 1000" in a call
	$(CARGO) build --locked --release --package check-followers --package invite-follower
	$(CARGO) build --locked --profile simulate --package hug --example bench-servers
	$(CARGO) build --locked --release --manifest-path infra/bench/bare/Cargo.toml --target-dir target/bare
	@for others in bench bench-node; do $(MAKE) --no-print-directory .tools/$$others/ready || true; done
	STARTS="$(STARTS)" CALLS="$(CALLS)" ACCOUNTS="$(ACCOUNTS)" DELAYS="$(DELAYS)" PAGE="$(PAGE)" python3 infra/bench

# aws-lambda-ric compiles its client: on Debian that takes apt-get install g++ cmake autoconf automake libtool.
.tools/bench-node/ready: $(wildcard infra/bench/node/*)
	rm -rf $(@D) && mkdir -p $(@D)
	cp $^ $(@D)
	cd $(@D) && npm ci --silent
	touch $@

planted: needs-rust ## [prove] Remove, one at a time, what keeps the promise, and see the simulation find it
	python3 tests/simulation/planted.py

recordings: needs-python needs-rust ## [prove] Read recorded answers of the real networks with our types, from the folder RECORDINGS=recordings
	python3 infra/stand-ins/clients/recordings.py "$(RECORDINGS)"

audit: .tools/audit/ready needs-rust ## [prove] Check the licences and sources of what is linked, and known weaknesses where their list is at hand
	PATH="$(CURDIR)/.tools/audit/bin:$$PATH" cargo-deny --locked --log-level warn check --hide-inclusion-graph licenses bans sources
	@if [ -d "$(ADVISORIES)/crates" ]; then \
		.tools/audit/bin/cargo-audit audit --db "$(ADVISORIES)" --no-fetch --stale --no-yanked; \
	else \
		printf '\n!!! Known weaknesses were NOT checked: there is no list of them in %s.\n!!! With internet access: git clone --depth 1 https://github.com/RustSec/advisory-db %s\n\n' "$(ADVISORIES)" "$(ADVISORIES)" >&2; \
	fi

FUZZ_TARGETS := $(basename $(notdir $(wildcard fuzz/targets/*.rs)))
# What each parser starts from, beside fuzz/seeds: the events of this repository, and its example of hug.toml.
SEEDS_by_hand_event := events/check-followers/*
SEEDS_stream_event := events/invite-follower/*
SEEDS_settings := hug.example.toml

fuzz: .tools/fuzz/ready needs-rust ## [prove] Feed every parser of foreign input with random input, TIME=60 seconds each; needs a nightly Rust
	@rustup toolchain list 2>/dev/null | grep -q ^nightly || { echo "Fuzzing needs a nightly Rust: rustup toolchain install nightly, then run this again." >&2; exit 1; }
	@mkdir -p $(addprefix fuzz/corpus/,$(FUZZ_TARGETS))
	@$(foreach target,$(FUZZ_TARGETS),$(if $(SEEDS_$(target)),cp $(SEEDS_$(target)) fuzz/corpus/$(target);))
	@for target in $(FUZZ_TARGETS); do \
		seeds=fuzz/seeds/$$target; [ -d "$$seeds" ] || seeds=; \
		PATH="$(CURDIR)/.tools/fuzz/bin:$$PATH" cargo +nightly fuzz run "$$target" fuzz/corpus/$$target $$seeds -- -max_total_time=$(TIME) -max_len=65536 -print_final_stats=1 || exit 1; \
	done

needs-rust:
	@command -v $(CARGO) >/dev/null || { echo "Rust is missing: install it from https://rustup.rs, then run this again." >&2; exit 1; }
	@command -v cc >/dev/null || { echo "A C compiler is missing (on Debian: apt-get install gcc), then run this again." >&2; exit 1; }

needs-python:
	@python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11, 5))' 2>/dev/null || { echo "Python 3.11.5 or newer with venv is missing; some tools come from PyPI (on Debian: apt-get install python3-venv)." >&2; exit 1; }

include infra/aws.mk
