"""What `make` does on AWS besides building and `sam deploy`.

Every command first says what it is about to do, in which account and region, and stops with a plain
word before anything is changed: without credentials, in a region that is none, with settings that
are not right or a secret that is missing.
"""

import argparse
import difflib
import getpass
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ["check-followers", "invite-follower"]

# Parameter Store's limits, in bytes: a standard parameter is free, an advanced one is not.
STANDARD = 4096
ADVANCED = 8192


class Stop(Exception):
    """Why nothing more was done, and what to do."""


def error_code(error):
    return error.response.get("Error", {}).get("Code", "")


class Aws:
    """The account, the region and the stack that a command is about."""

    def __init__(self, stack, settings):
        self.settings = settings
        if not re.fullmatch(r"[a-z][a-z0-9-]{2,40}", stack):
            raise Stop(f"STACK={stack} is no name for a stack; use a-z, 0-9 and -, 3 to 41 of them")
        self.stack = stack
        self.prefix = f"/{stack}"
        try:
            self.session = boto3.Session()
        except BotoCoreError as error:
            raise Stop(f"AWS cannot be asked: {error}; set AWS_PROFILE to a profile of ~/.aws/config") from error
        self.region = self.session.region_name
        if not self.region:
            raise Stop("no region is chosen; say where: export AWS_REGION=eu-central-1")
        known = {
            region
            for partition in self.session.get_available_partitions()
            for region in self.session.get_available_regions("lambda", partition)
        }
        if self.region not in known:
            near = difflib.get_close_matches(self.region, sorted(known), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise Stop(f"{self.region} is no region of AWS{hint} (set AWS_REGION)")

    def client(self, service):
        return self.session.client(service, config=Config(retries={"mode": "standard", "max_attempts": 4}))

    def announce(self, what):
        """Says what is about to be done, where, and as whom."""
        try:
            me = self.client("sts").get_caller_identity()
        except NoCredentialsError as error:
            raise Stop(
                "there are no credentials for AWS; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or run `aws configure` or `aws sso login`"
            ) from error
        except ClientError as error:
            raise Stop(f"AWS does not take these credentials ({error_code(error)}); renew them") from error
        except BotoCoreError as error:
            raise Stop(f"AWS cannot be reached in {self.region}: {error}; check the network and AWS_REGION") from error
        print(f"About to {what}: stack {self.stack}, account {me['Account']}, region {self.region}, as {me['Arn']}.", flush=True)

    def outputs(self):
        """The stack's outputs by name; None where there is no such stack."""
        try:
            stack = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        except ClientError as error:
            if error_code(error) == "ValidationError":
                return None
            raise
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def need_stack(self):
        outputs = self.outputs()
        if outputs is None:
            raise Stop(
                f"there is no stack {self.stack} in {self.region}; if it is in another region, set AWS_REGION, "
                "if it has another name, STACK, and if there is none yet, run `make deploy`"
            )
        if "CheckFollowersFunction" not in outputs:
            raise Stop(f"the stack {self.stack} in {self.region} is not this project's, or its deploy failed; see its events")
        return outputs

    def parameters(self):
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

    def start_anew(self):
        """Makes the functions read settings and secrets again, which they do at start. Lambda starts a
        function anew when what its environment is made of changes; a second more or less of its longest
        time is the least that does, and the next deploy may take it back."""
        functions = self.client("lambda")
        for name in FUNCTIONS:
            name = f"{self.stack}-{name}"
            try:
                seconds = functions.get_function_configuration(FunctionName=name)["Timeout"]
            except ClientError as error:
                if error_code(error) == "ResourceNotFoundException":
                    continue  # not deployed yet
                raise
            functions.update_function_configuration(FunctionName=name, Timeout=seconds ^ 1)
            functions.get_waiter("function_updated_v2").wait(FunctionName=name)
            print(f"{name} starts anew with them.")


def check_settings(path, secrets=None):
    """Lets the functions' own parser check the settings; answers which secrets they need."""
    hug = os.environ.get("HUG", "cargo run --quiet --package local --bin hug --").split()
    command = [*hug, "settings", "--settings", str(path)]
    if secrets is not None:
        # A name that no secret has keeps an empty list from meaning "all".
        command += ["--secrets", ",".join(secrets) or "-"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise Stop(done.stderr.strip().removeprefix("hug: "))
    return done.stdout.split()


def upload_settings(aws, _):
    needs = check_settings(aws.settings)
    text = aws.settings.read_text()
    size = len(text.encode())
    if size > ADVANCED:
        raise Stop(
            f"hug.toml has {size} bytes, and a parameter of AWS holds {ADVANCED}; leave out comments, "
            "or divide the accounts among two stacks (make deploy STACK=…)"
        )
    aws.announce(f"upload hug.toml as the parameter {aws.prefix}/settings")
    tier = "Standard"
    if size > STANDARD:
        tier = "Advanced"
        print(f"It has {size} bytes: over {STANDARD} a parameter is an advanced one, which costs $0.05 a month and cannot be made a standard one again.")
    aws.client("ssm").put_parameter(Name=f"{aws.prefix}/settings", Value=text, Type="String", Tier=tier, Overwrite=True)
    print("Uploaded.")
    aws.start_anew()
    tell_missing(aws, needs)


def tell_missing(aws, needs):
    _, there = aws.parameters()
    for name in needs:
        if name not in there:
            print(f"Still missing: make secret NAME={name}")


def upload_secret(aws, arguments):
    name = arguments.name
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
        raise Stop("say which: make secret NAME=X_API_KEY (`hug settings` lists what hug.toml needs)")
    aws.announce(f"upload the secret {name} as the encrypted parameter {aws.prefix}/secrets/{name}")
    if sys.stdin.isatty():
        value = getpass.getpass(f"{name} (not shown): ")
    else:
        value = sys.stdin.readline()
    value = value.strip()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise Stop(f"that is no secret: {name} must be one word of plain characters; copy it again. Nothing was changed")
    aws.client("ssm").put_parameter(Name=f"{aws.prefix}/secrets/{name}", Value=value, Type="SecureString", Overwrite=True)
    print("Uploaded.")
    aws.start_anew()
    if aws.settings.exists():
        needs = check_settings(aws.settings)
        tell_missing(aws, needs)
        if name not in needs:
            print(f"hug.toml does not ask for {name}; it asks for {', '.join(needs) or 'none'}.")


def check_deploy(aws, _):
    if aws.settings.exists():
        check_settings(aws.settings)
    aws.announce("build and deploy")
    uploaded, secrets = aws.parameters()
    if uploaded is None and not secrets:
        raise Stop(
            f"nothing lies under {aws.prefix} in {aws.region} yet: run `make settings`, then `make secret NAME=…` "
            "for each that it names; or, if it lies in another region, set AWS_REGION. Nothing was changed"
        )
    if uploaded is None:
        raise Stop(f"there are no settings in {aws.region}: run `make settings`. Nothing was changed")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "hug.toml"
        copy.write_text(uploaded)
        try:
            check_settings(copy, secrets)
        except Stop as stop:
            told = str(stop).replace(str(copy), f"the parameter {aws.prefix}/settings in {aws.region}")
            raise Stop(f"{told}\n  set a missing secret with `make secret NAME=…`. Nothing was changed") from stop
    if aws.settings.exists() and aws.settings.read_text() != uploaded:
        raise Stop("hug.toml here is not what lies on AWS: run `make settings` to upload it. Nothing was changed")


def check_stack(aws, arguments):
    aws.announce(arguments.what)
    aws.need_stack()


def invoke(aws, arguments):
    event = Path(arguments.event).read_bytes()
    aws.announce(f"run check-followers with {arguments.event}")
    print(json.dumps(run_check(aws, event), indent=2, ensure_ascii=False))


def run_check(aws, event):
    function = aws.need_stack()["CheckFollowersFunction"]
    # A check may take as long as the function may; asking twice would check twice.
    patient = Config(read_timeout=150, retries={"total_max_attempts": 1})
    answer = aws.session.client("lambda", config=patient).invoke(FunctionName=function, Payload=event)
    payload = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer:
        why = payload.get("errorMessage", payload) if isinstance(payload, dict) else payload
        raise Stop(f"check-followers failed: {why}; its log says more: make logs")
    return payload


def redrive(aws, _):
    # The queue holds places in the stream, not records, and the stream forgets after a day: what is
    # owed stands in the ledger, and check-followers puts it back to work by the same rules as ever.
    aws.announce("put every undelivered hug back to work, and empty the queue of what the stream gave up on")
    queue = aws.need_stack()["NotInvitedQueue"]
    summary = run_check(aws, b'{"redrive": true}')
    moved = 0
    for account in summary["accounts"]:
        for hug in account.get("rearmed", []):
            moved += 1
            print(f"{account['account']}: the hug for {hug['milestone']} is {hug['status']} again.")
        if "error" in account:
            print(f"{account['account']}: {account['error']}")
    print(f"{moved} put back to work.")
    if summary["failed"]:
        raise Stop("not every account could be looked at, so the queue is left as it is; run it again")
    messages = aws.client("sqs")
    dropped = 0
    while True:
        received = messages.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        if not received:
            break
        for message in received:
            place = json.loads(message["Body"]).get("DDBStreamBatchInfo", {})
            print(f"From the queue: {place.get('batchSize', '?')} given up at {place.get('approximateArrivalOfFirstRecord', '?')}.")
            messages.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            dropped += 1
    print(f"{dropped} messages taken from the queue.")


def destroy(aws, _):
    aws.announce("delete the stack")
    table = aws.need_stack()["LedgerTable"]
    _, secrets = aws.parameters()
    print(f"Kept: the table {table} with every promise, the parameter {aws.prefix}/settings and {len(secrets)} secrets under {aws.prefix}/secrets.")
    print("Gone: both functions, the schedule, the queues, the alarms, the dashboard and the logs.")
    print(f"Type {aws.stack} to delete it: ", end="", flush=True)
    if sys.stdin.readline().strip() != aws.stack:
        raise Stop("nothing was changed")
    cloudformation = aws.client("cloudformation")
    cloudformation.delete_stack(StackName=aws.stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=aws.stack, WaiterConfig={"Delay": 2, "MaxAttempts": 300})
    print("Deleted. To remove what was kept as well:")
    print(f"  aws dynamodb delete-table --table-name {table}")
    for name in ["settings", *(f"secrets/{name}" for name in secrets)]:
        print(f"  aws ssm delete-parameter --name {aws.prefix}/{name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stack", required=True)
    parser.add_argument("--settings", required=True, type=Path)
    commands = parser.add_subparsers(required=True)
    for name, run, arguments in [
        ("settings", upload_settings, []),
        ("secret", upload_secret, ["name"]),
        ("check-deploy", check_deploy, []),
        ("check-stack", check_stack, ["what"]),
        ("invoke", invoke, ["event"]),
        ("redrive", redrive, []),
        ("destroy", destroy, []),
    ]:
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        for argument in arguments:
            command.add_argument(argument)
    arguments = parser.parse_args()
    try:
        arguments.run(Aws(arguments.stack, arguments.settings.resolve()), arguments)
    except Stop as stop:
        sys.exit(f"Stopped: {stop}.".replace("..", "."))
    except ClientError as error:
        sys.exit(f"Stopped: AWS refused {error.operation_name}: {error.response['Error'].get('Message') or error_code(error)} ({error_code(error)}).")
    except BotoCoreError as error:
        sys.exit(f"Stopped: AWS could not be asked: {error}")


if __name__ == "__main__":
    main()
