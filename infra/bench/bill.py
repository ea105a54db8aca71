"""The month's bill for 1, 1,000 and 100,000 accounts, factor by factor: `python3 infra/bench/bill.py`.

The requests and units of each step are those that tests/stack/cost.rs and tests/stack/many.rs assert; the times are
those of docs/BENCHMARK.md. Prices: us-east-1, in USD, without free amounts, as read on 24 November 2026 (DynamoDB on
demand, Lambda on arm64, Scheduler, CloudWatch, KMS) and 22 August 2026 (X).
"""

ROUNDS = 30 * 24 * 12  # a check every five minutes
READ, WRITE, STORED, BACKED_UP = 0.125e-6, 0.625e-6, 0.25, 0.20  # a unit, a unit, a GB, a GB
LAMBDA_GBS, LAMBDA_CALL, SCHEDULED, LOGGED = 0.0000133334, 0.20e-6, 1.00e-6, 0.50  # a GB-second, a call, an event, a GB
KEY, OPENED = 1.00, 0.03e-4  # a key a month, a call of KMS
X_READ, X_OWNED = 0.010, 0.001  # a user a day, and where the app is the account's own

# Assumed: a count moves ten times a day; a letter goes out for one account in a hundred each day.
MOVES, LETTERS = 10, 0.01
ROW, COUNT = 170, 230  # bytes of a row of the roster, and of an hourly count with what DynamoDB adds
COUNTS_KEPT = 370 * 4 + 30 * 24
LOG_OF_MOVE, LOG_OF_ROUND = 350, 1_500  # bytes


def bill(accounts: int, seconds: float, megabytes: int) -> dict[str, float]:
    """`seconds`: how long a round takes; `megabytes`: the memory of check-followers."""
    moves = accounts * MOVES * 30
    logins = accounts * 30
    letters = accounts * LETTERS * 30
    pages = max(1.0, accounts * ROW / 4096) * 0.5
    stored = accounts * COUNTS_KEPT * COUNT / 1e9
    return {
        f"the roster: {ROUNDS:,} rounds × {pages:,.1f} units": ROUNDS * pages * READ,
        "the hour's counts: 720 × 1 unit an account": accounts * 720 * WRITE,
        f"counts kept and backed up: {stored:,.2f} GB": stored * (STORED + BACKED_UP),
        f"counts that moved: {moves:,} × (2 reads + 4 writes)": moves * (2 * READ + 4 * WRITE),
        f"logins tried: {logins:,} × (3 reads + 6 writes)": logins * (3 * READ + 6 * WRITE),
        f"letters: {letters:,.0f} × (13 reads + 24 writes)": letters * (13 * READ + 24 * WRITE),
        f"Lambda: {ROUNDS:,} × {seconds:g} s × {megabytes} MB": ROUNDS
        * (seconds * megabytes / 1024 * LAMBDA_GBS + LAMBDA_CALL),
        f"Scheduler: {ROUNDS:,} events": ROUNDS * SCHEDULED,
        "logs": (moves * LOG_OF_MOVE + ROUNDS * LOG_OF_ROUND) / 1e9 * LOGGED,
        f"KMS: the key, and {logins + letters:,.0f} logins opened": (KEY + (logins + letters) * OPENED)
        * (accounts > 100),
    }


def main() -> None:
    for accounts, seconds, megabytes in ((1, 0.3, 128), (1_000, 3, 128), (100_000, 60, 512)):
        parts = bill(accounts, seconds, megabytes)
        total = sum(parts.values())
        print(f"\n| {accounts:,} accounts | ${total:,.2f} | {total / accounts * 100:.3g} cents an account |")
        print("| --- | --- | --- |")
        for what, price in parts.items():
            print(f"| {what} | ${price:,.2f} | {price / total:.0%} |")
        each_day = accounts * 30
        print(f"| X, if all are there: {each_day:,} reads | ${each_day * X_READ:,.0f} | ${X_READ} each |")


if __name__ == "__main__":
    main()
