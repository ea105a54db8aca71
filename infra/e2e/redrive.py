"""Hugs that failed for good go out once their cause is gone, each once."""

import json

from processes import Make
from proof import check, proves
from songs import wait_for_hug
from world import World


def prove_redrive(make: Make, world: World) -> None:
    """After `rights`, the hugs for 800 and 900, and the song for 700, have failed for good. The hugs for 1000 and 1200
    are claimed by invitations that were cut off, for as long as their leases run."""
    lost = [800, 900]
    claimed = {1000: "inviting", 1200: "inviting"}
    stuck = {number: world.status(number) for number in (*lost, *claimed)}
    check(world.status(700) == "song_posted", "the song for 700 is stuck", world.status(700))
    check(stuck == {800: "reached", 900: "reached", **claimed}, "these are stuck", stuck)
    posts = len(world.posts())
    queue = world.output("NotInvitedQueue")
    # As Lambda words it; the emulator puts nothing there itself.
    given_up = {
        "requestContext": {"condition": "RetryAttemptsExhausted"},
        "DDBStreamBatchInfo": {
            "shardId": "s",
            "batchSize": 1,
            "approximateArrivalOfFirstRecord": "2026-11-22T09:00:00Z",
        },
    }
    world.queues.send_message(QueueUrl=queue, MessageBody=json.dumps(given_up))
    printed = make("redrive", "ACCOUNT=x:amber", "MILESTONE=1100", fails=True)
    check("it is invited already" in printed, "an invited hug is not put back to work", printed)
    check(world.status(1100) == "invited", "an invited hug is left as it is", world.status(1100))
    printed = make("doctor", fails=True)
    check("wrong   queue NotInvited: it holds 1 messages" in printed, "the doctor sees what was given up", printed)
    printed = make("redrive", "ACCOUNT=x:amber", "MILESTONE=800")
    check("800" in printed and "from the queue" not in printed, "one hug is put back to work alone", printed)
    world.wait_for_invitation(800)
    check(world.status(900) == "reached", "the other is left as it is", world.status(900))
    printed = make("redrive")
    for words in ("the hug for 900", "1 messages deleted from the queue"):
        check(words in printed, f"redrive says {words!r}", printed)
    for number in lost:
        world.wait_for_invitation(number)
    wait_for_hug(world, 700)
    check(len(world.posts()) == posts + len(lost) + 1, "one post for each", len(world.posts()), posts)
    untouched = {number: world.status(number) for number in claimed}
    check(untouched == claimed, "a claim is left to its owner", untouched)
    left = world.queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
    check(left["Attributes"]["ApproximateNumberOfMessages"] == "0", "the queue is empty", left["Attributes"])
    proves(
        "7. make redrive brings invitations and songs that failed for good through, once their cause is gone, each once"
    )
