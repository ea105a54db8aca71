"""Proves that an account's records move from AWS to a laptop and back, and that no check makes a new baseline."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from proof import check, proves, wait
from world import World

NAME = "x:amber"


def prove_transfer(hug: str, world: World, settings: Path, secrets: dict[str, str]) -> None:
    on_aws = ["--table", world.output("LedgerTable")]
    with tempfile.TemporaryDirectory() as folder:
        here, file = ["--state", str(Path(folder) / ".hug")], str(Path(folder) / "ledger.jsonl")

        def run(*arguments: str) -> tuple[int, str]:
            command = [hug, "--settings", str(settings), *arguments]
            done = subprocess.run(command, env={**os.environ, **secrets}, capture_output=True, text=True)
            return done.returncode, done.stdout + done.stderr

        def succeeds(*arguments: str) -> str:
            code, printed = run(*arguments)
            check(code == 0, f"hug {' '.join(arguments)} works", printed)
            return printed

        def exported() -> bool:
            # While an invitation is under way, nothing is exported.
            return run("export", file, "--account", NAME, *on_aws)[0] == 0

        wait(exported, "the export from AWS", 120)
        mark = world.mark()
        error, summary = world.invoke(account=NAME)
        check(not error and summary["accounts"][0]["outcome"] == "paused", "the source is paused", summary)
        succeeds("import", file, *here)
        _, printed = run("check", "--account", NAME, *here)
        check(
            "counted from here on" not in printed and "followers, no change" in printed, "no new baseline here", printed
        )
        status = json.loads(succeeds("status", "--json", *here))
        marks = [account["promised_up_to"] for account in status["accounts"] if account["account"] == NAME]
        check(marks == [mark], "the mark was imported", marks, mark)
        succeeds("export", file, "--account", NAME, *here)
        succeeds("import", file, *on_aws)
        error, summary = world.invoke(account=NAME)
        (looked,) = summary["accounts"]
        check(not error and looked["outcome"] == "no_milestone", "AWS goes on from the mark", summary)
        check(looked["promised_up_to"] == mark == world.mark(), "it is the same mark", looked, mark)
    proves("an account's records move from AWS to a laptop and back, with its mark and its hugs")
