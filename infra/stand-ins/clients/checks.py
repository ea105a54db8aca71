"""What the drivers of foreign clients have in common: one line for each call, and an end at the first surprise."""

import sys
from collections.abc import Callable
from typing import TypeVar

E = TypeVar("E", bound=Exception)


def check(what: str, holds: object, seen: object = None) -> None:
    if not holds:
        sys.exit(f"SURPRISE  {what}: {seen!r}")
    print(f"ok  {what}", flush=True)


def refused(what: str, kind: type[E], call: Callable[[], object]) -> E:
    """Calls, expects that exception, and returns it."""
    try:
        answer = call()
    except kind as error:
        print(f"ok  {what}: {type(error).__name__}", flush=True)
        return error
    sys.exit(f"SURPRISE  {what}: not refused, but {answer!r}")
