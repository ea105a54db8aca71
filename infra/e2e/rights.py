"""Each right that is removed makes its own step fail; with all of them nothing is denied."""

import json
from collections.abc import Callable

from processes import LOGS, ROOT
from proof import check, proves, wait
from songbook import prove_right
from songs import Creator, prove_rights_of_songs
from world import CHECK, INVITE, World


def prove_rights(world: World, creator: Creator) -> None:
    for function in (CHECK, INVITE):
        denied = [line for line in world.log(function) if "AccessDenied" in line]
        check(not denied, f"with its full role {function} is denied nothing", denied)

    # What fails before Lambda's first event is returned to the caller; the emulator keeps it in its own log.
    emulator = LOGS / "ministack.log"

    def denied_start(function: str, run: Callable[[], object]) -> None:
        def denials() -> int:
            lines = emulator.read_text().splitlines()
            return sum(
                function in line and "reading the parameters under" in line and "AccessDenied" in line for line in lines
            )

        before = denials()
        world.restart(function)
        run()
        wait(lambda: denials() > before, f"{function} cannot start without its parameters")

    shown = [prove_right(world)]
    with world.without(CHECK, "ssm:GetParametersByPath"):
        denied_start(CHECK, world.invoke)
    world.restart(CHECK)
    shown.append("check-followers ssm:GetParametersByPath")
    # A new process writes the hour's counts at once. Where it may not, that is only logged.
    with world.without(CHECK, "dynamodb:BatchWriteItem"):
        world.restart(CHECK)
        error, summary = world.invoke()
        check(not error and summary["failed"] == 0, "accounts are checked without the hour's counts", error, summary)

        def is_logged() -> bool:
            lines = (line for line in world.log(CHECK) if "the hour's counts are not recorded" in line)
            return any("AccessDenied" in line for line in lines)

        wait(is_logged, "a denial of the hour's counts")
    world.restart(CHECK)
    shown.append("check-followers dynamodb:BatchWriteItem")
    with world.without(CHECK, "dynamodb:GetItem"):
        world.invoke_denied("reading the handle")
    shown.append("check-followers dynamodb:GetItem")
    with world.without(CHECK, "dynamodb:PutItem"):
        world.invoke_denied("writing the check")
    shown.append("check-followers dynamodb:PutItem")
    world.follow_to(801)
    with world.without(CHECK, "dynamodb:Query"):
        world.invoke_denied("reading the hugs")
    shown.append("check-followers dynamodb:Query")
    # A rate limit is what a check writes with an update of its own.
    with world.without(CHECK, "dynamodb:UpdateItem"):
        world.stand_in("POST", "fail", route="?user.fields=public_metrics", rate_limited=1)
        world.invoke_denied("writing the handle")
    shown.append("check-followers dynamodb:UpdateItem")

    def denied_invitation(number: int, step: str) -> None:
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
        # The words are written with the account, and the account's row of the roster with them.
        denied_invitation(1000, "writing the hug")
    shown.append("invite-follower dynamodb:UpdateItem")

    def reach_1100() -> None:
        world.follow_to(1101)
        world.invoke(account="x:amber")

    with world.without(INVITE, "ssm:GetParametersByPath"):
        denied_start(INVITE, reach_1100)
    world.restart(INVITE)
    # The emulator tries this one a second time, which must not happen while the next right is gone.
    world.wait_for_invitation(1100)
    shown.append("invite-follower ssm:GetParametersByPath")
    # The brake counts the invitations of the last 24 hours.
    with world.without(INVITE, "dynamodb:Query"):
        denied_invitation(1200, "reading the hugs")
    shown.append("invite-follower dynamodb:Query")
    # The emulator decrypts for everyone, so this test cannot show the right to decrypt; news.py shows sns:Publish.
    listed = json.loads((ROOT / "infra" / "rights.json").read_text())
    elsewhere = ("kms:Decrypt", "sns:Publish")
    all_of_them = {f"{name} {right}" for name, rights in listed.items() for right in rights if right not in elsewhere}
    check(set(shown) == all_of_them, "each right in infra/rights.json is removed once", all_of_them ^ set(shown))
    more = prove_rights_of_songs(world, creator)
    proves(
        f"4. each of these {len(shown)} rights removed fails just its own step with access denied: {', '.join(shown)}"
    )
    proves(f"4b. nothing is lost, or sent, without these rights: {', '.join(more)}")
