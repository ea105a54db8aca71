"""The account, the region and the stack that a command is about."""

import difflib
import re
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

FUNCTIONS = ["check-followers", "invite-follower"]

# The outputs of a stack with a songbook (BUCKET is the bucket's name in the template, too), and the page's name there.
ADDRESS, BUCKET, PAGE = "Songbook", "SongbookBucket", "index.html"
# The output of a stack that allows accounts in its ledger.
KEY = "LoginsKey"


class Stop(Exception):
    """Why nothing more was done, and what to do."""


def error_code(error: ClientError) -> str:
    code: str = error.response.get("Error", {}).get("Code", "")
    return code


class Aws:
    """AWS, as one stack sees it."""

    def __init__(self, stack: str, settings: Path, roster: str) -> None:
        self.settings, self.roster = settings, roster
        if roster not in ("", "0", "1"):
            raise Stop(f"ROSTER={roster} is not known; write 1 to allow accounts in the ledger, or 0")
        if not re.fullmatch(r"[a-z][a-z0-9-]{2,40}", stack):
            raise Stop(f"STACK={stack} is not a name for a stack; use 3 to 41 characters of a-z, 0-9 and -")
        self.stack = stack
        self.prefix = f"/{stack}"
        try:
            self.session = boto3.Session()
        except BotoCoreError as error:
            raise Stop(f"AWS cannot be asked: {error}; set AWS_PROFILE to a profile of ~/.aws/config") from error
        self.region: str = self.session.region_name or ""
        if not self.region:
            raise Stop("no region is set; choose one: export AWS_REGION=eu-central-1")
        known = {
            region
            for partition in self.session.get_available_partitions()
            for region in self.session.get_available_regions("lambda", partition)
        }
        if self.region not in known:
            near = difflib.get_close_matches(self.region, sorted(known), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise Stop(f"{self.region} is not a region of AWS{hint} (set AWS_REGION)")

    def client(self, service: str) -> Any:
        return self.session.client(service, config=Config(retries={"mode": "standard", "max_attempts": 4}))

    def environment(self) -> dict[str, str]:
        """The region and the credentials of this session, as environment variables of another program."""
        found = {"AWS_REGION": self.region}
        credentials = self.session.get_credentials()
        if credentials:
            frozen = credentials.get_frozen_credentials()
            found |= {"AWS_ACCESS_KEY_ID": frozen.access_key, "AWS_SECRET_ACCESS_KEY": frozen.secret_key}
            if frozen.token:
                found["AWS_SESSION_TOKEN"] = frozen.token
        return found

    def announce(self, action: str) -> None:
        """Says what is about to be done, where, and as whom."""
        try:
            me = self.client("sts").get_caller_identity()
        except NoCredentialsError as error:
            raise Stop(
                "there are no credentials for AWS; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or run `aws configure` or `aws sso login`"
            ) from error
        except ClientError as error:
            raise Stop(f"AWS does not accept these credentials ({error_code(error)}); renew them") from error
        except BotoCoreError as error:
            raise Stop(f"AWS cannot be reached in {self.region}: {error}; check the network and AWS_REGION") from error
        where = f"stack {self.stack}, account {me['Account']}, region {self.region}, as {me['Arn']}"
        print(f"About to {action}: {where}.", flush=True)

    def outputs(self) -> dict[str, str] | None:
        """The stack's outputs by name; None where there is no such stack."""
        try:
            stack = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        except ClientError as error:
            if error_code(error) == "ValidationError":
                return None
            raise
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def has_roster(self) -> bool:
        """Whether accounts can have their settings in the ledger, so that hug.toml does not have to name one."""
        if self.roster:
            return self.roster == "1"
        try:
            return KEY in (self.outputs() or {})
        except (BotoCoreError, ClientError):
            # The next command to AWS says why.
            return False

    def stack_parameters(self) -> dict[str, str]:
        """The values that the stack was deployed with, by their names in the template."""
        stack = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        return {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}

    def need_stack(self) -> dict[str, str]:
        outputs = self.outputs()
        if outputs is None:
            raise Stop(
                f"there is no stack {self.stack} in {self.region}; if it is in another region, set AWS_REGION, "
                "if it has another name, STACK, and if there is none yet, run `make deploy`"
            )
        if "CheckFollowersFunction" not in outputs:
            raise Stop(
                f"the stack {self.stack} in {self.region} is not this project's, or its deploy failed; see its events"
            )
        return outputs

    def parameters(self) -> tuple[str | None, list[str]]:
        """The text of the settings or None, and the names of the secrets; no secret's value is read."""
        pages = self.client("ssm").get_paginator("get_parameters_by_path")
        settings, secrets = None, []
        for page in pages.paginate(Path=self.prefix, Recursive=True, WithDecryption=False):
            for parameter in page["Parameters"]:
                if parameter["Name"] == f"{self.prefix}/settings":
                    settings = parameter["Value"]
                elif parameter["Name"].startswith(f"{self.prefix}/secrets/"):
                    secrets.append(parameter["Name"].rsplit("/", 1)[1])
        return settings, sorted(secrets)

    def restart_functions(self) -> None:
        """Makes the functions read settings and secrets again, which they do when they start. Lambda starts a
        function again when its configuration changes. One second more or less of timeout is the smallest such
        change; the next deploy may take it back."""
        functions = self.client("lambda")
        for function in FUNCTIONS:
            name = f"{self.stack}-{function}"
            try:
                seconds = functions.get_function_configuration(FunctionName=name)["Timeout"]
            except ClientError as error:
                if error_code(error) == "ResourceNotFoundException":
                    continue  # not deployed yet
                raise
            functions.update_function_configuration(FunctionName=name, Timeout=seconds ^ 1)
            functions.get_waiter("function_updated_v2").wait(FunctionName=name)
            print(f"{name} restarts with them.")
