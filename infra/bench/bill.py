"""The month's bill for 1, 1,000 and 100,000 accounts, factor by factor: `python3 infra/bench/bill.py`.

The requests and units of each step are those that tests/stack asserts (cost.rs, many.rs, enrolled.rs) or that follow
from the code; the times of a round are estimates from docs/BENCHMARK.md, with a network 300 ms away. Prices: us-east-1,
in USD, without free amounts, as read on 24 November 2026 (DynamoDB on demand, Lambda on arm64, Scheduler, CloudWatch,
KMS) and 22 August 2026 (X).
"""

ROUNDS = 30 * 24 * 12  # a check every five minutes
READ, WRITE, STORED, BACKED_UP = 0.125e-6, 0.625e-6, 0.25, 0.20  # a unit, a unit, a GB, a GB
LAMBDA_GBS, LAMBDA_CALL, SCHEDULED, LOGGED = 0.0000133334, 0.20e-6, 1.00e-6, 0.50  # a GB-second, a call, an event, a GB
KEY, OPENED = 1.00, 0.03e-4  # a key a month, a call of KMS
X_READ = 0.010  # a user a day

# Assumed: a count moves ten times a day; three accounts in a hundred cross a milestone each day; a hug waits 14 days
# for its answer and its song, so that four accounts in ten have one that waits; a third of them is on Mastodon.
MOVES, HUGS, DAYS_OPEN, ON_MASTODON = 10, 0.03, 14, 1 / 3
ROW, COUNT = 190, 230  # bytes of a row of the roster, and of an hourly count with what DynamoDB adds
COUNTS_KEPT = 370 * 4 + 30 * 24  # four a day for 400 days, and all of the last 30
LOG_OF_CHECK, LOG_OF_ROUND = 350, 1_500  # bytes
MANY = 100  # so many accounts have room in hug.toml, without a key for logins


def bill(accounts: int, seconds: float, megabytes: int) -> dict[str, float]:
    """`seconds`: how long a round takes; `megabytes`: the memory of check-followers."""
    moves = accounts * MOVES * 30
    logins = accounts * 30
    hugs = accounts * HUGS * 30
    new, waiting = hugs * 24 * 12, hugs * 24 * (DAYS_OPEN - 1)
    opened = logins + hugs * 3 + (new + waiting) * ON_MASTODON
    # The settings of an account in the table are one more read.
    settings = int(accounts > MANY)
    moved, tried, looked, sung = 2 + settings, 2 + settings, 3 + settings, 22 + 4 * settings
    pages = max(1.0, accounts * ROW / 4096) * 0.5
    stored = accounts * COUNTS_KEPT * COUNT / 1e9
    logged = (moves + logins + new + waiting) * LOG_OF_CHECK + ROUNDS * LOG_OF_ROUND
    return {
        f"the roster: {ROUNDS:,} rounds × {pages:,.1f} reads": ROUNDS * pages * READ,
        "the hour's counts: 720 × 1 write an account": accounts * 720 * WRITE,
        f"counts kept and backed up: {stored:,.2f} GB": stored * (STORED + BACKED_UP),
        f"counts that moved: {moves:,} × ({moved} reads + 4 writes)": moves * (moved * READ + 4 * WRITE),
        f"logins tried: {logins:,} × ({tried} reads + 6 writes)": logins * (tried * READ + 6 * WRITE),
        f"hugs on their first day: {new:,.0f} checks × ({looked} reads + 2 writes)": new * (looked * READ + 2 * WRITE),
        f"hugs that wait longer: {waiting:,.0f} checks × ({looked} reads + 4 writes)": waiting
        * (looked * READ + 4 * WRITE),
        f"hugs, from milestone to song: {hugs:,.1f} × ({sung} reads + 39 writes)": hugs * (sung * READ + 39 * WRITE),
        f"check-followers: {ROUNDS:,} × {seconds:g} s × {megabytes} MB": ROUNDS
        * (seconds * megabytes / 1024 * LAMBDA_GBS + LAMBDA_CALL),
        f"invite-follower: {hugs * 2:,.1f} letters × 1 s × 128 MB": hugs * 2 * (LAMBDA_GBS / 8 + LAMBDA_CALL),
        f"Scheduler: {ROUNDS:,} events": ROUNDS * SCHEDULED,
        f"logs: {logged / 1e9:,.2f} GB": logged / 1e9 * LOGGED,
        **({f"KMS: the key, and {opened:,.0f} logins opened": KEY + opened * OPENED} if accounts > MANY else {}),
    }


def main() -> None:
    for accounts, seconds, megabytes in ((1, 0.3, 128), (1_000, 1, 128), (100_000, 60, 1024)):
        parts = bill(accounts, seconds, megabytes)
        total = sum(parts.values())
        named = "1 account" if accounts == 1 else f"{accounts:,} accounts"
        print(f"\n| {named} | ${total:,.2f} | {total / accounts * 100:.3g} cents an account |")
        print("| --- | --- | --- |")
        for what, price in parts.items():
            print(f"| {what} | ${price:,.2f} | {price / total:.0%} |")
        each_day = accounts * 30
        print(f"| X, if all are there: {each_day:,} reads | ${each_day * X_READ:,.0f} | ${X_READ} each |")


if __name__ == "__main__":
    main()
