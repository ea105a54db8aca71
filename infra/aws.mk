# The stack on AWS. Credentials and region are set as for every tool of AWS: AWS_PROFILE or
# AWS_ACCESS_KEY_ID …, and AWS_REGION.

# The name of the stack, which is also the prefix of its parameters.
STACK ?= have-a-hug
# arm64 or x86_64
ARCHITECTURE ?= arm64
# How often, such as rate(5 minutes); who gets the mails with news and alarms; how many days logs are kept; 1 to publish
# the songbook, 0 to take it down; 1 for accounts in the ledger. What is not set stays as it is, or is the template's default.
RATE ?=
MAIL ?=
LOG_DAYS ?=
SONGBOOK ?=
ROSTER ?=
# What the creator decided.
SETTINGS ?= hug.toml
TEMPLATE ?= infra/template.yaml

# sam and boto3 read AWS_DEFAULT_REGION, the Rust SDK reads AWS_REGION.
ifneq ($(AWS_REGION),)
export AWS_DEFAULT_REGION := $(AWS_REGION)
else ifneq ($(AWS_DEFAULT_REGION),)
export AWS_REGION := $(AWS_DEFAULT_REGION)
endif
export SAM_CLI_TELEMETRY := 0

FUNCTIONS := check-followers invite-follower
AWS := .tools/sam/bin/python infra/aws --stack $(STACK) --settings $(SETTINGS) --roster "$(ROSTER)"
SAM := .tools/sam/bin/sam
# cargo-lambda finds zig through the environment it was installed in.
CARGO_LAMBDA := PATH="$(CURDIR)/.tools/lambda/bin:$$PATH" VIRTUAL_ENV="$(CURDIR)/.tools/lambda" cargo-lambda lambda
BUILD := $(CARGO_LAMBDA) build
# zig links against the C library of Amazon Linux 2023, as on Lambda, which is older than most machines'.
COMPILER ?= cargo-zigbuild
target = $(if $(filter arm64,$1),aarch64,x86_64)-unknown-linux-gnu$(if $(filter cargo-zigbuild,$(COMPILER)),.2.34)

# Every folder with Python in it is a program of its own, so mypy checks them one by one.
PYTHON := $(sort $(dir $(wildcard infra/*.py infra/*/*.py infra/*/*/*.py tests/*/*.py)))
RUFF := .tools/python/bin/ruff
RUFF_FLAGS := --no-cache --config infra/pyproject.toml .

# A tool with all it needs, in an environment of its own. Some of them run with credentials of AWS, so only files with
# the hashes of infra/tools/*.txt are installed, and only wheels, so that no code of a package runs at its installation.
# Each list is complete, for every platform and every Python from 3.11.5 on that has the wheels. uv makes it, here for sam:
#   echo aws-sam-cli==1.170.0 | uv pip compile --universal --python-version 3.11.5 --only-binary :all: \
#     --generate-hashes --no-annotate --no-header --output-file infra/tools/sam.txt -
.tools/%/ready: infra/tools/%.txt | needs-python
	python3 -m venv --clear .tools/$*
	.tools/$*/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-deps --requirement $<
	touch $@

.PHONY: build dist dist-command build-for-here try-arm64 settings secret secrets deploy deploy-code invoke-remote logs status doctor redrive destroy validate lint-python e2e

build: .tools/lambda/ready ## [aws] Build both functions for AWS into target/lambda
	$(BUILD) --locked --release --target $(call target,$(ARCHITECTURE)) --compiler $(COMPILER) --lambda-dir target/lambda $(FUNCTIONS:%=--package %)

# The kind of this machine: what `make dist` builds for.
MACHINE := $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)
COMMAND := $(if $(filter Linux,$(shell uname)),target/command/hug/bootstrap,target/release/hug)

dist: dist-command build-for-here ## [aws] Build an archive of the command and the zips of both functions, for this kind of machine, into target/dist
	python3 infra/dist.py $(COMMAND) $(FUNCTIONS:%=%:$(MACHINE))

# On Linux it is linked as the functions are, against a C library that is older than most machines'.
dist-command: needs-rust needs-python .tools/lambda/ready
ifeq ($(shell uname),Linux)
	$(BUILD) --locked --release --target $(call target,$(MACHINE)) --compiler $(COMPILER) --lambda-dir target/command --package hug --bin hug
else
	$(CARGO) build --locked --release --package hug --bin hug
endif
	python3 infra/dist.py $(COMMAND)

build-for-here:
	@$(MAKE) --no-print-directory build ARCHITECTURE=$(MACHINE)

settings: .tools/sam/ready ## [aws] Check hug.toml and upload it
	@$(AWS) settings

secret: .tools/sam/ready ## [aws] Upload a secret, NAME=X_API_KEY; type its value, or pipe it in
	@$(AWS) secret "$(NAME)"

secrets: .tools/sam/ready ## [aws] Upload the secrets that hug.toml needs from hug.secrets, which `hug connect` made
	@$(AWS) secrets

try-arm64: ## [prove] Run the arm64 binary on a machine of another kind, with qemu, and let it answer an event
	@$(MAKE) --no-print-directory build ARCHITECTURE=arm64
	$(CARGO) run --quiet --locked --package hug --bin hug -- sandbox -- python3 infra/try_arm64.py target/lambda/check-followers/bootstrap

deploy: .tools/sam/ready .tools/lambda/ready ## [aws] Build everything, and deploy it on AWS; SONGBOOK=1 publishes the songbook, ROSTER=1 allows accounts in the ledger
	@$(AWS) check-deploy "$(SONGBOOK)"
	@$(MAKE) --no-print-directory build
	$(SAM) deploy --template-file $(TEMPLATE) --config-file $(CURDIR)/infra/samconfig.toml --stack-name $(STACK) --parameter-overrides Architecture=$(ARCHITECTURE) $(if $(RATE),'CheckRate="$(RATE)"') $(if $(MAIL),Mail=$(MAIL)) $(if $(LOG_DAYS),LogDays=$(LOG_DAYS)) $(if $(SONGBOOK),Songbook=$(SONGBOOK)) $(if $(ROSTER),Roster=$(ROSTER))
	@$(AWS) finish-deploy

deploy-code: .tools/sam/ready .tools/lambda/ready ## [aws] Deploy only new code on AWS
	@$(AWS) check-stack "put new code into both functions"
	@$(MAKE) --no-print-directory build
	@for name in $(FUNCTIONS); do $(CARGO_LAMBDA) deploy --lambda-dir target/lambda --binary-name $$name $(STACK)-$$name || exit 1; done

invoke-remote: .tools/sam/ready ## [aws] Run a check on AWS now, or EVENT=events/check-followers/dry-run.json
	@$(AWS) invoke $(EVENT)

logs: .tools/sam/ready ## [aws] Follow the logs of both functions
	@$(AWS) check-stack "show the logs"
	$(SAM) logs --stack-name $(STACK) --tail

status: .tools/sam/ready ## [aws] Show the accounts and the hugs on AWS
	@$(AWS) status

doctor: .tools/sam/ready ## [aws] Find out what is wrong on AWS, and what to do about it; changes nothing
	@$(AWS) doctor

redrive: .tools/sam/ready ## [aws] Put hugs on AWS that failed for good back to work, or only ACCOUNT=x:amber MILESTONE=600
	@$(AWS) redrive "$(ACCOUNT)" "$(MILESTONE)"

destroy: .tools/sam/ready ## [aws] Delete the stack; the ledger, the settings and the secrets are kept
	@$(AWS) destroy

validate: .tools/cfn-lint/ready .tools/checkov/ready ## [prove] Check the template, and that the checks notice what is broken on purpose
	.tools/cfn-lint/bin/python infra/validate

lint-python: .tools/python/ready ## [develop] Check format, lints and types of every Python file
	$(RUFF) format --check $(RUFF_FLAGS)
	$(RUFF) check $(RUFF_FLAGS)
	@for folder in $(PYTHON); do echo "mypy $$folder"; .tools/python/bin/mypy --config-file infra/pyproject.toml "$$folder"*.py || exit 1; done

e2e: .tools/sam/ready .tools/lambda/ready .tools/ministack/ready ## [prove] Deploy to an AWS emulator on this machine, and prove that it works there
	.tools/sam/bin/python infra/e2e
