"""Measures what docs/BENCHMARK.md says, and prints its tables; `make bench` runs it.

Environment: STARTS, CALLS, ACCOUNTS and DELAYS, as the Makefile explains them; PAGE, a file whose end is replaced by
the tables.
"""

import datetime
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from runtime import Function

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "target"
RELEASE = TARGET / "release"
PYTHON = ROOT / ".tools" / "bench" / "bin" / "python"
NODE = ROOT / ".tools" / "bench-node"
EVENTS = ROOT / "events"
SCHEDULE = (EVENTS / "check-followers" / "schedule.json").read_bytes()
BEGIN = "<!-- make bench writes everything below this line -->\n"
# invite-follower is measured twice: with a new invitation in each call, and with a record that it has worked on before.
INVITE = "invite-follower"
AGAIN = "invite-follower, again"
# How many warm calls with an invitation there are in a round. Each reads all hugs of the account, and few have more.
INVITATIONS = 10
# How far away the table is where the network is far away, in milliseconds.
LEDGER_DELAY = 5

STARTS = int(os.environ.get("STARTS", "20"))
CALLS = int(os.environ.get("CALLS", "40"))
ACCOUNTS = [int(number) for number in os.environ.get("ACCOUNTS", "100 1000 10000").split()]
DELAYS = [int(number) for number in os.environ.get("DELAYS", "0 100 300").split()]


class Servers:
    """A new table and a new network; they end with the `with` block."""

    def __init__(self, people: int = 0) -> None:
        program = TARGET / "simulate" / "examples" / "bench-servers"
        self.process = subprocess.Popen([program, str(people)], stdout=subprocess.PIPE)
        assert self.process.stdout
        self.at = json.loads(self.process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.at["aws"],
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "HUG_TABLE": "have-a-hug",
            "HUG_PARAMETERS": "/have-a-hug",
            "PYTHONPATH": str(ROOT / "infra" / "bench" / "python"),
        }

    def post(self, url: str) -> None:
        urllib.request.urlopen(urllib.request.Request(url, method="POST")).read()

    def follow(self) -> None:
        self.post(f"{self.at['bluesky']}/stand-in/follow?n=1")

    def delay(self, network: int) -> None:
        self.post(f"{self.at['aws']}/delay/{network}/{LEDGER_DELAY if network else 0}")

    def counts(self) -> dict[str, Any]:
        """What was asked since the last call of this."""
        with urllib.request.urlopen(f"{self.at['aws']}/counts") as answer:
            return dict(json.load(answer))

    def cpu(self) -> float:
        return time.clock_gettime((~self.process.pid << 3) | 2)


# Of each program: start to first answer, its CPU time, a warm answer, its CPU time, peak memory.
FIGURES = ["first", "first_cpu", "warm", "warm_cpu", "peak"]


@dataclass
class Program:
    """One of those that are compared, and what was measured of it."""

    name: str
    command: list[str]
    figures: dict[str, list[float]] = field(default_factory=lambda: {figure: [] for figure in FIGURES})
    requests: str = ""


def programs() -> list[Program]:
    """All that can be measured here; it says what cannot."""
    found = [
        Program("a bare function", [str(TARGET / "bare" / "release" / "bare")]),
        Program("check-followers", [str(RELEASE / "check-followers")]),
        Program(INVITE, [str(RELEASE / "invite-follower")]),
        Program(AGAIN, [str(RELEASE / "invite-follower")]),
    ]
    node = shutil.which("node")
    if PYTHON.exists():
        found.append(Program("Python", [str(PYTHON), "-m", "awslambdaric", "check.handler"]))
    else:
        print("Python is not measured: its packages are not installed.", file=sys.stderr)
    if node and (NODE / "ready").exists():
        found.append(Program("Node", [node, str(NODE / "start.mjs")]))
    else:
        print("Node is not measured: it, or its packages, are not installed.", file=sys.stderr)
    return found


def reached(check: Function, servers: Servers) -> bytes:
    """One more follows Amber, so that a check owes a hug; returns what the stream says of it."""
    servers.follow()
    account = json.loads(check.call(SCHEDULE)[1])["accounts"][0]
    event = json.loads((EVENTS / "invite-follower" / "reached.json").read_bytes())
    change = event["Records"][0]["dynamodb"]
    key = {"pk": {"S": f"bluesky#{account['id']}"}, "sk": {"S": f"milestone#{account['hugs'][0]['milestone']:010}"}}
    change["Keys"] = key
    change["NewImage"] |= key
    return json.dumps(event).encode()


def measure(servers: Servers, program: Program, events: Sequence[bytes]) -> None:
    """Starts a program, and hands it the events: the first at its start, the others when it is warm."""
    servers.counts()
    log = TARGET / "bench" / f"{program.name}.log"
    with Function(program.command, servers.environment(), log) as function:
        function.call(events[0])
        function.wait()
        cpu = function.cpu()
        servers.counts()
        times = [function.call(event)[0] for event in events[1:]]
        function.wait()
        warm = len(times)
        program.figures["first"].append(function.first_answer * 1000)
        program.figures["first_cpu"].append(cpu * 1000)
        program.figures["warm"] += [seconds * 1000 for seconds in times]
        program.figures["warm_cpu"].append((function.cpu() - cpu) * 1000 / warm)
        program.figures["peak"].append(function.peak())
        counts = servers.counts()
        asked = [f"{number / warm:.4g} {name}" for name, number in counts["aws"].items()]
        program.requests = " + ".join([f"{counts['network'] / warm:.4g} network", *asked]) if asked else "0"


def measure_round(compared: list[Program]) -> None:
    """Each program once, so that what else this computer does meets all alike."""
    with Servers() as servers:
        log = TARGET / "bench" / "checks.log"
        with Function([str(RELEASE / "check-followers")], servers.environment(), log) as check:
            # The first check notes the count; the second one writes the hour's, if the hour is a new one.
            for _ in range(2):
                check.call(SCHEDULE)
            for program in compared:
                if program.name not in (INVITE, AGAIN):
                    measure(servers, program, [SCHEDULE] * (CALLS + 1))
            # Last, because a check of an account with invitations that wait for an answer is not idle.
            hugs = [reached(check, servers) for _ in range(INVITATIONS + 1)]
        records = {INVITE: hugs, AGAIN: hugs[-1:] * (CALLS + 1)}
        for program in compared:
            if program.name in records:
                measure(servers, program, records[program.name])


def short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def spread(values: Sequence[float]) -> str:
    return f"{short(statistics.median(values))} ({short(min(values))}–{short(max(values))})"


def table(head: str, rows: list[list[str]]) -> str:
    columns = head.count("|") - 1
    lines = [head, "|" + " --- |" * columns, *("| " + " | ".join(row) + " |" for row in rows)]
    return "\n".join(lines) + "\n"


def compare() -> str:
    compared = programs()
    measure_round(compared)  # warms the disk's cache, and Python's
    for program in compared:
        for values in program.figures.values():
            values.clear()
    for number in range(STARTS):
        print(f"round {number + 1} of {STARTS}", file=sys.stderr)
        measure_round(compared)
    medians = {figure: statistics.median(values) for figure, values in compared[0].figures.items()}
    ratios, figures = [], []
    for one in compared:
        times = [statistics.median(values) / medians[figure] for figure, values in one.figures.items()]
        ratios.append([one.name, *(f"**{short(value)}**" for value in times)])
        p90 = statistics.quantiles(one.figures["warm"], n=10, method="inclusive")[-1]
        spreads = [spread(values) for values in one.figures.values()]
        figures.append([one.name, *spreads[:3], short(p90), *spreads[3:], one.requests])
    return (
        f"### One account: {STARTS} rounds, in each one start and {CALLS} warm calls of each ({INVITATIONS} "
        "where an invitation is delivered)\n\n"
        "Times the bare function:\n\n"
        + table("| | start to first answer | its CPU time | warm answer | its CPU time | peak memory |", ratios)
        + "\nMedian (smallest–largest), in milliseconds and megabytes:\n\n"
        + table(
            "| | start to first answer | its CPU time | warm answer p50 | p90 | its CPU time | peak memory "
            "| requests of a warm call |",
            figures,
        )
    )


def call_all(servers: Servers, number: int) -> dict[str, float]:
    """The second call of a newly started check-followers: the first one writes the hour's count of each account."""
    log = TARGET / "bench" / "many.log"
    with Function([str(RELEASE / "check-followers")], servers.environment(), log) as function:
        start = function.wait()
        function.call(SCHEDULE)
        servers.counts()
        cpu, others = function.cpu(), servers.cpu()
        seconds, answer = function.call(SCHEDULE)
        function.wait()
        cpu, others = function.cpu() - cpu, servers.cpu() - others
        summary, counts = json.loads(answer), servers.counts()
        if summary["failed"]:
            raise function.error(f"{summary['failed']} checks failed")
        checked = summary["checked"]
        if summary["unchanged"] < number:
            print(f"{number - summary['unchanged']} accounts were not idle", file=sys.stderr)
        return {
            "checked": checked,
            "seconds": seconds,
            "cpu": cpu * 1000 / checked,
            "peak": function.peak(),
            "start": start,
            "network": counts["network"] / checked,
            "ledger": sum(counts["aws"].values()) / checked,
            "others": others * 1000 / checked,
            "table": counts["busy"] * 1000 / checked,
        }


def first_checks(servers: Servers, number: int) -> None:
    """Calls check-followers until it has noted the count of every account."""
    log = TARGET / "bench" / "many.log"
    with Function([str(RELEASE / "check-followers")], servers.environment(), log) as function:
        while json.loads(function.call(SCHEDULE)[1])["unchanged"] < number:
            pass


def many(number: int) -> list[list[str]]:
    rows = []
    with Servers(number) as servers:
        first_checks(servers, number)
        for delay in DELAYS:
            servers.delay(delay)
            calls: list[dict[str, float]] = []
            while len(calls) < 3 and sum(call["seconds"] for call in calls) < 30:
                calls.append(call_all(servers, number))
            medians = [statistics.median(call[figure] for call in calls) for figure in calls[0]]
            _, seconds, _, *rest = (short(median) for median in medians)
            row = [f"{number:,}", f"{delay} / {LEDGER_DELAY if delay else 0}", str(len(calls)), f"{medians[0]:,.0f}"]
            row += [seconds, spread([call["cpu"] for call in calls]), *rest]
            print(*row, sep="  ", file=sys.stderr)
            rows.append(row)
    return rows


def compare_numbers() -> str:
    head = (
        "| accounts | delay of network / ledger, ms | calls | checked in a call | the call, s "
        "| own CPU time an account, ms | peak memory, MB | start, s | requests an account: network | ledger "
        "| the other side's CPU time an account, ms | of that the table |"
    )
    rows = [row for number in ACCOUNTS for row in many(number)]
    return f"### Many accounts in one call of check-followers\n\n{table(head, rows)}"


def said_by(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def circumstances(load: float) -> str:
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ":unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    changed = " with changes" if said_by("git", "status", "--porcelain") else ""
    with_python = said_by(str(PYTHON), "--version") if PYTHON.exists() else "no Python"
    with_node = f"Node {said_by('node', '--version')}" if (NODE / "ready").exists() else "no Node"
    return (
        f"Measured on {datetime.date.today()}, commit {said_by('git', 'rev-parse', '--short', 'HEAD')}{changed}: "
        f"{os.cpu_count()} cores of {model.split(':')[1].strip()}, {memory:.0f} GiB, Linux {os.uname().release} "
        f"{os.uname().machine}; {said_by('rustc', '--version').split(' (')[0]}, {with_python}, {with_node}. "
        f"Load average {load:.2f} before, {os.getloadavg()[0]:.2f} after.\n"
    )


def main() -> None:
    load = os.getloadavg()[0]
    (TARGET / "bench").mkdir(exist_ok=True)
    parts = [compare()] if STARTS else []
    if ACCOUNTS:
        parts.append(compare_numbers())
    text = "\n".join([circumstances(load), *parts])
    print(text)
    if page := os.environ.get("PAGE"):
        file = Path(page)
        file.write_text(file.read_text().partition(BEGIN)[0] + BEGIN + "\n" + text)


if __name__ == "__main__":
    main()
