"""What the template must agree with, as the Rust sources say it. This file is the only one that knows where.

Each fact below is a file and a pattern in it. Whoever moves the code changes the line here: a file that is missing, or
a pattern that finds nothing, ends `make validate`.
"""

import json
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Fact:
    """Words or numbers that stand in a source file."""

    path: str
    # What its one group matches, at each place where it matches, is a value.
    pattern: str
    # Only in what the one group of this matches.
    within: str = "(.*)"

    @cache  # noqa: B019 (the few facts below live as long as the program)
    def values(self) -> set[str]:
        file = ROOT / self.path
        if not file.exists():
            sys.exit(f"{self.path} is not there. If it was moved, change its path in infra/validate/sources.py.")
        code = file.read_text().split("#[cfg(test)]")[0]
        block = re.search(self.within, code, re.S)
        values = set(re.findall(self.pattern, block[1], re.M)) if block else set()
        if not values:
            sys.exit(
                f"{self.path} has nothing like {self.pattern} in {self.within}. If the code changed, change the "
                "pattern in infra/validate/sources.py."
            )
        return values

    def number(self) -> int:
        (value,) = self.values()
        return int(value)


HUG_ATTRIBUTES = Fact("functions/promise/src/hug.rs", r"^    pub (\w+):", r"pub struct Hug \{(.*?)\n\}")
# Those of them that are true or false.
HUG_FLAGS = Fact("functions/promise/src/hug.rs", r"^    pub (\w+): bool,", r"pub struct Hug \{(.*?)\n\}")
HUG_STATUSES = Fact("functions/promise/src/status.rs", r"^    (\w+),", r"pub enum Status \{(.*?)\n\}")
# What invite-follower reads in a record of the stream.
RECORD_ATTRIBUTES = Fact("functions/invite-follower/src/lib.rs", r'text\("(\w+)"\)')
RECORD_FLAGS = Fact(
    "functions/invite-follower/src/lib.rs", r'image\.get\("(\w+)"\) == Some\(&AttributeValue::Bool\(true\)\)'
)
# What the local event source mapping filters by.
LOCAL_FILTER = Fact("infra/hug/src/event_source_mapping.rs", r'(?:image|\["NewImage"\])\["(\w+)"\]\["\w+"\]')
COUNT_ATTRIBUTES = Fact(
    "functions/have-a-hug/src/ledger/growth.rs", r"^    pub (\w+):", r"pub struct Growth \{(.*?)\n\}"
)
METRICS = Fact("functions/have-a-hug/src/metrics.rs", r'Self::\w+ => \("(\w+)", "\w+"\)')
NAMESPACE = Fact("functions/have-a-hug/src/metrics.rs", r'"(HaveAHug)"')
VARIABLES = Fact("functions/have-a-hug/src/start.rs", r'variable\("(\w+)"\)')
# The policy that a server sends with the page.
PAGE_POLICY = Fact("functions/songbook/src/page.rs", r'"(default-src [^"]*frame-ancestors[^"]*)"')
# The page's name in its bucket.
PAGE = Fact("functions/have-a-hug/src/publish.rs", r'const PAGE: &str = "([\w.]+)";')
BATCH_SIZE = Fact("infra/hug/src/event_source_mapping.rs", r"const BATCH: \w+ = (\d+);")
BATCH_RETRIES = Fact("infra/hug/src/event_source_mapping.rs", r"const RETRIES: \w+ = (\d+);")


def hug_statuses() -> set[str]:
    """As they are written in a record: `TopicChosen` is `topic_chosen`."""
    return {re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower() for name in HUG_STATUSES.values()}


def rights() -> dict[str, list[str]]:
    """The rights that each function's calls take, as tests/stack/rights.rs has observed them."""
    listed: dict[str, list[str]] = json.loads((ROOT / "infra" / "rights.json").read_text())
    return listed
