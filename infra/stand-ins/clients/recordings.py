#!/usr/bin/env python3
"""Holds our types against what the real networks answered: runs every recording that is at hand.

    python3 infra/stand-ins/clients/recordings.py FOLDER      (or: make recordings RECORDINGS=FOLDER)

The recordings are not in this repository. FOLDER has one folder for each:

    x/         tweepy's cassettes as JSON, each with its request, status and body
    youtube/   the JSON files of python-youtube's test data
    mastodon/  mastodon-py's source distribution, unpacked; it needs PyYAML for the Python that runs this
               (mastodon_recordings.py fetches it from PyPI if it runs by itself)

It says which are missing. The exit code is 1 if an answer was read wrongly, 2 if nothing was there to read.
"""

import importlib.util
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
CARGO = ["cargo", "test", "--locked", "--package", "have-a-hug", "--lib", "--"]


def read(name: str, folder: pathlib.Path, module: str) -> bool:
    """Runs the test that reads a folder."""
    test = [*CARGO, f"{module}::recordings::", "--ignored", "--nocapture"]
    environment = {**os.environ, f"{name.upper()}_RECORDINGS": str(folder)}
    ended = subprocess.run(test, cwd=ROOT, env=environment, capture_output=True, text=True)
    print(ended.stdout if ended.returncode == 0 else ended.stdout + ended.stderr, flush=True)
    # A name that no test has is no failure to cargo.
    return ended.returncode == 0 and "test result: ok. 1 passed" in ended.stdout


def missing(name: str, folder: pathlib.Path) -> str | None:
    if not folder.is_dir() or not any(folder.iterdir()):
        return "no such folder, or nothing in it"
    if name == "mastodon" and importlib.util.find_spec("yaml") is None:
        return "the folder is there, but this Python has no PyYAML"
    return None


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1]).resolve()
    results = {}
    for name, module in (("x", "networks::x"), ("youtube", "youtube"), ("mastodon", "networks::mastodon")):
        why = missing(name, folder / name)
        if why is not None:
            results[name] = f"MISSING: {why}"
            continue
        print(f"--- {name}", flush=True)
        if name == "mastodon":
            script = [sys.executable, str(HERE / "mastodon_recordings.py"), str(folder / name)]
            good = subprocess.run(script, cwd=ROOT).returncode == 0
        else:
            good = read(name, folder / name, module)
        results[name] = "read without loss" if good else "READ WRONGLY"
    for name, result in results.items():
        print(f"{name:9} {result}")
    if "READ WRONGLY" in results.values():
        sys.exit(1)
    if "read without loss" not in results.values():
        sys.exit(2)


main()
