"""Proves that news for the creator are mailed: a write of a hug, the stream, the real binary, the topic."""

import json
from pathlib import Path

from processes import STACK, Make
from proof import check, proves, wait
from world import CHECK, INVITE, World


class Mailbox:
    """The mails of the topic, read from a queue that is subscribed to it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.mails: list[tuple[str, str]] = []
        topic = world.output("AlarmTopic")
        self.queue = world.queues.create_queue(QueueName=f"{STACK}-creator")["QueueUrl"]
        attributes = world.queues.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        arn = attributes["Attributes"]["QueueArn"]
        allowed = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        world.queues.set_queue_attributes(QueueUrl=self.queue, Attributes={"Policy": policy})
        subscription = world.topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
        self.subscription = subscription["SubscriptionArn"]

    def of(self, name: str) -> list[str]:
        """The texts that were mailed about this account and number, such as `x:amber 600`."""
        received = self.world.queues.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        for message in received.get("Messages", []):
            mail = json.loads(message["Body"])
            self.mails.append((mail["Subject"], mail["Message"]))
            self.world.queues.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return [text for subject, text in self.mails if subject == f"Have a Hug: {name}"]

    def wait_for(self, name: str, *words: str) -> None:
        """Waits for a mail with all of these words."""

        def found() -> bool:
            return any(all(word in text for word in words) for text in self.of(name))

        wait(found, f"the news of {name} with {words}")

    def close(self) -> None:
        check(len(set(self.mails)) == len(self.mails), "each piece of news is mailed once", self.mails)
        self.world.topics.unsubscribe(SubscriptionArn=self.subscription)
        self.world.queues.delete_queue(QueueUrl=self.queue)


def prove_news_of_milestones(mailbox: Mailbox) -> None:
    """To be called after each account has crossed 600."""
    for account in ("x:amber", "bluesky:amber.bsky.social", "mastodon:amber@mastodon.example"):
        mailbox.wait_for(f"{account} 600", "600", "@fan")
    mailbox.close()
    proves("2b. the news of each milestone reach the topic once, with the account and the number as its subject")


def prove_refused_news(world: World) -> None:
    refused = "the creator does not have this news"
    with world.without(INVITE, "sns:Publish"):
        before = world.count(INVITE, refused)
        world.write_news(600, "These do not arrive.")
        wait(lambda: world.count(INVITE, refused) > before, "the refused news")
        wait(lambda: world.count(INVITE, '"InvitationsFailed":1') >= 1, "the refused news are counted")
    proves("news that the topic refuses are logged and counted")


def prove_news(make: Make, world: World, settings: Path) -> None:
    """Proves the news of hugs that wait for the creator. These hugs stay in the ledger."""
    mailbox = Mailbox(world)
    right = settings.read_text()
    # The account on Bluesky has only the channel draft. The one on Mastodon may have one hug a day, and has had it.
    changed = right.replace('network = "bluesky"\n', 'network = "bluesky"\ncontact = ["draft"]\n')
    settings.write_text(changed + "\n[account.plan]\nmost_a_day = 1\n")
    make("settings", f"SETTINGS={settings}")
    bluesky, mastodon = "bluesky:amber.bsky.social", "mastodon:amber@mastodon.example"
    for network in ("bluesky", "mastodon"):
        world.follow_to(701, network)
    error, summary = world.invoke()
    check(not error and summary["failed"] == 0, "the check at 701", summary)
    mailbox.wait_for(f"{bluesky} 700", "waits for you", "https://bsky.app/", "hug sent 700")
    mailbox.wait_for(f"{mastodon} 700", "is held", "hug approve 700")
    statuses = [world.status(700, network) for network in ("bluesky", "mastodon")]
    check(statuses == ["to_send", "held"], "nothing is sent before the creator says so", statuses)
    error, summary = world.invoke()
    check(not error and summary["failed"] == 0, "a check after it", summary)
    wait(lambda: world.count(CHECK, '"WaitingForCreator":2') >= 1, "both are counted as waiting for the creator")
    mailbox.close()
    settings.write_text(right)
    make("settings", f"SETTINGS={settings}")
    proves("a draft and a hold reach the topic, are sent nowhere, and are counted as waiting for the creator")


def prove_missing_secret(world: World) -> None:
    """Proves that an account whose secret is missing does not stop the others."""
    name = f"/{STACK}/secrets/BLUESKY_APP_PASSWORD"
    value = world.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    world.ssm.delete_parameter(Name=name)
    try:
        for function in (CHECK, INVITE):
            world.restart(function)
        world.follow_to(1301)
        error, summary = world.invoke()
        good = not error and (summary["checked"], summary["failed"], summary["skipped"]) == (2, 0, 1)
        check(
            good and "BLUESKY_APP_PASSWORD" in json.dumps(summary), "one account is skipped, with the reason", summary
        )
        world.wait_for_invitation(1300)
    finally:
        world.ssm.put_parameter(Name=name, Value=value, Type="SecureString")
        for function in (CHECK, INVITE):
            world.restart(function)
    error, summary = world.invoke()
    check(not error and summary["checked"] == 3, "all are checked once it is there", summary)
    proves("an account whose secret is missing is skipped and reported; the others are checked and invite")
