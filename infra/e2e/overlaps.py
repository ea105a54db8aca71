"""A call of check-followers that dies half-way, and two at the same time, on accounts of hug.toml and the ledger."""

import contextlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from proof import check, proves, wait
from world import CHECK, NETWORKS, World

ACCOUNTS = ("x:amber", "bluesky:amber.bsky.social", "mastodon:amber@mastodon.example")

# X's list of followers takes that long to answer, so that a call waits there while the other accounts are done.
SLOW = 8


def cross(world: World) -> dict[str, int]:
    """Each account crosses its next milestone; X is slow. Returns the milestones."""
    numbers = {name.split(":")[0]: world.next_milestone(name) for name in ACCOUNTS}
    for network, number in numbers.items():
        world.follow_to(number + 1, network)
    world.stand_in("POST", "fail", route="/followers?", slow=SLOW)
    return numbers


def half_done(world: World, numbers: dict[str, int]) -> None:
    """Waits until only X is left."""
    others = [network for network in NETWORKS if network != "x"]
    wait(lambda: all(world.hugs(numbers[network], network) for network in others), "the hugs but that of X", 30)
    check(not world.hugs(numbers["x"]), "X is still being read")


def kill(function: str) -> None:
    """Ends the function's processes at once, as when Lambda loses the machine."""
    name = f"AWS_LAMBDA_FUNCTION_NAME={function}".encode()
    killed = 0
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if name in environment.read_bytes().split(b"\0"):
                os.kill(int(environment.parent.name), signal.SIGKILL)
                killed += 1
    check(killed > 0, f"a process of {function} was killed")


def each_has_one_invitation(world: World, numbers: dict[str, int], before: dict[str, int]) -> None:
    for network, number in numbers.items():
        world.wait_for_invitation(number, network)
        check(len(world.hugs(number, network)) == 1, f"one hug for {number} on {network}")
    sent = {network: len(world.posts(network)) - before[network] for network in NETWORKS}
    check(set(sent.values()) == {1}, "each account sent one invitation", sent)


def prove_overlaps(world: World) -> None:
    def sent() -> dict[str, int]:
        return {network: len(world.posts(network)) for network in NETWORKS}

    with ThreadPoolExecutor() as calls:
        before, numbers = sent(), cross(world)
        died = calls.submit(world.invoke)
        half_done(world, numbers)
        kill(CHECK)
        # The emulator answers with an error, or not at all before its own time is over.
        with contextlib.suppress(Exception):
            died.result(timeout=SLOW)
        error, summary = world.invoke()
        check(not error and summary["failed"] == 0, "the call after the one that died", error, summary)
        each_has_one_invitation(world, numbers, before)

        before, numbers = sent(), cross(world)
        first = calls.submit(lambda: (world.invoke(), time.monotonic()))
        half_done(world, numbers)
        error, summary = world.invoke()
        ended = time.monotonic()
        check(not error and summary["failed"] == 0, "the call beside the first", error, summary)
        (error, summary), first_ended = first.result(timeout=60)
        check(not error and summary["failed"] == 0, "the first call", error, summary)
        check(ended < first_ended, "the second call ran beside the first", first_ended - ended)
        each_has_one_invitation(world, numbers, before)
    proves(
        "11. with accounts on three networks in hug.toml and in the ledger, a call that dies half-way and two calls at "
        "the same time double nothing and miss nothing"
    )
