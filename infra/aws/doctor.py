"""`make doctor`: looks at everything on AWS and changes nothing. It prints a line for each finding, and what to do."""

import sys
from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from hug import as_file, check_settings, needed_secrets, on_ledger
from mail import find_mail
from session import ADDRESS, BUCKET, FUNCTIONS, PAGE, Aws, Stop, error_code

T = TypeVar("T")


def doctor(aws: Aws, _: Namespace) -> None:
    aws.announce("look whether all is right, and change nothing")
    doctor = Doctor(aws)
    doctor.look()
    if doctor.wrongs:
        sys.exit(1)


class Doctor:
    """Counts what is wrong."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.wrongs = 0

    def report(self, verdict: str, subject: str, found: str, remedy: str = "") -> None:
        """Prints a finding; the verdict is ok, unsure or wrong, as in `hug doctor`."""
        self.wrongs += verdict == "wrong"
        print(f"{verdict:<7} {subject}: {found}" + (f" → {remedy}" if remedy else ""))

    def judge(self, good: object, subject: str, if_good: str, if_wrong: str, remedy: str) -> None:
        if good:
            self.report("ok", subject, if_good)
        else:
            self.report("wrong", subject, if_wrong, remedy)

    def ask(self, subject: str, look: Callable[..., T], *arguments: str) -> T | None:
        """A look that AWS may refuse. What cannot be asked may be right, so it is not counted as wrong."""
        try:
            return look(*arguments)
        except ClientError as error:
            refused = f"AWS refused {error.operation_name} ({error_code(error)})"
            self.report("unsure", subject, refused, "ask for the right to it, or look in the console")
        except BotoCoreError as error:
            self.report("unsure", subject, f"AWS could not be asked: {error}", "look again")
        return None

    def look(self) -> None:
        self.ask("settings", self.settings)
        outputs = self.ask("stack", self.stack)
        if not outputs:
            return
        self.ask("table", self.table, outputs["LedgerTable"])
        for name in FUNCTIONS:
            self.ask(name, self.function, name)
        self.ask("schedule", self.schedule)
        self.ask("stream", self.stream, outputs["InviteFollowerFunction"])
        remedy = "`make logs` says why; remove the cause, then `make redrive`"
        self.ask("queue NotInvited", self.queue, outputs["NotInvitedQueue"], "NotInvited", remedy)
        self.ask("queue ChecksNotStarted", self.not_started, outputs["ChecksNotStartedQueue"])
        if ADDRESS in outputs:
            self.ask("songbook", self.songbook, outputs[ADDRESS], outputs[BUCKET])
        self.ask("mail", self.mail, outputs["AlarmTopic"])
        self.ask("alarms", self.alarms)
        self.ask("ledger", self.ledger)

    def settings(self) -> None:
        uploaded, secrets = self.aws.parameters()
        if uploaded is None:
            missing = f"there is no parameter {self.aws.prefix}/settings"
            return self.report("wrong", "settings", missing, "make settings")
        needed = []
        with as_file(uploaded) as copy:
            try:
                check_settings(self.aws, copy)
                needed = needed_secrets(self.aws, copy, secrets)
                self.report("ok", "settings", "they are uploaded, and right")
                # With the secrets that are uploaded, the parser says which accounts lack one.
                check_settings(self.aws, copy, secrets)
            except Stop as stop:
                remedy = "correct hug.toml, then `make settings`; a secret with `make secret NAME=…`"
                for mistake in str(stop).splitlines()[1:]:
                    self.report("wrong", "settings", mistake.strip(), remedy)
        for name in needed:
            self.judge(name in secrets, name, "it is uploaded", "it is not uploaded", f"make secret NAME={name}")
        if self.aws.settings.exists() and self.aws.settings.read_text() != uploaded:
            differs = "hug.toml here differs from the settings on AWS"
            self.report("unsure", "settings", differs, "`make settings` uploads it")
        return None

    def stack(self) -> dict[str, str] | None:
        outputs = self.aws.outputs()
        if outputs is None:
            missing = f"there is none called {self.aws.stack} in {self.aws.region}"
            self.report("wrong", "stack", missing, "make deploy, or set AWS_REGION or STACK")
            return None
        stacks = self.aws.client("cloudformation").describe_stacks(StackName=self.aws.stack)
        status = stacks["Stacks"][0]["StackStatus"]
        found = f"it is {status}"
        if status.endswith("IN_PROGRESS"):
            self.report("unsure", "stack", found, "look again when that is over")
        else:
            good = status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
            remedy = "its events say why; then `make deploy`"
            self.judge(good, "stack", found, f"{found}: the last deploy failed", remedy)
        if "CheckFollowersFunction" not in outputs:
            self.report("wrong", "stack", "it does not have this project's outputs", "make deploy, or set STACK")
            return None
        return outputs

    def table(self, name: str) -> None:
        dynamodb = self.aws.client("dynamodb")
        table = dynamodb.describe_table(TableName=name)["Table"]
        status = table["TableStatus"]
        remedy = "look again; if it stays so, see the console"
        self.judge(status == "ACTIVE", "table", "it is active", f"it is {status}", remedy)
        stream = table.get("StreamSpecification", {})
        good = stream.get("StreamEnabled") and stream.get("StreamViewType") == "NEW_IMAGE"
        off = "it is off, or without the new image, so no hug is ever sent"
        self.judge(good, "table's stream", "it is on", off, "make deploy")
        off = "it is off, so the table can be deleted by mistake"
        self.judge(table.get("DeletionProtectionEnabled"), "table's protection", "it is on", off, "make deploy")
        expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        on = expiry.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
        good = on and expiry.get("AttributeName") == "expires_at"
        off = "it is off, so hourly counts, and the names of followers who were passed over, are kept for ever"
        self.judge(good, "table's expiry", "it is on", off, "make deploy")
        backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
        off = "it is off, so a promise that is lost cannot be restored"
        self.judge(recovery == "ENABLED", "table's recovery", "it is on", off, "make deploy")

    def function(self, name: str) -> None:
        function = self.aws.client("lambda").get_function_configuration(FunctionName=f"{self.aws.stack}-{name}")
        state, update = function.get("State", "Active"), function.get("LastUpdateStatus", "Successful")
        good = state in ("Active", "Inactive") and update != "Failed"
        found = f"it is {state}, its last update {update}"
        self.judge(good, name, found, f"{found}: {function.get('StateReason', 'no reason given')}", "make deploy")

    def schedule(self) -> None:
        schedule = self.aws.client("scheduler").get_schedule(Name=f"{self.aws.stack}-check-followers")
        on = f"it is on, at {schedule['ScheduleExpression']}"
        remedy = "switch it on in the console; `make deploy` leaves what it does not change"
        self.judge(schedule["State"] == "ENABLED", "schedule", on, "it is off, so no check runs", remedy)

    def stream(self, function: str) -> None:
        mappings = self.aws.client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
        if not mappings:
            self.report("wrong", "stream", "nothing carries it to invite-follower", "make deploy")
        for mapping in mappings:
            state, result = mapping["State"], mapping.get("LastProcessingResult") or "nothing yet"
            good = state in ("Enabled", "Enabling", "Updating")
            off, remedy = f"it is {state}, so no hug is sent", "switch its trigger on in the console"
            self.judge(good, "stream to invite-follower", f"it is {state}", off, remedy)
            good = "PROBLEM" not in result and "error" not in result.lower()
            remedy = "`make logs` says why; what it gives up on comes back with `make redrive`"
            self.judge(good, "stream's last result", result, result, remedy)

    def queue(self, url: str, name: str, remedy: str) -> None:
        waiting = self.messages(url)
        self.judge(waiting == 0, f"queue {name}", "it is empty", f"it holds {waiting} messages", remedy)

    def not_started(self, url: str) -> None:
        """Reports checks that were not started. They are not an error, because the next check does their work; the
        ledger shows whether there was one."""
        waiting, subject = self.messages(url), "queue ChecksNotStarted"
        if waiting == 0:
            return self.report("ok", subject, "it is empty")
        remedy = "its messages say why, and disappear after 14 days"
        return self.report("unsure", subject, f"{waiting} checks were not started", remedy)

    def messages(self, url: str) -> int:
        queues = self.aws.client("sqs")
        answer = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def songbook(self, address: str, bucket: str) -> None:
        """Whether the page is there, and how old it is. A count of followers changes it each hour, so one that is older
        than two hours was not renewed; an alarm says so where that is a failure."""
        try:
            page = self.aws.client("s3").head_object(Bucket=bucket, Key=PAGE)
        except ClientError as error:
            if error_code(error) != "404":
                raise
            remedy = "`make invoke-remote` writes it; if it does not, `make logs` says why"
            return self.report("wrong", "songbook", f"there is no page at {address} yet", remedy)
        minutes = int((datetime.now(UTC) - page["LastModified"]).total_seconds() // 60)
        found = f"it is at {address}, and was written {minutes} minutes ago"
        if minutes <= 120:
            return self.report("ok", "songbook", found)
        return self.report("unsure", "songbook", found, "`make logs` says whether it could not be written")

    def mail(self, topic: str) -> None:
        verdict, found, remedy = find_mail(self.aws, topic)
        self.report(verdict, "mail", found, remedy)

    def alarms(self) -> None:
        resources = self.aws.client("cloudformation").get_paginator("list_stack_resources")
        pages = resources.paginate(StackName=self.aws.stack)
        # From an alarm's name on AWS to its name in the template.
        names = {
            resource["PhysicalResourceId"]: resource["LogicalResourceId"]
            for page in pages
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == "AWS::CloudWatch::Alarm"
        }
        pages = self.aws.client("cloudwatch").get_paginator("describe_alarms").paginate()
        alarms = [alarm for page in pages for alarm in page["MetricAlarms"] if alarm["AlarmName"] in names]
        good = len(alarms) == len(names) > 0
        some = f"{len(alarms)} of {len(names)} are there"
        self.judge(good, "alarms", f"all {len(names)} are there", some, "make deploy")
        for alarm in alarms:
            if alarm["StateValue"] == "ALARM":
                remedy = alarm.get("AlarmDescription", "see the console")
                self.report("wrong", f"alarm {names[alarm['AlarmName']]}", "it is firing", remedy)

    def ledger(self) -> None:
        """Accounts and hugs, by the one judge of them; it prints lines of the same form."""
        self.wrongs += on_ledger(self.aws, "doctor") != 0
