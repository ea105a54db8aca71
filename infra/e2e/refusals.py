"""What stops a deploy, before anything is changed."""

import re
from pathlib import Path

from processes import LOGS, STACK, Make
from proof import check, proves
from world import World


def prove_refusals(make: Make, world: World, settings: Path, secrets: dict[str, str]) -> None:
    def everything() -> tuple[list[str], list[str]]:
        stacks = world.cloudformation.describe_stacks()["Stacks"]
        parameters = world.ssm.describe_parameters()["Parameters"]
        return [stack["StackName"] for stack in stacks], sorted(parameter["Name"] for parameter in parameters)

    def refused(because: str, *arguments: str, **changed: str | None) -> None:
        before = everything()
        printed = make("deploy", *arguments, fails=True, changed=changed)
        check(re.search(because, printed), f"a deploy says {because!r}", printed)
        check(everything() == before, "a refused deploy changes nothing", everything())

    refused("no credentials for AWS", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, HOME=str(LOGS))
    refused("eu-centrl-1 is not a region of AWS; did you mean eu-central-1", AWS_REGION="eu-centrl-1")
    refused("there is nothing under /hug-e2e in us-east-1 yet: run `make settings`")
    printed = make("settings", f"SETTINGS={settings}")
    check("Still missing: make secret NAME=X_API_KEY" in printed, "settings name the missing secrets", printed)
    names = list(secrets)
    prove_secrets_file(make, world, settings, {name: secrets[name] for name in names[:-1]})
    refused(f"missing for .*: {names[-1]};", f"SETTINGS={settings}")
    make("secret", f"NAME={names[-1]}", f"SETTINGS={settings}", typed=secrets[names[-1]] + "\n")
    wrong = settings.with_name("wrong.toml")
    wrong.write_text(settings.read_text().replace("step = 100", "step = 0"))
    refused("line 3, plan.step: 0 is ", f"SETTINGS={wrong}")
    make("settings", f"SETTINGS={wrong}", fails=True)
    large = settings.with_name("large.toml")
    large.write_text(settings.read_text() + "# much\n" * 2000)
    printed = make("settings", f"SETTINGS={large}", fails=True)
    check("a parameter of AWS holds 8192" in printed, "too large settings are refused", printed)
    other = settings.with_name("other.toml")
    other.write_text(settings.read_text() + "# changed\n")
    refused("differs from the settings on AWS: run `make settings`", f"SETTINGS={other}")
    refused("there is nothing under /hug-e2e in eu-west-1 yet", f"SETTINGS={settings}", AWS_REGION="eu-west-1")
    kept = world.ssm.get_parameter(Name=f"/{STACK}/secrets/X_API_KEY")["Parameter"]
    encrypted = kept["Type"] == "SecureString" and kept["Value"] != secrets["X_API_KEY"]
    check(encrypted, "secrets are encrypted", kept["Type"])
    # More than one page of parameters, and those that are needed not on the first.
    for number in range(12):
        world.ssm.put_parameter(Name=f"/{STACK}/secrets/A_{number:02}", Value="unused", Type="SecureString")
    proves(
        "a deploy without credentials, in a wrong region, with a wrong hug.toml or without a secret stops before "
        "anything is changed"
    )


def prove_secrets_file(make: Make, world: World, settings: Path, secrets: dict[str, str]) -> None:
    """Uploads the secrets from the file beside hug.toml, and proves what stops that."""

    def uploaded() -> list[str]:
        names = [parameter["Name"] for parameter in world.ssm.describe_parameters()["Parameters"]]
        return sorted(name.rsplit("/", 1)[1] for name in names if "/secrets/" in name)

    def refused(because: str, text: str, mode: int) -> None:
        file.write_text(text)
        file.chmod(mode)
        printed = make("secrets", f"SETTINGS={settings}", fails=True)
        check(because in printed and "hidden" not in printed, f"make secrets says {because!r}", printed)
        there = uploaded()
        check(not there, "nothing was uploaded", there)

    file = settings.with_suffix(".secrets")
    printed = make("secrets", f"SETTINGS={settings}", fails=True)
    check("`hug connect` makes it" in printed, "a missing file is answered with what makes it", printed)
    refused("can read hug.secrets: chmod 600", "X_API_KEY=hidden", 0o640)
    refused("line 2 of hug.secrets is not a secret", "X_API_KEY=hidden\nhidden", 0o600)
    refused("X_API_KEY must be one word", "X_API_KEY=hid den", 0o600)
    refused("no secret that hug.toml needs", "Y_KEY=hidden", 0o600)
    lines = [f"{name}={value}" for name, value in {**secrets, "Y_KEY": "hidden"}.items()]
    file.write_text("# mine\n\n" + "\n".join(lines) + "\n")
    printed = make("secrets", f"SETTINGS={settings}")
    shown = [name for name, value in secrets.items() if value in printed]
    check(not shown, "no secret is shown", shown)
    check("does not need it: Y_KEY" in printed, "what is not needed is not uploaded", printed)
    there = uploaded()
    check(there == sorted(secrets), "they are all uploaded at once", there)
    file.unlink()
    proves("make secrets uploads what hug.toml needs from hug.secrets at once, and shows no value")
