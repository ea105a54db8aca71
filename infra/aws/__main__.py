"""What `make` does on AWS besides building and `sam deploy`.

Every command first says what it is about to do, in which account and region. It stops with a plain message before
anything is changed if there are no credentials, the region does not exist, the settings are wrong or a secret is
missing.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import commands
from botocore.exceptions import BotoCoreError, ClientError
from doctor import doctor
from session import Aws, Stop, error_code

COMMANDS: dict[str, tuple[Callable[[Aws, argparse.Namespace], None], list[str]]] = {
    # What make calls it, what it runs, and its arguments.
    "settings": (commands.upload_settings, []),
    "secret": (commands.upload_secret, ["name"]),
    "secrets": (commands.upload_secrets, []),
    "check-deploy": (commands.check_deploy, ["songbook"]),
    "finish-deploy": (commands.finish_deploy, []),
    "check-stack": (commands.check_stack, ["action"]),
    "invoke": (commands.invoke, ["event"]),
    "status": (commands.status, []),
    "redrive": (commands.redrive, ["account", "milestone"]),
    "doctor": (doctor, []),
    "destroy": (commands.destroy, []),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="What `make` does on AWS.")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--settings", required=True, type=Path)
    parser.add_argument("--roster", default="")
    subparsers = parser.add_subparsers(required=True)
    for name, (run, arguments) in COMMANDS.items():
        subparser = subparsers.add_parser(name)
        subparser.set_defaults(run=run)
        for argument in arguments:
            subparser.add_argument(argument)
    given = parser.parse_args()
    try:
        given.run(Aws(given.stack, given.settings.resolve(), given.roster), given)
    except Stop as stop:
        sys.exit(f"Stopped: {stop}.".replace("..", "."))
    except ClientError as error:
        why = error.response["Error"].get("Message") or error_code(error)
        sys.exit(f"Stopped: AWS refused {error.operation_name}: {why} ({error_code(error)}).")
    except BotoCoreError as error:
        sys.exit(f"Stopped: AWS could not be asked: {error}")


if __name__ == "__main__":
    main()
