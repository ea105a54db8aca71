"""The `hug` command of this repository. It alone knows what right settings are, and how to read the ledger."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from session import Aws, Stop

ROOT = Path(__file__).resolve().parents[2]


def command() -> list[str]:
    """How it is called: by HUG, or built and run from the sources."""
    return os.environ.get("HUG", "cargo run --quiet --locked --package hug --bin hug --").split()


@contextlib.contextmanager
def as_file(settings: str) -> Iterator[Path]:
    """The text of settings as a file, as long as it is needed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hug.toml"
        file.write_text(settings)
        yield file


def check_settings(aws: Aws, path: Path, secrets: list[str] | None = None) -> list[str]:
    """Lets the functions' own parser check the settings; returns the names of the secrets that they need."""
    arguments = settings_command(aws, path)
    if secrets is not None:
        # A name that no secret has keeps an empty list from meaning "all".
        arguments += ["--secrets", ",".join(secrets) or "-"]
    done = subprocess.run([*command(), *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise Stop(done.stderr.strip().removeprefix("hug: "))
    return done.stdout.split()


def settings_command(aws: Aws, path: Path) -> list[str]:
    """The command that checks settings: for a stack with accounts in its ledger they do not have to name one."""
    return ["settings", "--settings", str(path), *(["--roster"] if aws.has_roster() else [])]


def needed_secrets(aws: Aws, path: Path, known: list[str]) -> list[str]:
    """The names of the secrets that valid settings need. Where a secret may have two names, the one in `known` wins."""
    arguments = [*settings_command(aws, path), "--secrets", ",".join(known) or "-"]
    # The exit code is not checked, because the command ends with an error if a secret is missing.
    return subprocess.run([*command(), *arguments], cwd=ROOT, capture_output=True, text=True).stdout.split()


def on_ledger(aws: Aws, *arguments: str) -> int:
    """Runs `hug` on the stack's ledger with the settings that the functions use, and lets it print; returns its exit
    code. It is given the credentials that this program has, because it does not read a profile of `aws sso login`."""
    table = aws.need_stack()["LedgerTable"]
    uploaded, _ = aws.parameters()
    sys.stdout.flush()
    with as_file(uploaded) if uploaded is not None else contextlib.nullcontext(aws.settings) as settings:
        run = [*command(), *arguments, "--table", table, "--settings", str(settings)]
        return subprocess.run(run, cwd=ROOT, env={**os.environ, **aws.environment()}).returncode
