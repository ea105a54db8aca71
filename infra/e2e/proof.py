"""What a proof is made of: a condition that must hold, a wait for one, and the sentence that is proven."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

began = time.monotonic()
passed: list[str] = []


class Failed(Exception):
    """The proof that did not hold, with what was seen instead."""


def proves(sentence: str) -> None:
    passed.append(sentence)
    print(f"  {time.monotonic() - began:5.0f} s  ok  {sentence}", flush=True)


def check(holds: object, what: str, *facts: object) -> None:
    if not holds:
        raise Failed(f"{what}: " + "; ".join(str(fact) for fact in facts))


def wait(condition: Callable[[], T], what: str, seconds: float = 60) -> T:
    """Asks until the condition holds: nothing here takes a fixed time."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failed(f"{what} did not happen within {seconds} s")
        time.sleep(0.2)
