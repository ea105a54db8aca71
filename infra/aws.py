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
from datetime import datetime, timedelta, timezone
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ["check-followers", "invite-follower"]

# A check comes every hour at the least (CheckRate in infra/template.yaml).
LONGEST_BETWEEN_CHECKS = timedelta(hours=2)

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
    hug = os.environ.get("HUG", "cargo run --quiet --package hug --bin hug --").split()
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


def tell_redriven(summary):
    moved = 0
    for account in summary["accounts"]:
        for hug in account.get("rearmed", []):
            moved += 1
            print(f"{account['account']}: the hug for {hug['milestone']} is {hug['status']} again.")
        if "error" in account:
            print(f"{account['account']}: {account['error']}")
    print(f"{moved} put back to work.")
    if summary["failed"]:
        raise Stop("not every account could be looked at; any queue is left as it is, so run it again when that is mended")


def redrive(aws, arguments):
    asked = {"redrive": True}
    if arguments.account:
        asked["account"] = arguments.account
    if arguments.milestone:
        if not arguments.milestone.isdecimal():
            raise Stop(f"MILESTONE={arguments.milestone} is no number of followers; write 600")
        asked["milestone"] = int(arguments.milestone)
    only = " of ".join(filter(None, [arguments.milestone, arguments.account]))
    if only:
        aws.announce(f"put back to work what is undelivered: only {only}")
        return tell_redriven(run_check(aws, json.dumps(asked).encode()))
    # The queue holds places in the stream, not records, and the stream forgets after a day: what is
    # owed stands in the ledger, and check-followers puts it back to work by the same rules as ever.
    aws.announce("put every undelivered hug back to work, and empty the queue of what the stream gave up on")
    queue = aws.need_stack()["NotInvitedQueue"]
    tell_redriven(run_check(aws, json.dumps(asked).encode()))
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


class Doctor:
    """Looks at everything and changes nothing: a line for each finding, and what to do about it."""

    def __init__(self, aws):
        self.aws = aws
        self.wrongs = 0

    def tell(self, verdict, subject, found, help=None):
        self.wrongs += verdict == "wrong"
        print(f"{verdict:<7} {subject}: {found}" + (f" → {help}" if help else ""))

    def found(self, good, subject, yes, no, help):
        self.tell(*(("ok", subject, yes) if good else ("wrong", subject, no, help)))

    def asked(self, subject, look, *arguments):
        """A look that AWS may refuse: what cannot be asked is not known to be wrong."""
        try:
            return look(*arguments)
        except ClientError as error:
            self.tell("unsure", subject, f"AWS refused {error.operation_name} ({error_code(error)})", "ask for the right to it, or look in the console")
        except BotoCoreError as error:
            self.tell("unsure", subject, f"AWS could not be asked: {error}", "look again")
        return None

    def look(self):
        self.asked("settings", self.settings)
        outputs = self.asked("stack", self.stack)
        if outputs:
            self.asked("table", self.table, outputs["LedgerTable"])
            for name in FUNCTIONS:
                self.asked(name, self.function, name)
            self.asked("schedule", self.schedule)
            self.asked("stream", self.stream, outputs["InviteFollowerFunction"])
            self.asked("queue NotInvited", self.queue, outputs["NotInvitedQueue"], "NotInvited", "`make logs` says why; remove the cause, then `make redrive`")
            self.asked("queue ChecksNotStarted", self.queue, outputs["ChecksNotStartedQueue"], "ChecksNotStarted", "its messages say why the schedule could not start a check; it empties itself after 14 days")
            self.asked("alarms", self.alarms)
            self.asked("ledger", self.ledger, outputs["LedgerTable"])

    def settings(self):
        uploaded, secrets = self.aws.parameters()
        if uploaded is None:
            return self.tell("wrong", "settings", f"there is no parameter {self.aws.prefix}/settings", "make settings")
        needs = []
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "hug.toml"
            copy.write_text(uploaded)
            try:
                needs = check_settings(copy)
                self.tell("ok", "settings", "they are uploaded, and right")
                # With the secrets that there are, the parser says what of them is too little.
                check_settings(copy, secrets)
            except Stop as stop:
                for mistake in str(stop).splitlines()[1:]:
                    self.tell("wrong", "settings", mistake.strip(), "mend hug.toml, then `make settings`; a secret with `make secret NAME=…`")
        for name in needs:
            self.found(name in secrets, name, "it is uploaded", "it is not uploaded", f"make secret NAME={name}")
        if self.aws.settings.exists() and self.aws.settings.read_text() != uploaded:
            self.tell("unsure", "settings", "hug.toml here is not what lies on AWS", "`make settings` uploads it")

    def stack(self):
        outputs = self.aws.outputs()
        if outputs is None:
            return self.tell("wrong", "stack", f"there is none called {self.aws.stack} in {self.aws.region}", "make deploy, or set AWS_REGION or STACK")
        status = self.aws.client("cloudformation").describe_stacks(StackName=self.aws.stack)["Stacks"][0]["StackStatus"]
        if status.endswith("IN_PROGRESS"):
            self.tell("unsure", "stack", f"it is {status}", "look again when that is over")
        else:
            self.found(status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), "stack", f"it is {status}", f"it is {status}: the last deploy failed", "its events say why; then `make deploy`")
        if "CheckFollowersFunction" not in outputs:
            return self.tell("wrong", "stack", "it has not this project's outputs", "make deploy, or set STACK")
        return outputs

    def table(self, name):
        dynamodb = self.aws.client("dynamodb")
        table = dynamodb.describe_table(TableName=name)["Table"]
        self.found(table["TableStatus"] == "ACTIVE", "table", "it is active", f"it is {table['TableStatus']}", "look again; if it stays so, see the console")
        stream = table.get("StreamSpecification", {})
        self.found(
            stream.get("StreamEnabled") and stream.get("StreamViewType") == "NEW_IMAGE", "table's stream", "it is on",
            "it is off, or without the new image, so no hug is ever sent", "make deploy",
        )
        expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        self.found(
            expiry.get("TimeToLiveStatus") in ("ENABLED", "ENABLING") and expiry.get("AttributeName") == "expires_at", "table's expiry",
            "it is on", "it is off, so hourly counts are kept for ever", "make deploy",
        )
        backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
        self.found(recovery == "ENABLED", "table's recovery", "it is on", "it is off, so a lost promise stays lost", "make deploy")

    def function(self, name):
        function = self.aws.client("lambda").get_function_configuration(FunctionName=f"{self.aws.stack}-{name}")
        state, update = function.get("State", "Active"), function.get("LastUpdateStatus", "Successful")
        good = state in ("Active", "Inactive") and update != "Failed"
        self.found(good, name, f"it is {state}, its last update {update}", f"it is {state}, its last update {update}: {function.get('StateReason', 'no reason given')}", "make deploy")

    def schedule(self):
        schedule = self.aws.client("scheduler").get_schedule(Name=f"{self.aws.stack}-check-followers")
        self.found(schedule["State"] == "ENABLED", "schedule", f"it is on, at {schedule['ScheduleExpression']}", "it is off, so nobody looks", "switch it on in the console; `make deploy` leaves what it does not change")

    def stream(self, function):
        mappings = self.aws.client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
        if not mappings:
            return self.tell("wrong", "stream", "nothing carries it to invite-follower", "make deploy")
        for mapping in mappings:
            state, result = mapping["State"], mapping.get("LastProcessingResult") or "nothing yet"
            self.found(state in ("Enabled", "Enabling", "Updating"), "stream to invite-follower", f"it is {state}", f"it is {state}, so no hug is sent", "switch its trigger on in the console")
            good = "PROBLEM" not in result and "error" not in result.lower()
            self.found(good, "stream's last result", result, result, "`make logs` says why; what it gives up on comes back with `make redrive`")

    def queue(self, url, name, help):
        attributes = self.aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
        waiting = int(attributes["ApproximateNumberOfMessages"])
        self.found(waiting == 0, f"queue {name}", "it is empty", f"{waiting} messages lie in it", help)

    def alarms(self):
        resources = self.aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.aws.stack)
        ours = [r for page in resources for r in page["StackResourceSummaries"] if r["ResourceType"] == "AWS::CloudWatch::Alarm"]
        called = {resource["PhysicalResourceId"]: resource["LogicalResourceId"] for resource in ours}
        pages = self.aws.client("cloudwatch").get_paginator("describe_alarms").paginate()
        alarms = [alarm for page in pages for alarm in page["MetricAlarms"] if alarm["AlarmName"] in called]
        self.found(len(alarms) == len(called) > 0, "alarms", f"all {len(called)} are there", f"{len(alarms)} of {len(called)} are there", "make deploy")
        for alarm in alarms:
            if alarm["StateValue"] == "ALARM":
                self.tell("wrong", f"alarm {called[alarm['AlarmName']]}", "it rings", alarm.get("AlarmDescription", "see the console"))

    def ledger(self, table):
        pages = self.aws.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        items = [item for page in pages for item in page["Items"]]
        accounts = [item for item in items if item["sk"]["S"] == "account"]
        if not accounts:
            self.tell("wrong", "checks", "none has got through yet", "wait for the first, or `make invoke-remote`; `make logs` says why one fails")
        for account in accounts:
            checked = datetime.fromisoformat(account["checked_at"]["S"])
            ago = datetime.now(timezone.utc) - checked
            minutes = f"the last check was {int(ago.total_seconds() // 60)} minutes ago"
            self.found(ago < LONGEST_BETWEEN_CHECKS, account["account"]["S"], minutes, minutes, "see the schedule, and `make logs`; or hug.toml names it no more")
        for item in items:
            if not item["sk"]["S"].startswith("milestone#"):
                continue
            name, status, reason = (item.get(key, {}).get("S") for key in ("account", "status", "reason"))
            subject = f"{name} {item['milestone']['N']}"
            if status == "undeliverable":
                self.tell("wrong", subject, f"it was given up: {reason}", f"remove the cause, then `make redrive ACCOUNT={name} MILESTONE={item['milestone']['N']}`")
            elif status in ("reached", "inviting") and (reason or int(item["rearmed"]["N"]) > 0):
                self.tell("unsure", subject, f"it is {status} since {item['reached_at']['S']}: {reason or 'no delivery reached it'}", "a check tries it again by itself; now: `make redrive`")


def doctor(aws, _):
    aws.announce("look whether all is right, and change nothing")
    doctor = Doctor(aws)
    doctor.look()
    if doctor.wrongs:
        sys.exit(1)


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
        ("redrive", redrive, ["account", "milestone"]),
        ("doctor", doctor, []),
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
