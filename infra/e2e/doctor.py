"""The doctor finds each trouble that is made here, and nothing wrong once it is undone."""

import re
from collections.abc import Callable

from processes import STACK, Make
from proof import check, proves
from world import CHECK, INVITE, World


def prove_doctor(make: Make, world: World) -> None:
    kept = world.sorted_items()
    # The emulator leaves these two lines of the template out, so the doctor has something to find.
    printed = make("doctor", fails=True)
    wrong = [line.split(":")[0] for line in printed.splitlines() if line.startswith("wrong")]
    left_out = ["wrong   table's expiry", "wrong   table's recovery"]
    check(wrong == left_out, "the doctor finds what the emulator left out", printed)
    table = world.output("LedgerTable")
    expiry = {"Enabled": True, "AttributeName": "expires_at"}
    world.dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=expiry)
    recovery = {"PointInTimeRecoveryEnabled": True}
    world.dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=recovery)
    printed = make("doctor")
    for line in (
        "settings: they are uploaded, and right",
        "X_API_KEY: it is uploaded",
        "stack: it is UPDATE_COMPLETE",
        "table: it is active",
        "table's stream: it is on",
        "table's protection: it is on",
        "table's expiry: it is on",
        "table's recovery: it is on",
        "check-followers: it is Active",
        "schedule: it is on, at rate(1 hour)",
        "stream to invite-follower: it is Enabled",
        "queue NotInvited: it is empty",
        "mail: news and alarms go to amber@example.com",
        "songbook: it is at https://",
        "alarms: all 8 are there",
        # From here on these are lines of `hug doctor`, which reads the ledger.
        "x:amber: the last check was ",
    ):
        check(f"ok      {line}" in printed, f"the doctor finds {line!r}", printed)
    shown = ["a table without expiry and recovery"]

    def finds(line: str, trouble: str, make_it: Callable[[], object], undo_it: Callable[[], object]) -> None:
        make_it()
        try:
            printed = make("doctor", fails=True)
            check(re.search(f"^wrong   .*{line}", printed, re.M), f"the doctor finds {line!r}", printed)
        finally:
            undo_it()
        shown.append(trouble)

    secret = f"/{STACK}/secrets/X_API_KEY"
    value = world.ssm.get_parameter(Name=secret, WithDecryption=True)["Parameter"]["Value"]
    finds(
        "X_API_KEY: it is not uploaded → make secret NAME=X_API_KEY",
        "a missing secret",
        lambda: world.ssm.delete_parameter(Name=secret),
        lambda: world.ssm.put_parameter(Name=secret, Value=value, Type="SecureString"),
    )

    settings = f"/{STACK}/settings"
    right = world.ssm.get_parameter(Name=settings)["Parameter"]["Value"]

    def upload(text: str) -> None:
        world.ssm.put_parameter(Name=settings, Value=text, Type="String", Overwrite=True)

    finds(
        "settings: line 3, plan.step: 0 is ",
        "wrong settings",
        lambda: upload(right.replace("step = 100", "step = 0")),
        lambda: upload(right),
    )

    schedule = world.scheduler.get_schedule(Name=CHECK)
    known = {key: schedule[key] for key in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")}
    finds(
        "schedule: it is off",
        "a schedule that is off",
        lambda: world.scheduler.update_schedule(**known, State="DISABLED"),
        lambda: world.scheduler.update_schedule(**known, State="ENABLED"),
    )

    mapping = world.functions.list_event_source_mappings(FunctionName=INVITE)["EventSourceMappings"][0]["UUID"]
    finds(
        "stream to invite-follower: it is Disabl",
        "a stream mapping that is off",
        lambda: world.functions.update_event_source_mapping(UUID=mapping, Enabled=False),
        lambda: world.functions.update_event_source_mapping(UUID=mapping, Enabled=True),
    )

    queue = world.output("NotInvitedQueue")
    finds(
        "queue NotInvited: it holds 1 messages → .*make redrive",
        "a message in the queue",
        lambda: world.queues.send_message(QueueUrl=queue, MessageBody="{}"),
        lambda: world.queues.purge_queue(QueueUrl=queue),
    )

    page = {"Bucket": world.output("SongbookBucket"), "Key": "index.html"}
    text = world.s3.get_object(**page)["Body"].read()
    finds(
        "songbook: there is no page at https://",
        "a songbook without its page",
        lambda: world.s3.delete_object(**page),
        lambda: world.s3.put_object(
            **page, Body=text, ContentType="text/html; charset=utf-8", CacheControl="max-age=60"
        ),
    )

    topic = world.output("AlarmTopic")

    def subscribe(protocol: str, address: str) -> None:
        world.topics.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=address)

    def unsubscribe() -> None:
        for one in world.topics.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
            world.topics.unsubscribe(SubscriptionArn=one["SubscriptionArn"])

    finds(
        "mail: nobody gets mail about .* amber@example.com has unsubscribed .*aws sns subscribe --topic-arn arn:",
        "a mail subscription that is gone",
        unsubscribe,
        lambda: subscribe("email", "amber@example.com"),
    )

    def not_confirmed() -> None:
        unsubscribe()
        # The emulator confirms an address for mail by itself, but not a web address.
        subscribe("http", "http://127.0.0.1:9/")

    def confirmed() -> None:
        unsubscribe()
        subscribe("email", "amber@example.com")

    finds("mail: http://127.0.0.1:9/ has not confirmed", "a mail that was not confirmed", not_confirmed, confirmed)

    alarms = [alarm["AlarmName"] for alarm in world.alarms.describe_alarms()["MetricAlarms"]]
    waiting = next(name for name in alarms if "WaitingForCreator" in name)

    def set_alarm(state: str) -> None:
        world.alarms.set_alarm_state(AlarmName=waiting, StateValue=state, StateReason="tried")

    finds(
        "alarm WaitingForCreatorAlarm: it is firing",
        "an alarm that is firing",
        lambda: set_alarm("ALARM"),
        lambda: set_alarm("OK"),
    )

    # The hourly counts tell when an account was looked at, too.
    account = next(item for item in world.accounts() if item["account"]["S"] == "x:amber")
    counts = [one for one in world.items() if one["pk"] == account["pk"] and one["sk"]["S"].startswith("count#")]

    def set_last_check(time: dict[str, str] | None) -> None:
        for item, field in [(account, "checked_at"), *((count, "at") for count in counts)]:
            world.dynamodb.update_item(
                TableName=table,
                Key={name: item[name] for name in ("pk", "sk")},
                UpdateExpression="SET #field = :time",
                ExpressionAttributeNames={"#field": field},
                ExpressionAttributeValues={":time": time or item[field]},
            )

    finds(
        "x:amber: the last check was ",
        "a check that is long ago",
        lambda: set_last_check({"S": "2026-01-01T00:00:00Z"}),
        lambda: set_last_check(None),
    )
    printed = make("status")
    for name in ("x:amber", "bluesky:amber.bsky.social", "mastodon:amber@mastodon.example"):
        check(name in printed, "make status shows every account", printed)
    make("doctor")
    check(world.sorted_items() == kept, "the doctor changes nothing")
    proves(f"make doctor finds nothing wrong on a healthy stack, and finds each of these: {', '.join(shown)}")
