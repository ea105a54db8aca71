"""Deploys to an AWS emulator on this machine with `make deploy` itself, and proves that it works there.

The emulator is ministack: it runs the real binaries, runs the schedule, feeds the stream through its filter, and
refuses what a function's own role does not allow. What it does not prove is written in infra/README.md. Everything
listens on loopback, and every process that was started is ended, also on failure.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from deploys import prove_deploys, prove_destroy, prove_new_settings
from doctor import prove_doctor
from news import prove_missing_secret, prove_news, prove_refused_news
from processes import LOGS, ROOT, Make, running
from promise import prove_promise
from proof import Failed, began, passed, wait
from redrive import prove_redrive
from refusals import prove_refusals
from rights import prove_rights
from roster import prove_roster
from songbook import prove_changes, prove_publishing, prove_taking_down
from songs import Creator, prove_songs
from transfer import prove_transfer
from world import CHECK, INVITE, World

REGION = "us-east-1"


def prove(hug: str, make: Make, world: World, settings: Path, secrets: dict[str, str], youtube_key: str) -> None:
    creator = Creator(hug, world, settings, secrets)
    prove_refusals(make, world, settings, secrets)
    prove_promise(make, world, settings)
    prove_publishing(make, world, settings)
    prove_songs(make, world, creator, youtube_key)
    prove_changes(world)
    prove_refused_news(world)
    prove_doctor(make, world)
    prove_rights(world, creator)
    prove_redrive(make, world)
    prove_missing_secret(world)
    prove_news(make, world, settings)
    prove_deploys(make, world, settings)
    prove_new_settings(make, world, settings)
    prove_transfer(hug, world, settings, secrets)
    prove_roster(make, world, hug, settings, secrets)
    prove_taking_down(make, world, settings)
    prove_destroy(make, world)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    print(f"Logs: {LOGS.relative_to(ROOT)}", flush=True)
    # Nothing of the person's own AWS may come in.
    foreign = ("AWS_", "HUG_", "MAKE", "MFLAGS")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    aws = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    os.environ.update(aws)
    emulator = {
        **clean,
        **aws,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "AUTH": "true",
    }
    make = Make({**clean, **aws})
    make("build")
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    build = ["cargo", "build", "--quiet", "--locked", "--package", "hug", "--bin", "hug"]
    subprocess.run(build, cwd=ROOT, env=clean, check=True)
    hug = str(target / "debug" / "hug")
    with contextlib.ExitStack() as stack:
        stack.enter_context(running([ROOT / ".tools/ministack/bin/ministack"], "ministack.log", emulator))
        sandbox = running([hug, "sandbox", "--networks-only"], "networks.log", clean, piped=True)
        output = stack.enter_context(sandbox).stdout
        there = json.loads(output.readline() if output else b"")
        settings = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "hug.toml"
        # The proofs cross more milestones than a day may have.
        plan = "step = 100\nmost_a_day = 100\n"
        songs = f'\n[songs]\nyoutube = "{there["channel"]}"\nserver = "{there["youtube"]}"\n'
        settings.write_text(there["settings"].replace("step = 100\n", plan + songs))
        ask = [hug, "settings", "--settings", str(settings)]
        needed = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split()
        secrets = {name: there["secrets"][name] for name in needed}
        # It is uploaded later: a deploy works without it.
        youtube_key = secrets.pop("YOUTUBE_API_KEY")

        def up() -> bool:
            with contextlib.suppress(OSError):
                return bool(urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2).status == 200)
            return False

        wait(up, "the emulator's start", 30)
        world = World(endpoint, there)
        try:
            prove(hug, make, world, settings, secrets, youtube_key)
        finally:
            for function in (CHECK, INVITE):
                with contextlib.suppress(Exception):
                    (LOGS / f"{function}.log").write_text("\n".join(world.log(function)))
    print(f"{len(passed)} passed, 0 failed")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        main()
    except Failed as failed:
        print(f"FAILED after {time.monotonic() - began:.0f} s: {failed}")
        print(f"Logs: {LOGS.relative_to(ROOT)}\n{len(passed)} passed, 1 failed", flush=True)
        sys.exit(1)
