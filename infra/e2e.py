"""Deploys to an AWS emulator on this machine with `make deploy` itself, and proves that it works there.

The emulator is ministack: it runs the real binaries, fires the schedule, feeds the stream through its
filter, and refuses what a function's own role does not allow. What it does not prove is written in
infra/README.md. Everything listens on loopback, and all that was started is ended, also on failure.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".tools" / "e2e-logs"
STACK = "hug-e2e"
REGION = "us-east-1"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]
NETWORKS = ("x", "bluesky", "mastodon")
CHECK, INVITE = f"{STACK}-check-followers", f"{STACK}-invite-follower"

began = time.monotonic()
passed = []


class Failed(Exception):
    pass


def proves(sentence):
    passed.append(sentence)
    print(f"  {time.monotonic() - began:5.0f} s  ok  {sentence}", flush=True)


def check(true, what, *facts):
    if not true:
        raise Failed(f"{what}: " + "; ".join(str(fact) for fact in facts))


def wait(condition, what, seconds=60):
    """Asks until it is so: nothing here takes a fixed time."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failed(f"{what} did not happen within {seconds} s")
        time.sleep(0.2)


@contextlib.contextmanager
def running(command, log, environment):
    """A server in a group of its own, so that what it starts ends with it."""
    with open(LOGS / log, "wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if log == "networks.log" else out, stderr=out, start_new_session=True,
        )
        try:
            yield process
        finally:
            for end in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, end)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(5)


class Make:
    """`make`, as a person runs it: what it said and whether it worked."""

    def __init__(self, environment):
        self.environment = environment
        self.count = 0

    def __call__(self, *arguments, said="", fails=False, **changes):
        environment = {**self.environment, **changes}
        environment = {name: value for name, value in environment.items() if value is not None}
        done = subprocess.run(
            ["make", "--no-print-directory", f"STACK={STACK}", f"ARCHITECTURE={ARCHITECTURE}", "COMPILER=cargo", *arguments],
            cwd=ROOT, env=environment, input=said, capture_output=True, text=True,
        )
        self.count += 1
        told = done.stdout + done.stderr
        (LOGS / f"make-{self.count:02}-{arguments[0]}.log").write_text(told)
        if (done.returncode != 0) != fails:
            raise Failed(f"make {' '.join(arguments)} {'worked' if fails else 'failed'}:\n{told[-3000:]}")
        return told


class World:
    """The emulator's side and the network's side, to look at and to push."""

    def __init__(self, endpoint, networks):
        self.networks = networks

        def client(service):
            return boto3.client(service, endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 2}, read_timeout=150))

        self.dynamodb, self.ssm, self.iam = client("dynamodb"), client("ssm"), client("iam")
        self.functions, self.logs, self.queues = client("lambda"), client("logs"), client("sqs")
        self.cloudformation, self.scheduler, self.alarms = client("cloudformation"), client("scheduler"), client("cloudwatch")

    def stack(self):
        return self.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]

    def output(self, name):
        return next(output["OutputValue"] for output in self.stack()["Outputs"] if output["OutputKey"] == name)

    def items(self):
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.output("LedgerTable"), ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def accounts(self):
        return [item for item in self.items() if item["sk"]["S"] == "account"]

    def hug(self, number, network="x"):
        for item in self.items():
            if item["sk"]["S"] == f"milestone#{number:010}" and item["pk"]["S"].startswith(f"{network}#"):
                return item
        return None

    def status(self, number, network="x"):
        hug = self.hug(number, network)
        return hug and hug["status"]["S"]

    def invoke(self, **event):
        answer = self.functions.invoke(FunctionName=CHECK, Payload=json.dumps(event))
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    def log(self, function):
        """Every line of a function's log."""
        group, lines = f"/aws/lambda/{function}", []
        for page in self.logs.get_paginator("filter_log_events").paginate(logGroupName=group):
            lines += [event["message"] for event in page["events"]]
        return lines

    def count(self, function, text):
        return sum(text in line for line in self.log(function))

    def stand_in(self, method, path, network="x", **query):
        address = f"{self.networks[network]}/stand-in/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(urllib.request.Request(address, method=method), timeout=10) as answer:
            return json.loads(answer.read())

    def posts(self, network="x"):
        """What the account sent: posts, and on Mastodon private mentions."""
        sent = self.stand_in("GET", "sent", network)
        return sent["posts"] + sent["messages"]

    def follow_to(self, number, network="x"):
        now = self.stand_in("POST", "follow", network, n=0)["followers"]
        self.stand_in("POST", "follow", network, n=number - now)

    def restart(self, function):
        """Lets Lambda start a function anew, so that it reads its parameters with the role as it is."""
        seconds = self.functions.get_function_configuration(FunctionName=function)["Timeout"]
        self.functions.update_function_configuration(FunctionName=function, Timeout=seconds ^ 1)
        self.functions.get_waiter("function_updated_v2").wait(FunctionName=function)

    def role(self, function):
        return self.functions.get_function_configuration(FunctionName=function)["Role"].rsplit("/", 1)[1]

    def bridge_the_gap(self):
        """The emulator asks for ssm:GetParametersByPath on every resource, where AWS asks for it on the
        path alone, as the template gives it. So each role gets it once more, beside the template."""
        statement = {"Effect": "Allow", "Action": ["ssm:GetParametersByPath"], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        for function in (CHECK, INVITE):
            self.iam.put_role_policy(RoleName=self.role(function), PolicyName="gap", PolicyDocument=document)

    @contextlib.contextmanager
    def without(self, function, action):
        """The function's role without one right."""
        role, full, removed = self.role(function), {}, 0
        for name in self.iam.list_role_policies(RoleName=role)["PolicyNames"]:
            full[name] = self.iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            less = json.loads(json.dumps(full[name]))
            for statement in less["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                removed += action in actions
                # A statement with no action is none; one for a call that nobody makes stands in.
                statement["Action"] = [other for other in actions if other != action] or ["sts:GetCallerIdentity"]
            self.iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(less))
        check(removed >= 1, f"{action} stands in the role of {function}", removed)
        try:
            yield
        finally:
            for name, document in full.items():
                self.iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def refusals(make, world, settings, secrets):
    """What stops a deploy, before anything is changed."""

    def untouched():
        return (
            [stack["StackName"] for stack in world.cloudformation.describe_stacks()["Stacks"]],
            sorted(p["Name"] for p in world.ssm.describe_parameters()["Parameters"]),
        )

    def refused(because, *arguments, **changes):
        before = untouched()
        told = make("deploy", *arguments, fails=True, **changes)
        check(re.search(because, told), f"a deploy says {because!r}", told)
        check(untouched() == before, "a refused deploy changes nothing", untouched())

    refused("no credentials for AWS", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, HOME=str(LOGS))
    refused("eu-centrl-1 is no region of AWS; did you mean eu-central-1", AWS_REGION="eu-centrl-1")
    refused("nothing lies under /hug-e2e in us-east-1 yet: run `make settings`")
    told = make("settings", f"SETTINGS={settings}")
    check("Still missing: make secret NAME=X_API_KEY" in told, "settings tell which secrets are missing", told)
    names = list(secrets)
    for name in names[:-1]:
        told = make("secret", f"NAME={name}", f"SETTINGS={settings}", said=secrets[name] + "\n")
        check(secrets[name] not in told, "a secret is not shown", name)
    refused(f"missing: {names[-1]};", f"SETTINGS={settings}")
    make("secret", f"NAME={names[-1]}", f"SETTINGS={settings}", said=secrets[names[-1]] + "\n")
    wrong = settings.with_name("wrong.toml")
    wrong.write_text(settings.read_text().replace("step = 100", "step = 0"))
    refused(r"line 3, plan.step: 0 is no number of followers", f"SETTINGS={wrong}")
    make("settings", f"SETTINGS={wrong}", fails=True)
    large = settings.with_name("large.toml")
    large.write_text(settings.read_text() + "# much\n" * 2000)
    check("a parameter of AWS holds 8192" in make("settings", f"SETTINGS={large}", fails=True), "too large settings are refused")
    other = settings.with_name("other.toml")
    other.write_text(settings.read_text() + "# changed\n")
    refused("not what lies on AWS: run `make settings`", f"SETTINGS={other}")
    refused("nothing lies under /hug-e2e in eu-west-1 yet", f"SETTINGS={settings}", AWS_REGION="eu-west-1")
    kept = world.ssm.get_parameter(Name=f"/{STACK}/secrets/X_API_KEY")["Parameter"]
    check(kept["Type"] == "SecureString" and kept["Value"] != secrets["X_API_KEY"], "secrets lie encrypted", kept["Type"])
    # More than one page of parameters, and those that are needed not on the first.
    for number in range(12):
        world.ssm.put_parameter(Name=f"/{STACK}/secrets/A_{number:02}", Value="unused", Type="SecureString")
    proves("a deploy without credentials, in a wrong region, with a wrong hug.toml or without a secret stops before anything is changed")


def prove(make, world, settings, secrets):
    refusals(make, world, settings, secrets)
    deploy = ["deploy", f"SETTINGS={settings}"]

    make(*deploy, "RATE=rate(1 minute)")
    world.bridge_the_gap()
    wait(lambda: len(world.accounts()) == len(NETWORKS), "the first scheduled check", 150)
    # The ledger is written a moment before the count is logged.
    wait(lambda: "FailedChecks\":0" in "".join(world.log(CHECK)).replace(" ", ""), "the check is counted")
    proves("1. the schedule itself makes a check happen")

    # From here on checks come when they are asked for; the change is a second deploy, too.
    before = world.items()
    make(*deploy, "RATE=rate(1 hour)")
    check(len(world.items()) >= len(before), "a deploy of a changed parameter keeps the table", len(world.items()))
    proves("5a. a deploy of a changed parameter keeps table and state")

    told = make("invoke-remote")
    summary = json.loads(told[told.index("{"):])
    check(summary["checked"] == 3 and summary["failed"] == 0, "the by-hand check", told)
    named = {one["account"] for one in summary["accounts"]}
    check(named == {"x:amber", "bluesky:amber.bsky.social", "mastodon:amber@mastodon.example"}, "the summary names all", told)
    proves("6. events/check-followers/by-hand.json is answered with the summary")

    quiet = world.count(INVITE, "START RequestId")
    check(quiet == 0, "nothing but hugs wakes invite-follower, though accounts and counts were written", quiet)
    for network in NETWORKS:
        world.follow_to(601, network)
    error, summary = world.invoke()
    check(not error and summary["failed"] == 0, "the check at 601", summary)
    for network in NETWORKS:
        wait(lambda: world.status(600, network) == "invited", f"the invitation for 600 on {network}")
        check(len(world.posts(network)) == 1, "one post", world.posts(network))
    check("600" in world.posts()[0]["text"], "the post's words", world.posts())
    for metric in ('"InvitationsSent":1', '"SecondsToInvitation":'):
        wait(lambda: world.count(INVITE, metric) == len(NETWORKS), f"the metric {metric} of each")
    proves("2. a milestone makes one invitation through the real stream mapping and the real binary, on X, Bluesky and Mastodon")

    world.follow_to(701)
    world.invoke()
    wait(lambda: world.status(700) == "invited", "the invitation for 700")
    # The stream is in order: what came before the last hug has been passed over by now.
    hugs = len(NETWORKS) + 1
    woken = wait(lambda: (n := world.count(INVITE, "START RequestId")) >= 2 and n, "the log of invite-follower")
    written = sum(int(item.get("revision", {"N": 1})["N"]) for item in world.items())
    check(woken <= hugs < written, f"invite-follower is woken by {hugs} hugs at most", woken, f"{written} records were written")
    sent = [len(world.posts(network)) for network in NETWORKS]
    check(sent == [2, 1, 1], "still one post a hug", sent)
    proves(f"3. records that are no hugs never reach invite-follower: of {written} written it was woken by {woken}")

    doctor(make, world)
    rights(make, world)
    redrive(make, world)
    deploys(make, world, deploy)
    new_settings(make, world, settings)

    told = make("destroy", said="no\n", fails=True)
    check("nothing was changed" in told and world.stack()["StackStatus"].endswith("COMPLETE"), "destroy asks first", told)
    table, items = world.output("LedgerTable"), len(world.items())
    told = make("destroy", said=f"{STACK}\n")
    check(f"Kept: the table {table}" in told, "destroy says what it keeps", told)
    kept = world.dynamodb.scan(TableName=table, Select="COUNT")["Count"]
    check(kept == items, "the ledger is kept", kept, items)
    check(world.ssm.get_parameter(Name=f"/{STACK}/settings"), "the settings are kept")
    gone = [f["FunctionName"] for f in world.functions.list_functions()["Functions"]]
    check(gone == [], "the functions are gone", gone)
    proves("make destroy asks first, removes the stack, and keeps the ledger, the settings and the secrets")


def rights(make, world):
    """Each right removed makes its own step fail; with all of them nothing is denied."""
    for function in (CHECK, INVITE):
        denied = [line for line in world.log(function) if "AccessDenied" in line]
        check(not denied, f"with its full role {function} is denied nothing", denied)

    def denied_check(step):
        error, summary = world.invoke(account="x:amber")
        told = json.dumps(summary)
        check(not error and step in told and "AccessDenied" in told, f"the step that fails is {step!r}", error, told)

    # What ends before Lambda's first event is told to whoever called; the emulator keeps it in its own log.
    emulator = LOGS / "ministack.log"

    def denied_start(function, run):
        def starts_denied():
            lines = emulator.read_text().splitlines()
            return sum(function in line and "reading the parameters under" in line and "AccessDenied" in line for line in lines)

        before = starts_denied()
        world.restart(function)
        run()
        wait(lambda: starts_denied() > before, f"{function} cannot start without its parameters")

    shown = []
    with world.without(CHECK, "ssm:GetParametersByPath"):
        denied_start(CHECK, lambda: world.invoke())
    world.restart(CHECK)
    shown.append("check-followers ssm:GetParametersByPath")
    with world.without(CHECK, "dynamodb:GetItem"):
        denied_check("reading the signpost")
    shown.append("check-followers dynamodb:GetItem")
    with world.without(CHECK, "dynamodb:PutItem"):
        denied_check("writing the check")
    shown.append("check-followers dynamodb:PutItem")
    world.follow_to(801)
    with world.without(CHECK, "dynamodb:Query"):
        denied_check("reading the hugs")
    shown.append("check-followers dynamodb:Query")
    # A rate limit is what a check writes with an update of its own.
    with world.without(CHECK, "dynamodb:UpdateItem"):
        world.stand_in("POST", "fail", route="/2/users/", rate_limited=1)
        denied_check("writing the rate limit")
    shown.append("check-followers dynamodb:UpdateItem")

    def denied_invitation(number, step):
        world.follow_to(number + 1)
        before = world.count(INVITE, "AccessDenied")
        error, summary = world.invoke(account="x:amber")
        check(not error and summary["failed"] == 0, f"the check at {number}", summary)
        wait(lambda: world.count(INVITE, "AccessDenied") > before, f"a denial at {number}")
        line = [line for line in world.log(INVITE) if "AccessDenied" in line][-1]
        check(step in line, f"the step that fails is {step!r}", line)

    with world.without(INVITE, "dynamodb:GetItem"):
        denied_invitation(800, "reading the hug")
    shown.append("invite-follower dynamodb:GetItem")
    with world.without(INVITE, "dynamodb:PutItem"):
        denied_invitation(900, "writing the hug")
    shown.append("invite-follower dynamodb:PutItem")
    with world.without(INVITE, "dynamodb:UpdateItem"):
        world.stand_in("POST", "fail", route="POST /2/tweets", rate_limited=1)
        denied_invitation(1000, "writing the rate limit")
    shown.append("invite-follower dynamodb:UpdateItem")
    with world.without(INVITE, "ssm:GetParametersByPath"):
        def reach_1100():
            world.follow_to(1101)
            world.invoke(account="x:amber")
        denied_start(INVITE, reach_1100)
    world.restart(INVITE)
    shown.append("invite-follower ssm:GetParametersByPath")
    proves(f"4. each of these {len(shown)} rights removed fails just its own step with access denied: {', '.join(shown)}")


def doctor(make, world):
    """Each trouble is provoked, found, and mended again; a healthy stack has none."""
    kept = sorted(json.dumps(item, sort_keys=True) for item in world.items())
    # The emulator leaves these two of the template's lines out, so the doctor has something to find.
    told = make("doctor", fails=True)
    wrong = [line.split(":")[0] for line in told.splitlines() if line.startswith("wrong")]
    check(wrong == ["wrong   table's expiry", "wrong   table's recovery"], "the doctor finds what the emulator left out", told)
    table = world.output("LedgerTable")
    world.dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"})
    world.dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    told = make("doctor")
    for line in (
        "settings: they are uploaded, and right", "X_API_KEY: it is uploaded", "stack: it is UPDATE_COMPLETE", "table: it is active",
        "table's stream: it is on", "table's expiry: it is on", "table's recovery: it is on", "check-followers: it is Active",
        "schedule: it is on, at rate(1 hour)", "stream to invite-follower: it is Enabled", "queue NotInvited: it is empty",
        "alarms: all 9 are there", "x:amber: the last check was ",
    ):
        check(f"ok      {line}" in told, f"the doctor finds {line!r}", told)
    shown = ["a table without expiry and recovery"]

    def finds(line, provoke, mend, name):
        provoke()
        try:
            told = make("doctor", fails=True)
            check(re.search(f"^wrong   .*{line}", told, re.M), f"the doctor finds {line!r}", told)
        finally:
            mend()
        shown.append(name)

    secret = f"/{STACK}/secrets/X_API_KEY"
    value = world.ssm.get_parameter(Name=secret, WithDecryption=True)["Parameter"]["Value"]
    finds(
        "X_API_KEY: it is not uploaded → make secret NAME=X_API_KEY", lambda: world.ssm.delete_parameter(Name=secret),
        lambda: world.ssm.put_parameter(Name=secret, Value=value, Type="SecureString"), "a missing secret",
    )
    settings = f"/{STACK}/settings"
    text = world.ssm.get_parameter(Name=settings)["Parameter"]["Value"]
    def write(settings_text):
        world.ssm.put_parameter(Name=settings, Value=settings_text, Type="String", Overwrite=True)
    finds("settings: line 3, plan.step: 0 is no number", lambda: write(text.replace("step = 100", "step = 0")), lambda: write(text), "wrong settings")
    schedule = world.scheduler.get_schedule(Name=CHECK)
    known = {key: schedule[key] for key in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")}
    finds(
        "schedule: it is off", lambda: world.scheduler.update_schedule(**known, State="DISABLED"),
        lambda: world.scheduler.update_schedule(**known, State="ENABLED"), "a schedule that is off",
    )
    mapping = world.functions.list_event_source_mappings(FunctionName=INVITE)["EventSourceMappings"][0]["UUID"]
    finds(
        "stream to invite-follower: it is Disabl", lambda: world.functions.update_event_source_mapping(UUID=mapping, Enabled=False),
        lambda: world.functions.update_event_source_mapping(UUID=mapping, Enabled=True), "a stream mapping that is off",
    )
    queue = world.output("NotInvitedQueue")
    finds(
        "queue NotInvited: 1 messages lie in it → .*make redrive", lambda: world.queues.send_message(QueueUrl=queue, MessageBody="{}"),
        lambda: world.queues.purge_queue(QueueUrl=queue), "a message in the queue",
    )
    alarm = next(a["AlarmName"] for a in world.alarms.describe_alarms()["MetricAlarms"] if "Undeliverable" in a["AlarmName"])
    def ring(state):
        world.alarms.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason="tried")
    finds("alarm UndeliverableAlarm: it rings", lambda: ring("ALARM"), lambda: ring("OK"), "an alarm that rings")
    account = next(item for item in world.accounts() if item["account"]["S"] == "x:amber")
    key = {name: account[name] for name in ("pk", "sk")}
    def checked(time):
        world.dynamodb.update_item(
            TableName=world.output("LedgerTable"), Key=key, UpdateExpression="SET checked_at = :time", ExpressionAttributeValues={":time": time},
        )
    finds("x:amber: the last check was [0-9]{4,} minutes ago", lambda: checked({"S": "2026-01-01T00:00:00Z"}), lambda: checked(account["checked_at"]), "a check that is long ago")
    make("doctor")
    check(sorted(json.dumps(item, sort_keys=True) for item in world.items()) == kept, "the doctor changes nothing")
    proves(f"make doctor finds nothing wrong on a healthy stack, and finds each of these: {', '.join(shown)}")


def redrive(make, world):
    """After `rights`, the hugs for 800 and 900 have failed for good, and the one for 1000 is claimed by
    an invitation that was cut off, for as long as its lease runs."""
    lost = [800, 900]
    stuck = {number: world.status(number) for number in (*lost, 1000)}
    check(stuck == {800: "reached", 900: "reached", 1000: "inviting"}, "these are stuck", stuck)
    wait(lambda: world.status(1100) == "invited", "the emulator's second try for 1100")
    posts = len(world.posts())
    queue = world.output("NotInvitedQueue")
    # As Lambda words it; the emulator puts nothing there itself.
    place = {
        "requestContext": {"condition": "RetryAttemptsExhausted"},
        "DDBStreamBatchInfo": {"shardId": "s", "batchSize": 1, "approximateArrivalOfFirstRecord": "2026-11-22T09:00:00Z"},
    }
    world.queues.send_message(QueueUrl=queue, MessageBody=json.dumps(place))
    told = make("redrive", "ACCOUNT=x:amber", "MILESTONE=700", fails=True)
    check("it is invited already, so there is nothing to send" in told, "an invited hug is not redriven", told)
    told = make("doctor", fails=True)
    check("wrong   queue NotInvited: 1 messages" in told, "the doctor sees what was given up", told)
    told = make("redrive", "ACCOUNT=x:amber", "MILESTONE=800")
    check("1 put back to work" in told and "taken from the queue" not in told, "one hug is redriven alone", told)
    wait(lambda: world.status(800) == "invited", "the hug for 800 is invited")
    check(world.status(900) == "reached", "the other is left", world.status(900))
    told = make("redrive")
    for words in ("the hug for 900 is reached again", "1 put back to work", "1 messages taken from the queue"):
        check(words in told, f"redrive says {words!r}", told)
    wait(lambda: all(world.status(number) == "invited" for number in lost), "the lost hugs are invited")
    check(len(world.posts()) == posts + len(lost), "one post for each", len(world.posts()), posts)
    check(world.status(1000) == "inviting", "a claim is left to its owner", world.status(1000))
    left = world.queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
    check(left["Attributes"]["ApproximateNumberOfMessages"] == "0", "the queue is empty", left["Attributes"])
    proves("7. make redrive brings hugs that failed for good through, once their cause is gone, each once")


def deploys(make, world, deploy):
    def facts():
        kept = {}
        for function in (CHECK, INVITE):
            world.functions.get_waiter("function_updated_v2").wait(FunctionName=function)
            kept[function] = world.functions.get_function_configuration(FunctionName=function)
        return kept

    def same(before, after, but):
        for function, configuration in before.items():
            for name in configuration.keys() | after[function].keys():
                if name not in {"ResponseMetadata", "LastModified", "RevisionId", "Timeout", *but}:
                    check(configuration.get(name) == after[function].get(name), f"{name} of {function} is untouched", configuration.get(name), after[function].get(name))

    items = sorted(json.dumps(item, sort_keys=True) for item in world.items())

    def keeps():
        now = sorted(json.dumps(item, sort_keys=True) for item in world.items())
        check(now == items, "table and state are kept", len(now), len(items))

    before, stamp = facts(), world.stack().get("LastUpdatedTime")
    told = make(*deploy)
    check("No changes to deploy" in told, "a deploy of the same code finds nothing to do", told[-800:])
    check(world.stack().get("LastUpdatedTime") == stamp, "the stack is untouched")
    same(before, facts(), set())
    keeps()
    proves("5b. a second deploy of the same code changes nothing")

    def new_code():
        # Bytes after the end of an ELF file change its hash and nothing else.
        for name in ("check-followers", "invite-follower"):
            with open(ROOT / "target" / "lambda" / name / "bootstrap", "ab") as binary:
                binary.write(b"\n")

    for sentence, arguments in [
        ("5c. deploy-code puts new code on AWS and keeps table, state and environment", ["deploy-code"]),
        ("5d. a deploy of new code keeps table, state and environment", deploy),
    ]:
        before = facts()
        new_code()
        make(*arguments, "BUILD=true")
        same(before, after := facts(), {"CodeSha256", "CodeSize"})
        check(all(before[f]["CodeSha256"] != after[f]["CodeSha256"] for f in before), "the code is new")
        keeps()
        error, summary = world.invoke(dry_run=True)
        check(not error and summary["failed"] == 0, "the new code answers", summary)
        proves(sentence)

    before = facts()
    with tempfile.TemporaryDirectory() as folder:
        broken = Path(folder) / "template.yaml"
        text = (ROOT / "infra" / "template.yaml").read_text()
        text = text.replace("CodeUri: ../", f"CodeUri: {ROOT}/").replace("MemorySize: 128", "MemorySize: 256")
        text = text.replace("\nOutputs:\n", "\n  Impossible:\n    Type: AWS::Lambda::Url\n    DependsOn: CheckFollowers\n    Properties: { TargetFunctionArn: no-such-function, AuthType: AWS_IAM }\n\nOutputs:\n")
        check("Impossible" in text and "MemorySize: 256" in text, "the template is broken on purpose")
        broken.write_text(text)
        make(*deploy, f"TEMPLATE={broken}", "BUILD=true", fails=True)
    wait(lambda: world.stack()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", "the rollback")
    same(before, facts(), set())
    keeps()
    make(*deploy, "BUILD=true")
    proves("5e. a failing deploy rolls back, and the next one works")


def new_settings(make, world, settings):
    settings.write_text(settings.read_text().replace("step = 100", "step = 250"))
    make("settings", f"SETTINGS={settings}")
    error, summary = world.invoke(account="x:amber", dry_run=True)
    check(not error and summary["accounts"][0]["next_milestone"] == 1350, "the next milestone is by the new plan", summary)
    proves("make settings reaches a function that is warm")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    print(f"Logs: {LOGS.relative_to(ROOT)}", flush=True)
    # Nothing of the person's own AWS may come in.
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HUG_", "MAKE", "MFLAGS"))}
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    environment = {
        **clean, "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true",
    }
    os.environ.update({name: value for name, value in environment.items() if name.startswith("AWS_")})
    emulator = {
        **environment, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "MINISTACK_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0", "AUTH": "true",
    }
    make = Make(environment)
    make("build")
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    subprocess.run(["cargo", "build", "--quiet", "--package", "local", "--bin", "hug"], cwd=ROOT, env=clean, check=True)
    hug = str(target / "debug" / "hug")
    with contextlib.ExitStack() as stack:
        stack.enter_context(running([ROOT / ".tools/ministack/bin/ministack"], "ministack.log", emulator))
        networks = stack.enter_context(running([hug, "sandbox", "--networks-only"], "networks.log", clean))
        there = json.loads(networks.stdout.readline())
        settings = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "hug.toml"
        settings.write_text(there["settings"])
        needed = subprocess.run([hug, "settings", "--settings", str(settings)], capture_output=True, text=True, check=True)
        secrets = {name: there["secrets"][name] for name in needed.stdout.split()}

        def up():
            with contextlib.suppress(OSError):
                return urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2).status == 200

        wait(up, "the emulator's start", 30)
        world = World(endpoint, there)
        try:
            prove(make, world, settings, secrets)
        finally:
            for function in (CHECK, INVITE):
                with contextlib.suppress(Exception):
                    (LOGS / f"{function}.log").write_text("\n".join(world.log(function)))
    print(f"{len(passed)} passed, 0 failed")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        main()
    except Failed as failed:
        print(f"FAILED after {time.monotonic() - began:.0f} s: {failed}\nLogs: {LOGS.relative_to(ROOT)}\n{len(passed)} passed, 1 failed", flush=True)
        sys.exit(1)
