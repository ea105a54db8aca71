# The stack on AWS. Credentials and region as every tool of AWS takes them: AWS_PROFILE or
# AWS_ACCESS_KEY_ID …, and AWS_REGION.

# What the stack is called: the prefix of its parameters too.
STACK ?= have-a-hug
# arm64 or x86_64
ARCHITECTURE ?= arm64
# How often, such as rate(5 minutes); who gets the alarms' mails; how many days logs are kept. Unset: as
# they are, or the template's default.
RATE ?=
MAIL ?=
LOG_DAYS ?=
# What the creator decided.
SETTINGS ?= hug.toml
TEMPLATE ?= infra/template.yaml

# sam and boto3 read the one variable, the Rust SDK the other.
ifneq ($(AWS_REGION),)
export AWS_DEFAULT_REGION := $(AWS_REGION)
else ifneq ($(AWS_DEFAULT_REGION),)
export AWS_REGION := $(AWS_DEFAULT_REGION)
endif
export SAM_CLI_TELEMETRY := 0

FUNCTIONS := check-followers invite-follower
AWS := .tools/sam/bin/python infra/aws.py --stack $(STACK) --settings $(SETTINGS)
SAM := .tools/sam/bin/sam
# cargo-lambda finds zig through the environment it was installed in.
CARGO_LAMBDA := PATH="$(CURDIR)/.tools/lambda/bin:$$PATH" VIRTUAL_ENV="$(CURDIR)/.tools/lambda" cargo-lambda lambda
BUILD := $(CARGO_LAMBDA) build
# zig links against Lambda's own C library, Amazon Linux 2023's, which is older than most machines'.
COMPILER ?= cargo-zigbuild
TARGET := $(if $(filter arm64,$(ARCHITECTURE)),aarch64,x86_64)-unknown-linux-gnu$(if $(filter cargo-zigbuild,$(COMPILER)),.2.34)

# A tool with all it needs, in the versions of infra/tools/*.txt, in an environment of its own.
.tools/%/ready: infra/tools/%.txt | needs-python
	python3 -m venv --clear .tools/$*
	.tools/$*/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

.PHONY: build try-arm64 settings secret deploy deploy-code invoke-remote logs doctor redrive destroy validate e2e

build: .tools/lambda/ready ## Build both functions for AWS into target/lambda
	$(BUILD) --release --target $(TARGET) --compiler $(COMPILER) --lambda-dir target/lambda $(FUNCTIONS:%=--package %)

settings: .tools/sam/ready ## Check hug.toml and upload it
	@$(AWS) settings

secret: .tools/sam/ready ## Upload a secret, NAME=X_API_KEY; its value is asked for, or read from standard input
	@$(AWS) secret "$(NAME)"

try-arm64: ## Let the arm64 binary answer an event on a machine of another kind, with qemu
	@$(MAKE) --no-print-directory build ARCHITECTURE=arm64
	$(CARGO) run --quiet --package hug --bin hug -- sandbox -- python3 infra/try_arm64.py target/lambda/check-followers/bootstrap

deploy: .tools/sam/ready .tools/lambda/ready ## Build all, and put it on AWS
	@$(AWS) check-deploy
	@$(MAKE) --no-print-directory build
	$(SAM) deploy --template-file $(TEMPLATE) --config-file $(CURDIR)/infra/samconfig.toml --stack-name $(STACK) --parameter-overrides Architecture=$(ARCHITECTURE) $(if $(RATE),'CheckRate="$(RATE)"') $(if $(MAIL),Mail=$(MAIL)) $(if $(LOG_DAYS),LogDays=$(LOG_DAYS))

deploy-code: .tools/sam/ready .tools/lambda/ready ## Put only new code on AWS
	@$(AWS) check-stack "put new code into both functions"
	@$(MAKE) --no-print-directory build
	@for name in $(FUNCTIONS); do $(CARGO_LAMBDA) deploy --lambda-dir target/lambda --binary-name $$name $(STACK)-$$name || exit 1; done

invoke-remote: .tools/sam/ready ## Check once, now, by hand; or EVENT=events/check-followers/dry-run.json
	@$(AWS) invoke $(EVENT)

logs: .tools/sam/ready ## Follow the logs of both functions
	@$(AWS) check-stack "show the logs"
	$(SAM) logs --stack-name $(STACK) --tail

doctor: .tools/sam/ready ## Look whether all is right on AWS, and say what to do; changes nothing
	@$(AWS) doctor

redrive: .tools/sam/ready ## Put hugs that failed for good back to work; or only ACCOUNT=x:amber MILESTONE=600
	@$(AWS) redrive "$(ACCOUNT)" "$(MILESTONE)"

destroy: .tools/sam/ready ## Remove the stack; the ledger, settings and secrets are kept
	@$(AWS) destroy

validate: .tools/lint/ready .tools/checkov/ready ## Check the template, and that the checks catch what is broken on purpose
	.tools/lint/bin/python infra/validate.py

e2e: .tools/sam/ready .tools/lambda/ready .tools/ministack/ready ## Deploy to an AWS emulator on this machine, and prove that it works there
	.tools/sam/bin/python infra/e2e.py
