"""Deploys keep what is there, a failing one rolls back, new settings reach a running function, and destroy asks."""

import tempfile
from pathlib import Path
from typing import Any

from processes import ROOT, STACK, Make
from proof import check, proves, wait
from songbook import buckets, is_gone
from world import CHECK, INVITE, World

# What AWS itself changes, and the timeout, which `make settings` and `make secret` move by a second.
MAY_CHANGE = {"ResponseMetadata", "LastModified", "RevisionId", "Timeout"}

# A resource that cannot be created, after another has been changed.
IMPOSSIBLE = """
  Impossible:
    Type: AWS::Lambda::Url
    DependsOn: CheckFollowers
    Properties: { TargetFunctionArn: no-such-function, AuthType: AWS_IAM }

Outputs:
"""

Configurations = dict[str, dict[str, Any]]


def configurations(world: World) -> Configurations:
    kept = {}
    for function in (CHECK, INVITE):
        world.functions.get_waiter("function_updated_v2").wait(FunctionName=function)
        kept[function] = world.functions.get_function_configuration(FunctionName=function)
    return kept


def check_same(before: Configurations, after: Configurations, *but: str) -> None:
    for function, configuration in before.items():
        for name in (configuration.keys() | after[function].keys()) - MAY_CHANGE - set(but):
            old, new = configuration.get(name), after[function].get(name)
            check(old == new, f"{name} of {function} is the same", old, new)


def change_code() -> None:
    """Bytes after the end of an ELF file change its hash and nothing else."""
    for name in ("check-followers", "invite-follower"):
        with (ROOT / "target" / "lambda" / name / "bootstrap").open("ab") as binary:
            binary.write(b"\n")


def prove_deploys(make: Make, world: World, settings: Path) -> None:
    deploy = ["deploy", f"SETTINGS={settings}"]
    items = world.sorted_items()

    def check_kept() -> None:
        now = world.sorted_items()
        check(now == items, "table and state are kept", len(now), len(items))

    before, stamp = configurations(world), world.stack().get("LastUpdatedTime")
    printed = make(*deploy)
    check("No changes to deploy" in printed, "a deploy of the same code finds nothing to do", printed[-800:])
    check(world.stack().get("LastUpdatedTime") == stamp, "the stack is not changed")
    check_same(before, configurations(world))
    check_kept()
    proves("5b. a second deploy of the same code changes nothing")

    for sentence, arguments in [
        ("5c. deploy-code puts new code on AWS and keeps table, state and environment", ["deploy-code"]),
        ("5d. a deploy of new code keeps table, state and environment", deploy),
    ]:
        before = configurations(world)
        change_code()
        make(*arguments, "BUILD=true")
        after = configurations(world)
        check_same(before, after, "CodeSha256", "CodeSize")
        check(all(before[name]["CodeSha256"] != after[name]["CodeSha256"] for name in before), "the code is new")
        check_kept()
        error, summary = world.invoke(dry_run=True)
        check(not error and summary["failed"] == 0, "the new code answers", summary)
        proves(sentence)

    before = configurations(world)
    with tempfile.TemporaryDirectory() as folder:
        broken = Path(folder) / "template.yaml"
        text = (ROOT / "infra" / "template.yaml").read_text()
        text = text.replace("CodeUri: ../", f"CodeUri: {ROOT}/").replace("MemorySize: 128", "MemorySize: 256")
        text = text.replace("\nOutputs:\n", IMPOSSIBLE)
        check("Impossible" in text and "MemorySize: 256" in text, "the template is broken on purpose")
        broken.write_text(text)
        make(*deploy, f"TEMPLATE={broken}", "BUILD=true", fails=True)
    wait(lambda: world.stack()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", "the rollback")
    check_same(before, configurations(world))
    check_kept()
    make(*deploy, "BUILD=true")
    proves("5e. a failing deploy rolls back, and the next one works")


def prove_new_settings(make: Make, world: World, settings: Path) -> None:
    settings.write_text(settings.read_text().replace("step = 100", "step = 250"))
    make("settings", f"SETTINGS={settings}")
    error, summary = world.invoke(account="x:amber", dry_run=True)
    good = not error and summary["accounts"][0]["next_milestone"] == 1350
    check(good, "the next milestone is by the new plan", summary)
    proves("make settings reaches a function that is running")


def prove_destroy(make: Make, world: World) -> None:
    printed = make("destroy", typed="no\n", fails=True)
    there = world.stack()["StackStatus"].endswith("COMPLETE")
    check("nothing was changed" in printed and there, "destroy asks first", printed)
    table, items = world.output("LedgerTable"), len(world.items())
    printed = make("destroy", typed=f"{STACK}\n")
    check("and the songbook at https://" in printed, "destroy says that the songbook goes", printed)
    check(is_gone(world), "the songbook is gone", buckets(world))
    check(f"Kept: the table {table}" in printed, "destroy says what it keeps", printed)
    kept = world.dynamodb.scan(TableName=table, Select="COUNT")["Count"]
    check(kept == items, "the ledger is kept", kept, items)
    check(world.ssm.get_parameter(Name=f"/{STACK}/settings"), "the settings are kept")
    left = [function["FunctionName"] for function in world.functions.list_functions()["Functions"]]
    check(left == [], "the functions are gone", left)
    proves("make destroy asks first, removes the stack, and keeps the ledger, the settings and the secrets")
