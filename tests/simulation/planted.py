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
FUNCTIONS = COPY / "functions"
# With the time to make the history small, on two slow cores.
MAX_SECONDS = 600

# What is taken out, from which file, and what is there instead.
DEFECTS = [
    (
        "the lease of a claim",
        "promise/src/hug.rs",
        "match (&self.status, self.letter_state().claimed_until(now)) {",
        "match (&self.status, self.letter_state().claimed_until(now + LEASE + LEASE)) {",
    ),
    (
        "the transaction: the same writes, one by one",
        "have-a-hug/src/ledger.rs",
        """        let transaction = self.client.transact_write_items();
        let sent = transaction.set_transact_items(Some(writes)).send().await;
        sent.map_err(|error| call.transaction(&error))?;
""",
        """        for write in writes {
            if let Some(put) = write.put() {
                let one = self.client.put_item().table_name(&self.table).set_item(Some(put.item().clone()));
                let one = one.set_condition_expression(put.condition_expression().map(str::to_owned));
                let one = one.set_expression_attribute_values(put.expression_attribute_values().cloned());
                one.send().await.map_err(|error| call.sdk(&error))?;
            }
            if let Some(update) = write.update() {
                let one = self.client.update_item().table_name(&self.table).set_key(Some(update.key().clone()));
                let one = one.update_expression(update.update_expression());
                let one = one.set_expression_attribute_values(update.expression_attribute_values().cloned());
                one.send().await.map_err(|error| call.sdk(&error))?;
            }
        }
""",
    ),
    (
        "the look before a second try",
        "have-a-hug/src/deliver.rs",
        "if let Some(receipt) = self.find(&words).await? {",
        "if let Some(receipt) = None::<Receipt> {",
    ),
    (
        "`attribute_not_exists` at the first write",
        "have-a-hug/src/ledger.rs",
        'None => put.condition_expression("attribute_not_exists(pk)"),',
        "None => put,",
    ),
    (
        "the baseline",
        "promise/src/record.rs",
        "            promised_up_to: followers,\n",
        "            promised_up_to: 0,\n",
    ),
    (
        "the check of an account whose hugs wait, where the count is the same",
        "promise/src/glance.rs",
        "self.hugs_due_at.is_some_and(|due| due <= now)",
        "self.hugs_due_at.is_some_and(|due| due == now)",
    ),
    (
        "the check of an account whose count has moved by one",
        "have-a-hug/src/check/glance.rs",
        "if counted.profile.followers == glance.followers {",
        "if counted.profile.followers.abs_diff(glance.followers) < 2 {",
    ),
    (
        "the rate limit that accounts share",
        "check-followers/src/places.rs",
        "limit.filter(|limit| limit.until > now).cloned()",
        "limit.filter(|limit| limit.until < now).cloned()",
    ),
    (
        "the rate limit that a check meets",
        "check-followers/src/round.rs",
        "self.note_limit(candidate.place.as_deref(), blocked_until);\n",
        "let _ = blocked_until;\n",
    ),
    (
        "the skip of those who have a hug",
        "have-a-hug/src/check/recipient.rs",
        "let known = hugs.known.iter().flat_map(|hug| {",
        "let known = hugs.known.iter().take(0).flat_map(|hug| {",
    ),
    (
        "the brake on what is owed",
        "have-a-hug/src/check/crossing.rs",
        "let mut left_today = brake.left();",
        "let mut left_today = usize::MAX - brake.left();",
    ),
    (
        "the brake on what goes out",
        "have-a-hug/src/deliver.rs",
        "if !brake.allows_sending(&self.hug) {",
        "if !brake.allows_sending(&self.hug) && brake.now == jiff::Timestamp::MAX {",
    ),
    (
        "the second look at a leap",
        "promise/src/count.rs",
        "    count.saturating_sub(before) > before.max(MAX_LEAP)\n",
        "    count.saturating_sub(before) > before.max(MAX_LEAP * MAX_LEAP)\n",
    ),
    (
        "the marker of a milestone that waits",
        "have-a-hug/src/check/recipient.rs",
        "let judged = pending.and_then(|pending| Some((pending.judged.as_ref()?, Some(pending))));",
        "let judged = pending.and_then(|pending| Some((pending.judged.as_ref()?, Some(pending)))).filter(|_| false);",
    ),
    (
        "`to_send`: it counts as sent",
        "promise/src/hug/delivery.rs",
        "let mut to_send = self.settled_as(Status::ToSend, now);",
        "let mut to_send = self.settled_as(self.status_after_letter(), now);",
    ),
    (
        "patience: a failure that ends by itself counts as refused",
        "have-a-hug/src/deliver.rs",
        "if error.failure != Failure::Refused {",
        "if !matches!(error.failure, Failure::Refused | Failure::Blocked { .. }) {",
    ),
    (
        "one message for a wave",
        "have-a-hug/src/check/crossing.rs",
        "let is_told = hug.hold.is_some_and(is_told);",
        "let is_told = hug.hold.is_some_and(is_told) && crossing.hugs.len() > 1000;",
    ),
    (
        "the creator's approval",
        "promise/src/hug/delivery.rs",
        """            Status::Held => return Err(NotNow::Held),
            settled => return Err(NotNow::Settled(settled.clone())),
        }
        let mut claimed""",
        """            Status::Held => {}
            settled => return Err(NotNow::Settled(settled.clone())),
        }
        let mut claimed""",
    ),
    (
        "the author of an answer",
        "promise/src/hug/answers.rs",
        "follower.is_some_and(|follower| follower.id == answer.author)\n            && invitation",
        "follower.is_some()\n            && invitation",
    ),
    (
        "the answers that were judged",
        "promise/src/hug/answers.rs",
        "&& !self.answers.judged.contains(&answer.version)",
        "&& !self.answers.judged.contains(&answer.text)",
    ),
    (
        "stop, where it is heard: it is a topic like any other",
        "promise/src/hug/answers.rs",
        "Meaning::Stop => return Some(next.declined()),",
        'Meaning::Stop => next.hear(answer, "stop", None),',
    ),
    (
        "stop, where a hug is owed",
        "have-a-hug/src/check/recipient.rs",
        "let stops = stops.into_iter().map(",
        "let stops = stops.into_iter().take(0).map(",
    ),
    (
        "stop, where a letter is sent",
        "have-a-hug/src/deliver.rs",
        "if self.follower_said_stop().await? {",
        "if self.follower_said_stop().await? && self.hug.passed.is_some() {",
    ),
    (
        "the look before a second song",
        "have-a-hug/src/deliver.rs",
        "if let Some(receipt) = self.find(&words).await? {",
        "if let Some(receipt) = self.find(&words).await?.filter(|_| self.hug.posted.is_none()) {",
    ),
    (
        "the older answers to a letter that was not asked for before",
        "have-a-hug/src/check/answers.rs",
        "is_new: !known.of.contains(&hug.milestone),",
        "is_new: false,",
    ),
]


def run(*command: str | Path, cwd: Path = COPY, **options: Any) -> None:
    subprocess.run(command, check=True, cwd=cwd, **options)


def plant(file: str, old: str, new: str) -> None:
    path = FUNCTIONS / file
    text = path.read_text()
    if text.count(old) != 1:
        sys.exit(f"{path}: this is not there once, so it cannot be taken out:\n{old}")
    path.write_text(text.replace(old, new))


def simulate() -> tuple[int, str, float, str] | None:
    """The seed, what it says is wrong, the seconds, and the whole story; None where nothing was found."""
    command = [
        "cargo",
        "test",
        "--profile",
        "simulate",
        "--locked",
        "--package",
        "tests",
        "--test",
        "simulation",
    ]
    environment = {
        **os.environ,
        "CARGO_TARGET_DIR": str(ROOT / "target" / "planted-build"),
        "RUST_BACKTRACE": "0",
    }
    run(*command, "--no-run", env=environment, capture_output=True)
    environment |= {"HISTORIES": "100000", "SEED": ""}
    began = time.monotonic()
    # `timeout` ends the test program, too, and not only Cargo.
    limited = ["timeout", str(MAX_SECONDS), *command]
    only = ["--", "whatever_happens", "--nocapture", "--include-ignored"]
    ended = subprocess.run(
        [*limited, *only],
        cwd=COPY,
        env=environment,
        capture_output=True,
        text=True,
    )
    seconds = time.monotonic() - began
    pattern = r"^seed (\d+): ([^\n;]+)\n  .*?(?=^the history, for a named case)"
    story = re.search(pattern, ended.stdout + ended.stderr, re.M | re.S)
    return (int(story[1]), story[2], seconds, story[0]) if story else None


def main() -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    run("git", "worktree", "prune", cwd=ROOT)
    run(
        "git",
        "worktree",
        "add",
        "--quiet",
        "--force",
        "--detach",
        COPY,
        "HEAD",
        cwd=ROOT,
    )
    missed = 0
    stories = []
    print(
        "| taken out | seed | found and made small in | what it says |\n| --- | --- | --- | --- |",
        flush=True,
    )
    try:
        for name, file, old, new in DEFECTS:
            run("git", "checkout", "--quiet", "--force", "HEAD")
            plant(file, old, new)
            found = simulate()
            if found:
                seed, what, seconds, story = found
                print(f"| {name} | {seed} | {seconds:.0f} s | {what} |", flush=True)
                stories.append(f"{name}, {story}")
            else:
                missed += 1
                print(f"| {name} | **not found within {MAX_SECONDS} s** | | |", flush=True)
    finally:
        run("git", "worktree", "remove", "--force", COPY, cwd=ROOT)
    print("\n" + "\n".join(stories))
    print(f"{len(DEFECTS) - missed} found, {missed} missed")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
