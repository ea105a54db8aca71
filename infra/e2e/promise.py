"""The promise is kept on the deployed stack: by the schedule, by hand, and through the stream."""

import json
from pathlib import Path

from news import Mailbox, prove_news_of_milestones
from processes import STACK, Make
from proof import check, proves, wait
from world import CHECK, INVITE, NETWORKS, World


def prove_promise(make: Make, world: World, settings: Path) -> None:
    deploy = ["deploy", f"SETTINGS={settings}"]
    printed = make(*deploy, "RATE=rate(1 minute)")
    check(
        "nobody gets mail about milestones and failures → make deploy MAIL=" in printed,
        "a deploy without MAIL says what that means",
        printed[-800:],
    )
    policy = json.loads(world.cloudformation.get_stack_policy(StackName=STACK)["StackPolicyBody"])
    denied = [one["Action"] for one in policy["Statement"] if one["Effect"] == "Deny"]
    check(denied == [["Update:Replace", "Update:Delete"]], "no deploy may replace the ledger", policy)
    world.widen_roles()
    mailbox = Mailbox(world)
    wait(lambda: len(world.accounts()) == len(NETWORKS), "the first scheduled check", 150)
    # The ledger is written a moment before the count is logged.
    wait(lambda: 'FailedChecks":0' in "".join(world.log(CHECK)).replace(" ", ""), "the check is counted")
    proves("1. the schedule itself makes a check happen")

    # From here on checks come when they are asked for; the change is a second deploy, too.
    before = world.items()
    printed = make(*deploy, "RATE=rate(1 hour)", "MAIL=amber@example.com")
    mailed = [line for line in printed.splitlines() if "news and alarms go to" in line]
    check("amber@example.com" in "".join(mailed), "a deploy with MAIL subscribes", mailed)
    check(len(world.items()) >= len(before), "a deploy of a changed parameter keeps the table", len(world.items()))
    proves("5a. a deploy of a changed parameter keeps table and state")

    printed = make("invoke-remote")
    summary = json.loads(printed[printed.index("{") :])
    check(summary["checked"] == 3 and summary["failed"] == 0, "the by-hand check", printed)
    named = {one["account"] for one in summary["accounts"]}
    all_of_them = {"x:amber", "bluesky:amber.bsky.social", "mastodon:amber@mastodon.example"}
    check(named == all_of_them, "the summary names all", printed)
    proves("6. events/check-followers/by-hand.json is answered with the summary")

    quiet = world.count(INVITE, "START RequestId")
    check(quiet == 0, "only hugs start invite-follower, though accounts and counts were written", quiet)
    for network in NETWORKS:
        world.follow_to(601, network)
    error, summary = world.invoke()
    check(not error and summary["failed"] == 0, "the check at 601", summary)
    for network in NETWORKS:
        world.wait_for_invitation(600, network)
        check(len(world.posts(network)) == 1, "one post", world.posts(network))
    check("600" in world.posts()[0]["text"], "the post's words", world.posts())

    timed = '"SecondsToInvitation":'
    wait(lambda: world.count(INVITE, timed) == len(NETWORKS), "the seconds of each invitation")
    proves(
        "2. a milestone makes one invitation through the real stream mapping and the real binary, on X, Bluesky and "
        "Mastodon"
    )
    prove_news_of_milestones(mailbox)

    world.follow_to(701)
    world.invoke()
    world.wait_for_invitation(700)
    # The stream is in order: everything before the last hug has been filtered by now.
    # Two writes of a hug start invite-follower: when it is reached, and when it is invited and has news.
    hugs = 2 * (len(NETWORKS) + 1)
    wait(lambda: world.count(INVITE, "START RequestId") >= 2, "the log of invite-follower")
    started = world.count(INVITE, "START RequestId")
    written = sum(int(item.get("revision", {"N": "1"})["N"]) for item in world.items())
    check(
        started <= hugs < written,
        f"invite-follower is started by {hugs} writes of hugs at most",
        started,
        f"{written} records",
    )
    sent = [len(world.posts(network)) for network in NETWORKS]
    check(sent == [2, 1, 1], "still one post a hug", sent)
    proves(f"3. only hugs reach invite-follower: of {written} records that were written, {started} started it")
