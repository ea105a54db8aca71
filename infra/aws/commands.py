"""The commands that act on AWS: settings and secrets, deploys, checks by hand, redrive, destroy."""

import getpass
import json
import os
import re
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from hug import as_file, check_settings, needed_secrets, on_ledger
from mail import find_mail
from session import ADDRESS, BUCKET, KEY, PAGE, Aws, Stop, error_code

# Parameter Store's limits, in bytes: a standard parameter is free, an advanced one is not.
MAX_STANDARD = 4096
MAX_ADVANCED = 8192

SECRET_NAME = r"[A-Z][A-Z0-9_]*"

# No deploy replaces or deletes the ledger, whatever its template says.
LEDGER_STAYS = {
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["Update:Replace", "Update:Delete"],
            "Resource": "LogicalResourceId/Ledger",
        },
    ]
}


def upload_settings(aws: Aws, _: Namespace) -> None:
    check_settings(aws, aws.settings)
    text = aws.settings.read_text()
    size = len(text.encode())
    if size > MAX_ADVANCED:
        raise Stop(
            f"hug.toml has {size} bytes, and a parameter of AWS holds {MAX_ADVANCED}; leave out comments, "
            "or divide the accounts among two stacks (make deploy STACK=…)"
        )
    aws.announce(f"upload hug.toml as the parameter {aws.prefix}/settings")
    tier = "Standard"
    if size > MAX_STANDARD:
        tier = "Advanced"
        print(
            f"It has {size} bytes. Over {MAX_STANDARD} it must be an advanced parameter, which costs $0.05 a month "
            "and cannot become a standard one again."
        )
    name = f"{aws.prefix}/settings"
    aws.client("ssm").put_parameter(Name=name, Value=text, Type="String", Tier=tier, Overwrite=True)
    print("Uploaded.")
    aws.restart_functions()
    print_missing(aws)


def print_missing(aws: Aws) -> list[str]:
    """Prints which secrets the settings here need and AWS does not have. Returns the names of all secrets they need."""
    _, uploaded = aws.parameters()
    needed = needed_secrets(aws, aws.settings, uploaded)
    for name in needed:
        if name not in uploaded:
            print(f"Still missing: make secret NAME={name}")
    return needed


def upload_secret(aws: Aws, arguments: Namespace) -> None:
    name = arguments.name
    if not re.fullmatch(SECRET_NAME, name):
        raise Stop("name the secret: make secret NAME=X_API_KEY (`hug settings` lists what hug.toml needs)")
    aws.announce(f"upload the secret {name} as the encrypted parameter {aws.prefix}/secrets/{name}")
    value = getpass.getpass(f"{name} (not shown): ") if sys.stdin.isatty() else sys.stdin.readline()
    put_secret(aws, name, checked_secret(name, value.strip()))
    print("Uploaded.")
    aws.restart_functions()
    if aws.settings.exists():
        check_settings(aws, aws.settings)
        needed = print_missing(aws)
        if name not in needed:
            print(f"hug.toml does not need {name}; it needs {', '.join(needed) or 'none'}.")


def checked_secret(name: str, value: str) -> str:
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise Stop(
            f"that is not a secret: {name} must be one word of plain characters; copy it again. Nothing was changed"
        )
    return value


def put_secret(aws: Aws, name: str, value: str) -> None:
    parameter = f"{aws.prefix}/secrets/{name}"
    aws.client("ssm").put_parameter(Name=parameter, Value=value, Type="SecureString", Overwrite=True)


def upload_secrets(aws: Aws, _: Namespace) -> None:
    """Uploads the secrets that hug.toml needs from the file beside it, and restarts the functions once."""
    check_settings(aws, aws.settings)
    file = aws.settings.with_suffix(".secrets")
    kept = kept_secrets(file)
    _settings, uploaded = aws.parameters()
    needed = needed_secrets(aws, aws.settings, sorted({*kept, *uploaded}))
    chosen = {name: checked_secret(name, kept[name]) for name in kept if name in needed}
    unneeded = sorted(kept.keys() - chosen.keys())
    if unneeded:
        print(f"Not uploaded, because hug.toml does not need it: {', '.join(unneeded)}.")
    if not chosen:
        raise Stop(
            f"{file.name} has no secret that hug.toml needs ({', '.join(needed) or 'none'}). Nothing was changed"
        )
    aws.announce(f"upload {', '.join(chosen)} as encrypted parameters under {aws.prefix}/secrets")
    for name, value in chosen.items():
        put_secret(aws, name, value)
    print(f"Uploaded: {len(chosen)}.")
    aws.restart_functions()
    print_missing(aws)


def kept_secrets(file: Path) -> dict[str, str]:
    """The secrets in the file that `hug connect` writes: NAME=value, a line each. `hug` reads it in the same way."""
    try:
        text = file.read_text()
    except FileNotFoundError as error:
        help = "`hug connect` makes it, or use `make secret NAME=…` for each secret"
        raise Stop(f"there is no {file.name} beside hug.toml; {help}. Nothing was changed") from error
    if os.name == "posix" and file.stat().st_mode & 0o077:
        raise Stop(f"others on this computer can read {file.name}: chmod 600 {file}. Nothing was changed")
    kept = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.strip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not re.fullmatch(SECRET_NAME, name.strip()):
            raise Stop(f"line {number} of {file.name} is not a secret; write NAME=value. Nothing was changed")
        kept[name.strip()] = value.strip()
    return kept


def check_deploy(aws: Aws, arguments: Namespace) -> None:
    if arguments.songbook not in ("", "0", "1"):
        raise Stop(f"SONGBOOK={arguments.songbook} is not known; write 1 to publish the songbook, or 0 to take it down")
    if aws.settings.exists():
        check_settings(aws, aws.settings)
    aws.announce("build and deploy")
    uploaded, secrets = aws.parameters()
    if uploaded is None and not secrets:
        raise Stop(
            f"there is nothing under {aws.prefix} in {aws.region} yet: run `make settings`, then `make secrets`; "
            "or, if they are in another region, set AWS_REGION. Nothing was changed"
        )
    if uploaded is None:
        raise Stop(f"there are no settings in {aws.region}: run `make settings`. Nothing was changed")
    with as_file(uploaded) as copy:
        try:
            check_settings(aws, copy, secrets)
        except Stop as stop:
            why = str(stop).replace(str(copy), f"the parameter {aws.prefix}/settings in {aws.region}")
            raise Stop(f"{why}\n  set a missing secret with `make secret NAME=…`. Nothing was changed") from stop
    if aws.settings.exists() and aws.settings.read_text() != uploaded:
        raise Stop(
            "hug.toml here differs from the settings on AWS: run `make settings` to upload it. Nothing was changed"
        )


def delete_bucket(aws: Aws, bucket: str) -> None:
    """Deletes the songbook's bucket with its page, once the stack is without it and nothing writes there."""
    s3 = aws.client("s3")
    try:
        s3.delete_object(Bucket=bucket, Key=PAGE)
        s3.delete_bucket(Bucket=bucket)
        print(f"Deleted: the songbook's page and its bucket {bucket}.")
    except ClientError as error:
        if error_code(error) != "NoSuchBucket":
            print(
                f"AWS refused {error.operation_name} ({error_code(error)}), so the songbook's bucket {bucket} is still "
                f"there. Nobody can read it, and the page in it expires: aws s3 rb s3://{bucket} --force"
            )


def delete_left_bucket(aws: Aws) -> None:
    """Deletes the bucket of a songbook that was taken down: the stack left it behind, as its events say."""
    events = aws.client("cloudformation").describe_stack_events(StackName=aws.stack)["StackEvents"]
    for event in events:
        if (event["LogicalResourceId"], event["ResourceStatus"]) == (BUCKET, "DELETE_SKIPPED"):
            delete_bucket(aws, event["PhysicalResourceId"])


def finish_deploy(aws: Aws, _: Namespace) -> None:
    """Protects the ledger, deletes the bucket of a songbook that was taken down, and prints where the songbook is and
    who gets mail. If AWS refuses one of these, the deploy itself has still worked, so this prints the refusal and does
    not fail."""
    outputs = aws.need_stack()
    topic = outputs["AlarmTopic"]
    if BUCKET not in outputs:
        delete_left_bucket(aws)
    try:
        policy = json.dumps(LEDGER_STAYS)
        aws.client("cloudformation").set_stack_policy(StackName=aws.stack, StackPolicyBody=policy)
    except ClientError as error:
        print(
            f"AWS refused SetStackPolicy ({error_code(error)}), so a later deploy could replace the ledger; ask for "
            "the right cloudformation:SetStackPolicy"
        )
    try:
        _verdict, found, remedy = find_mail(aws, topic)
    except ClientError as error:
        found, remedy = f"it is not known who gets it, because AWS refused {error.operation_name}", "make doctor"
    print(f"Deployed. Mail: {found}" + (f" → {remedy}" if remedy else ""))
    if ADDRESS in outputs:
        print(f"Songbook: {outputs[ADDRESS]} (a check writes the page; the first time: make invoke-remote)")
    if KEY in outputs:
        print(f"Accounts in the ledger: export HUG_LOGINS_KEY={outputs[KEY]}; then")
        print(f"  hug connect --table {outputs['LedgerTable']} NETWORK HANDLE")


def check_stack(aws: Aws, arguments: Namespace) -> None:
    aws.announce(arguments.action)
    aws.need_stack()


def invoke(aws: Aws, arguments: Namespace) -> None:
    event = Path(arguments.event).read_bytes()
    aws.announce(f"run check-followers with {arguments.event}")
    function = aws.need_stack()["CheckFollowersFunction"]
    # A check may take as long as the function may, and a second request would check a second time.
    patient = Config(read_timeout=150, retries={"total_max_attempts": 1})
    answer = aws.session.client("lambda", config=patient).invoke(FunctionName=function, Payload=event)
    summary: Any = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer:
        why = summary.get("errorMessage", summary) if isinstance(summary, dict) else summary
        raise Stop(f"check-followers failed: {why}; its log says more: make logs")
    print(json.dumps(summary, indent=2, ensure_ascii=False))


def status(aws: Aws, _: Namespace) -> None:
    aws.announce("show the accounts and the hugs")
    sys.exit(on_ledger(aws, "status"))


def redrive(aws: Aws, arguments: Namespace) -> None:
    account, milestone = arguments.account, arguments.milestone
    if milestone and not milestone.isdecimal():
        raise Stop(f"MILESTONE={milestone} is not a number of followers; write 600")
    chosen = [milestone] if milestone else []
    if account:
        chosen += ["--account", account]
    if chosen:
        aws.announce(f"put back to work what is undelivered: only {' of '.join(filter(None, [milestone, account]))}")
        if on_ledger(aws, "retry", *chosen) != 0:
            raise Stop("not everything that was asked for could be put back to work")
        return
    # The queue holds places in the stream, not records, and the stream forgets them after a day. What is owed is in
    # the ledger, so that is where it is put back to work; the messages can go.
    aws.announce("put every undelivered hug back to work, and empty the queue of what the stream gave up on")
    queue = aws.need_stack()["NotInvitedQueue"]
    if on_ledger(aws, "retry") != 0:
        raise Stop("not every hug could be put back to work; the queue is left as it is; remove the cause and repeat")
    empty(aws, queue)


def empty(aws: Aws, queue: str) -> None:
    messages = aws.client("sqs")
    deleted = 0
    while True:
        answer = messages.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        received = answer.get("Messages", [])
        if not received:
            break
        for message in received:
            batch = json.loads(message["Body"]).get("DDBStreamBatchInfo", {})
            size, arrived = batch.get("batchSize", "?"), batch.get("approximateArrivalOfFirstRecord", "?")
            print(f"From the queue: a batch of {size}, from {arrived}.")
            messages.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            deleted += 1
    print(f"{deleted} messages deleted from the queue.")


def destroy(aws: Aws, _: Namespace) -> None:
    aws.announce("delete the stack")
    outputs = aws.need_stack()
    table, bucket = outputs["LedgerTable"], outputs.get(BUCKET)
    _settings, secrets = aws.parameters()
    print(
        f"Kept: the table {table} with every promise, the parameter {aws.prefix}/settings and {len(secrets)} secrets "
        f"under {aws.prefix}/secrets."
    )
    page = f", and the songbook at {outputs[ADDRESS]}" if bucket else ""
    print(f"Deleted: both functions, the schedule, the queues, the alarms, the dashboard and the logs{page}.")
    print(f"Type {aws.stack} to delete it: ", end="", flush=True)
    if sys.stdin.readline().strip() != aws.stack:
        raise Stop("nothing was changed")
    cloudformation = aws.client("cloudformation")
    cloudformation.delete_stack(StackName=aws.stack)
    # CloudFront takes its time to forget a distribution.
    patience = {"Delay": 2, "MaxAttempts": 900}
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=aws.stack, WaiterConfig=patience)
    if bucket:
        delete_bucket(aws, bucket)
    print("Deleted. To remove what was kept as well:")
    print(f"  aws dynamodb update-table --table-name {table} --no-deletion-protection-enabled")
    print(f"  aws dynamodb delete-table --table-name {table}")
    for name in ["settings", *(f"secrets/{name}" for name in secrets)]:
        print(f"  aws ssm delete-parameter --name {aws.prefix}/{name}")
