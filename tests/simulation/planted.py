"""Takes out, one at a time, what keeps the promise, and lets the simulation find that it is missing.

In a copy of the last commit, under `target/`; nothing else is touched. `make planted`
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "target" / "planted"
DOMAIN = COPY / "functions" / "have-a-hug" / "src"
MAX_SECONDS = 60

# What is taken out, from which file, and what stands in its place.
DEFECTS = [
    (
        "the lease of a claim",
        "hug.rs",
        "if until > now => {\n                Err(NotClaimable::InProgress",
        "if until > now + LEASE + LEASE => {\n                Err(NotClaimable::InProgress",
    ),
    (
        "the transaction: the same writes, one by one",
        "ledger/dynamodb.rs",
        """        match transaction.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed.transaction(&error)),
        }
""",
        """        let all = transaction.as_input().clone().build().map_err(|error| failed.bug(error))?;
        for one in all.transact_items().iter().filter_map(|one| one.put()) {
            let put = self.client.put_item().table_name(&self.table).set_item(Some(one.item().clone()));
            let put = put.set_condition_expression(one.condition_expression().map(str::to_owned));
            let put = put.set_expression_attribute_values(one.expression_attribute_values().cloned());
            put.send().await.map_err(|error| failed.sdk(&error))?;
        }
        match signpost {
            Some(signpost) => self.remember(&account.account, signpost).await,
            None => Ok(()),
        }
""",
    ),
    (
        "the look before a second try",
        "invite.rs",
        """    if may_have_been_sent {
        match find(network, hug).await {""",
        """    if may_have_been_sent {
        match Ok::<Option<String>, NetworkError>(None) {""",
    ),
    (
        "`attribute_not_exists` at the first write",
        "ledger/dynamodb.rs",
        'None => put.condition_expression("attribute_not_exists(pk)"),',
        "None => put,",
    ),
    (
        "the baseline",
        "check.rs",
        "            None => Outcome::Baseline,\n",
        """            None => {
                let nothing = Account { promised_up_to: 0, ..after.clone() };
                self.cross(check, &nothing, &mut after, &profile, &mut newest).await?
            }
""",
    ),
    (
        "the skip of those who have a hug",
        "naming.rs",
        "if let Some(hug) = self.given.get(&follower.id) {",
        'if let Some(hug) = self.given.get("nobody") {',
    ),
]


def run(*command: str | Path, cwd: Path = COPY, **options: Any) -> None:
    subprocess.run(command, check=True, cwd=cwd, **options)


def plant(file: str, old: str, new: str) -> None:
    path = DOMAIN / file
    text = path.read_text()
    if text.count(old) != 1:
        sys.exit(f"{path}: this is not there once, so it cannot be taken out:\n{old}")
    path.write_text(text.replace(old, new))


def simulate() -> tuple[int, str, float, str] | None:
    """The seed, what it says is wrong, the seconds, and the whole story; None where nothing was found."""
    command = ["cargo", "test", "--profile", "simulate", "--locked", "--package", "tests", "--test", "simulation"]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(ROOT / "target" / "planted-build"), "RUST_BACKTRACE": "0"}
    run(*command, "--no-run", env=environment, capture_output=True)
    environment |= {"HISTORIES": "100000", "SEED": ""}
    began = time.monotonic()
    only = ["--", "whatever_happens", "--nocapture"]
    try:
        ended = subprocess.run(
            [*command, *only], cwd=COPY, env=environment, capture_output=True, text=True, timeout=5 * MAX_SECONDS
        )
    except subprocess.TimeoutExpired:
        return None
    seconds = time.monotonic() - began
    pattern = r"^seed (\d+): ([^\n;]+)\n  .*?(?=^the history, for a named case)"
    story = re.search(pattern, ended.stdout + ended.stderr, re.M | re.S)
    return (int(story[1]), story[2], seconds, story[0]) if story else None


def main() -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    run("git", "worktree", "prune", cwd=ROOT)
    run("git", "worktree", "add", "--quiet", "--force", "--detach", COPY, "HEAD", cwd=ROOT)
    missed = 0
    stories = []
    print("| taken out | seed | found and made small in | what it says |\n| --- | --- | --- | --- |", flush=True)
    try:
        for name, file, old, new in DEFECTS:
            run("git", "checkout", "--quiet", "--force", "HEAD")
            plant(file, old, new)
            found = simulate()
            if found:
                seed, what, seconds, story = found
                print(f"| {name} | {seed} | {seconds:.0f} s | {what} |", flush=True)
                stories.append(f"{name}, {story}")
            if not found or seconds > MAX_SECONDS:
                missed += 1
                print(f"| {name} | **not found within {MAX_SECONDS} s** | | |", flush=True)
    finally:
        run("git", "worktree", "remove", "--force", COPY, cwd=ROOT)
    print("\n" + "\n".join(stories))
    print(f"{len(DEFECTS) - missed} found, {missed} missed")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
