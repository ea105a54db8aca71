"""What runs besides this program: servers that end with it, and `make`."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from proof import Failed

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / ".tools" / "e2e-logs"
STACK = "hug-e2e"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], log: str, environment: Mapping[str, str], piped: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a group of its own, so that what it starts ends with it. Its output goes to the log; if piped, only
    its errors do, and its output is for the caller to read."""
    with (LOGS / log).open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if piped else out,
            stderr=out,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            for end in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, end)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(5)


class Make:
    """`make`, as a person runs it: what it printed, and whether it worked."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.count = 0

    def __call__(
        self, *arguments: str, typed: str = "", fails: bool = False, changed: Mapping[str, str | None] | None = None
    ) -> str:
        """Runs it, with `typed` on its standard input, and returns all that it printed. The variables in `changed` are
        different in its environment, or, where None, not there."""
        environment = {**self.environment, **(changed or {})}
        given = [f"STACK={STACK}", f"ARCHITECTURE={ARCHITECTURE}", "COMPILER=cargo"]
        done = subprocess.run(
            ["make", "--no-print-directory", *given, *arguments],
            cwd=ROOT,
            env={name: value for name, value in environment.items() if value is not None},
            input=typed,
            capture_output=True,
            text=True,
        )
        self.count += 1
        printed = done.stdout + done.stderr
        (LOGS / f"make-{self.count:02}-{arguments[0]}.log").write_text(printed)
        if (done.returncode != 0) != fails:
            raise Failed(f"make {' '.join(arguments)} {'worked' if fails else 'failed'}:\n{printed[-3000:]}")
        return printed
