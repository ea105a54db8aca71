"""An account in the ledger: its login is sealed, opens for no other, sends its letter, and is gone when forgotten."""

import base64
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from overlaps import prove_overlaps
from processes import Make
from proof import check, proves, wait
from world import CHECK, INVITE, World

ACCOUNT = "bluesky:amber.bsky.social"


class Command:
    """The command `hug` on the stack's ledger, with the key of its logins."""

    def __init__(self, hug: str, world: World, settings: Path, secrets: dict[str, str]) -> None:
        self.hug, self.settings = hug, settings
        self.table, self.key = world.output("LedgerTable"), world.output("LoginsKey")
        self.secrets = secrets

    def __call__(self, *arguments: str, typed: str = "", fails: bool = False) -> str:
        run = [self.hug, *arguments, "--table", self.table, "--settings", str(self.settings)]
        environment = {**os.environ, "HUG_LOGINS_KEY": self.key}
        done = subprocess.run(run, env=environment, input=typed, capture_output=True, text=True)
        printed = done.stdout + done.stderr
        check((done.returncode != 0) == fails, f"hug {arguments[0]}", printed)
        for name, value in self.secrets.items():
            check(value not in printed, f"hug {arguments[0]} prints no {name}", printed)
        return printed


def of_the_account(world: World) -> list[Any]:
    """The items of the account's handle and its row in the roster."""
    handle = ACCOUNT.replace(":", "@")
    return [item for item in world.items() if handle in (item["pk"]["S"], item["sk"]["S"])]


def refusal(world: World, sealed: bytes, key: str, context: dict[str, str]) -> str:
    """With which code KMS refuses to open a login in that context."""
    try:
        world.kms.decrypt(CiphertextBlob=sealed, KeyId=key, EncryptionContext=context)
    except ClientError as error:
        code: str = error.response["Error"]["Code"]
        return code
    return ""


def allow_decryption(world: World, key: str) -> None:
    """The emulator knows no condition on an encryption context, and denies where there is one. So each role gets the
    right to the key once more, without the condition."""
    statement = {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": key}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for function in (CHECK, INVITE):
        world.iam.put_role_policy(RoleName=world.role(function), PolicyName="emulator-logins", PolicyDocument=document)


def prove_roster(make: Make, world: World, hug: str, settings: Path, secrets: dict[str, str]) -> None:
    """Takes Bluesky's account out of hug.toml, and puts it into the ledger."""
    variables = world.functions.get_function_configuration(FunctionName=CHECK)["Environment"]["Variables"]
    check("HUG_LOGINS_KEY" not in variables, "without ROSTER=1 there is no key", variables)
    whole = settings.read_text()
    parts = re.split(r"(?=\n\[\[account\]\]\n)", whole)
    (lines,) = [part for part in parts if 'network = "bluesky"' in part]
    settings.write_text(whole.replace(lines, "\n"))
    make("settings", f"SETTINGS={settings}")
    printed = make("deploy", f"SETTINGS={settings}", "ROSTER=1", "BUILD=true")
    command = Command(hug, world, settings, secrets)
    check(f"export HUG_LOGINS_KEY={command.key}" in printed, "the deploy tells the key", printed[-800:])
    allow_decryption(world, command.key)
    for function in (CHECK, INVITE):
        world.restart(function)

    mark = world.mark("bluesky")
    address = world.networks["bluesky"]
    connect = ["connect", "bluesky", ACCOUNT.split(":")[1], "--server", address, "--appview", address]
    printed = command(*connect, typed=secrets["BLUESKY_APP_PASSWORD"] + "\n")
    check("the login works" in printed, "the account is connected", printed)
    items = {item["sk"]["S"]: item for item in of_the_account(world)}
    kept = items["settings"]
    check(secrets["BLUESKY_APP_PASSWORD"] not in json.dumps(items), "the table has no login in clear", kept)
    check("enrolled" in items[ACCOUNT.replace(":", "@")], "the roster has the account", items)
    sealed = base64.b64decode(kept["login"]["S"])
    own = {"account": ACCOUNT, "server": address, "table": command.table}
    check(refusal(world, sealed, command.key, own) == "", "the login opens in its own context")
    for part, other in (("account", "bluesky:bea.bsky.social"), ("server", "https://evil.example"), ("table", "other")):
        code = refusal(world, sealed, command.key, {**own, part: other})
        check(code == "InvalidCiphertextException", f"with another {part} the login does not open", code)
    proves("10a. a login is sealed into the ledger, and opens for no other account, server or table")

    error, summary = world.invoke()
    check(not error and summary["failed"] == 0, "the round has the account", summary)
    number = world.next_milestone(ACCOUNT)
    check(world.mark("bluesky") == mark < number, "the mark is the old one", mark, number)
    with world.without(INVITE, "kms:Decrypt"):
        world.restart(INVITE)
        before = world.count(INVITE, "opening the login")
        world.follow_to(number + 1, "bluesky")
        world.invoke()
        wait(lambda: world.count(INVITE, "opening the login") > before, "a login that is not opened")
        line = [line for line in world.log(INVITE) if "opening the login" in line][-1]
        check(ACCOUNT in line and "kms:Decrypt" in line, "the log says whose login, and what helps", line)
        check(world.status(number, "bluesky") == "reached", "nothing is sent", world.hug(number, "bluesky"))
    world.restart(INVITE)
    command("retry", str(number), "--account", ACCOUNT)
    world.wait_for_invitation(number, "bluesky")
    proves(
        "10b. without the right to the key nothing is sent; with it the milestone of the account is, with the old mark"
    )

    prove_overlaps(world)

    printed = command("forget", ACCOUNT, "--yes")
    check("its settings and its sealed login" in printed, "forget names what it erases", printed)
    check(of_the_account(world) == [], "nothing of the account is left", of_the_account(world))
    error, summary = world.invoke()
    names = [one["account"] for one in summary["accounts"]]
    check(not error and ACCOUNT not in names, "no round knows it", names)
    settings.write_text(whole)
    make("settings", f"SETTINGS={settings}")
    proves("10c. a forgotten account is gone, with its settings, its login and its row")
