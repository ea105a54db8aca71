"""The rest of the promise on the deployed stack: the answer, the topic, the song and the hug; and "stop"."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from news import Mailbox
from processes import Make
from proof import check, proves, wait
from world import CHECK, INVITE, Item, World

VIDEO, OTHER_VIDEO = "dQw4w9WgXcQ", "hugHUGhug_0"
BLUESKY, MASTODON = "bluesky:amber.bsky.social", "mastodon:amber@mastodon.example"


def link(video: str) -> str:
    return f"https://youtu.be/{video}"


class Creator:
    """Who uses `hug` on the ledger of the stack, and publishes videos."""

    def __init__(self, hug: str, world: World, settings: Path, secrets: Mapping[str, str]) -> None:
        self.hug, self.world, self.settings = hug, world, settings
        self.environment = {**os.environ, **secrets}

    def __call__(self, *arguments: str) -> str:
        """Runs `hug`, which must work."""
        place = ["--table", self.world.output("LedgerTable"), "--settings", str(self.settings)]
        command = [self.hug, *arguments, *place]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        printed = done.stdout + done.stderr
        check(done.returncode == 0, f"hug {' '.join(arguments)} works", printed)
        return printed

    def publish(self, video: str, title: str) -> None:
        self.world.stand_in("POST", "video", "youtube", id=video, title=title)


def answer(world: World, number: int, text: str, network: str = "x") -> str:
    """The follower of that hug answers the invitation; returns the id of the answer."""
    hug: Any = world.hug(number, network)
    handle = hug["follower"]["M"]["handle"]["S"]
    invitation = hug["invitation"]["M"]["receipt"]["M"]["reference"]["S"]
    posted: str = world.stand_in("POST", "answer", network, handle=handle, text=text, to=invitation)["id"]
    return posted


def hear(world: World, account: str, number: int, status: str) -> None:
    """A check of the account hears the answer to that hug."""
    error, summary = world.invoke(account=account)
    heard = [hug["status"] for one in summary["accounts"] for hug in one.get("heard", [])]
    check(not error and heard == [status], f"the check of {account} hears the answer", summary)
    found = world.status(number, account.split(":")[0])
    # The check publishes the songbook before it answers, and the stream may bring a song meanwhile.
    there = found == status or (status, found) == ("song_posted", "hugged")
    check(there, f"the hug for {number} of {account} is {status}", found)


def wait_for_hug(world: World, number: int, network: str = "x") -> None:
    wait(lambda: world.status(number, network) == "hugged", f"the song for {number} on {network}")


def songs(world: World, video: str, network: str = "x") -> list[Any]:
    """The posts that bring that video."""
    url = link(video)
    return [post for post in world.posts(network) if url in post["text"] or post.get("link") == url]


def stops(world: World) -> list[Item]:
    return [item for item in world.items() if item["pk"]["S"].startswith("stop#")]


def prove_songs(make: Make, world: World, creator: Creator, youtube_key: str) -> None:
    """To be called after each account has invited the follower for 600."""
    name = "YOUTUBE_API_KEY"
    printed = make("secret", f"NAME={name}", f"SETTINGS={creator.settings}", typed=youtube_key + "\n")
    check(youtube_key not in printed and "does not need" not in printed, "YouTube's key is a secret", printed)
    mailbox = Mailbox(world)
    prove_song_by_hand(world, creator, mailbox)
    prove_song_found(world, creator, mailbox)
    prove_stop(world, mailbox)
    mailbox.close()


def prove_song_by_hand(world: World, creator: Creator, mailbox: Mailbox) -> None:
    answered = answer(world, 600, "@amber about rain on a tin roof")
    hear(world, "x:amber", 600, "topic_chosen")
    mailbox.wait_for("x:amber 600", "wishes for a song about", "rain on a tin roof", "hug song 600")
    creator("topic", "600", "Rain on a tin roof", "--account", "x:amber")
    creator.publish(VIDEO, "Rain on a Tin Roof")
    creator("song", "600", link(VIDEO), "--account", "x:amber")
    wait_for_hug(world, 600)
    mailbox.wait_for("x:amber 600", "has the song, and a hug")
    brought = songs(world, VIDEO)
    check([post["reply_to"] for post in brought] == [answered], "the song is a reply to the answer", brought)
    wait(lambda: world.count(INVITE, '"SongsSent":1') == 1, "the song is counted")
    hug = world.hug(600)
    error, summary = world.invoke(account="x:amber")
    check(not error and world.hug(600) == hug, "a check leaves a hug that has ended as it is", summary)
    check(len(songs(world, VIDEO)) == 1, "the song is brought once", songs(world, VIDEO))
    proves(
        "8a. an answer on X is heard, `hug topic` and `hug song` write to the table, and the stream brings the song as "
        "a reply: hugged, with news of the topic and of the hug"
    )


def prove_song_found(world: World, creator: Creator, mailbox: Mailbox) -> None:
    answered = answer(world, 600, "about the sea", "bluesky")
    hear(world, BLUESKY, 600, "topic_chosen")
    mailbox.wait_for(f"{BLUESKY} 600", "about the sea", "into the title")
    (news,) = [text for text in mailbox.of(f"{BLUESKY} 600") if "into the title" in text]
    mark = re.search(r"write (\S+) into the title", news)
    check(mark, "the news say which mark the video needs", news)
    creator.publish(OTHER_VIDEO, f"The Sea {mark[1] if mark else ''}")
    # The list of the channel's videos is kept for a minute. A new process of the function reads it anew.
    world.restart(CHECK)
    hear(world, BLUESKY, 600, "song_posted")
    wait_for_hug(world, 600, "bluesky")
    mailbox.wait_for(f"{BLUESKY} 600", "has the song, and a hug")
    brought = songs(world, OTHER_VIDEO, "bluesky")
    check([post["reply_to"] for post in brought] == [answered], "the song is a reply to the answer", brought)
    proves("8b. a video with the mark is found on YouTube by itself, and reaches the follower on Bluesky: hugged")


def prove_stop(world: World, mailbox: Mailbox) -> None:
    check(stops(world) == [], "nobody has said stop", stops(world))
    sent = len(world.posts("mastodon"))
    answer(world, 600, "@amber Stop, please.", "mastodon")
    hear(world, MASTODON, 600, "declined")
    mailbox.wait_for(f"{MASTODON} 600", "said stop")
    follower: Any = world.hug(600, "mastodon")["follower"]
    said = [item["sk"]["S"] for item in stops(world)]
    check(said == [follower["M"]["id"]["S"]], "who said stop is written down", said, follower)
    check(len(world.posts("mastodon")) == sent, "nothing more is sent to them", world.posts("mastodon"))
    proves(
        "8c. an answer of stop on Mastodon ends the hug, and its follower is in the list of those who are left alone"
    )


def prove_rights_of_songs(world: World, creator: Creator) -> list[str]:
    """Without each right in the list that it returns, no answer and no song is lost. The song for 700 on X is left for
    `make redrive`."""

    def denied_check(step: str) -> None:
        world.invoke_denied(step)
        check(world.status(700) == "invited", "the hug is as it was", world.status(700))

    answer(world, 700, "@amber about the wind")
    with world.without(CHECK, "dynamodb:Query"):
        denied_check("reading the hugs")
    with world.without(CHECK, "dynamodb:PutItem"):
        denied_check("writing the hug")
    hear(world, "x:amber", 700, "topic_chosen")
    creator.publish("windWINDw_1", "The Wind")
    before = world.count(INVITE, "AccessDenied")
    with world.without(INVITE, "dynamodb:PutItem"):
        creator("song", "700", link("windWINDw_1"), "--account", "x:amber")
        wait(lambda: world.count(INVITE, "AccessDenied") > before, "a denial at the song")
        line = [line for line in world.log(INVITE) if "AccessDenied" in line][-1]
        check("writing the hug" in line, "the step that fails is 'writing the hug'", line)
    found = (world.status(700), songs(world, "windWINDw_1"))
    check(found == ("song_posted", []), "nothing is sent before the claim is written", found)
    return [
        "check-followers dynamodb:Query with a hug that waits",
        "check-followers dynamodb:PutItem at an answer",
        "invite-follower dynamodb:PutItem at a song",
    ]
