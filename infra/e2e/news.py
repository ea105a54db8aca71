"""News in a hug's record reach the mail topic through the stream, its filter and the real binary."""

import json

from processes import STACK
from proof import check, proves, wait
from world import INVITE, World


def prove_news(world: World) -> None:
    topic = world.output("AlarmTopic")
    queue = world.queues.create_queue(QueueName=f"{STACK}-creator")["QueueUrl"]
    attributes = world.queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arn = attributes["Attributes"]["QueueArn"]
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    world.queues.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    subscription = world.topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
    received: list[tuple[str, str]] = []

    def receive() -> int:
        messages = world.queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            mail = json.loads(message["Body"])
            received.append((mail["Subject"], mail["Message"]))
            world.queues.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(received)

    posts = len(world.posts())
    text = "@fan0600 is your number 600.\nIt is certain."
    world.write_news(600, text)
    wait(receive, "the news of 600")
    world.write_news(600, None)
    world.write_news(700, "Number 700 waits for you.")
    wait(lambda: receive() >= 2, "the news of 700")
    world.write_news(700, None)
    wanted = [("Have a Hug: x:amber 600", text), ("Have a Hug: x:amber 700", "Number 700 waits for you.")]
    check(received == wanted, "each piece of news comes once, with its subject", received)
    check(len(world.posts()) == posts, "news send no letter", len(world.posts()))

    with world.without(INVITE, "sns:Publish"):
        refused = world.count(INVITE, "the creator does not have this news")
        world.write_news(600, "These do not arrive.")
        wait(lambda: world.count(INVITE, "the creator does not have this news") > refused, "the refused news")
        wait(lambda: world.count(INVITE, '"InvitationsFailed":1') >= 1, "the refused news are counted")
    world.write_news(600, None)
    world.topics.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    world.queues.delete_queue(QueueUrl=queue)
    proves("news in a hug's record reach the topic, each once and with its subject; without sns:Publish they do not")
