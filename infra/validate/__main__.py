"""Checks infra/template.yaml without AWS, and then that the checks notice what is broken on purpose.

A linter sees little of a SAM template as it is written, so it is translated first. What no linter can know, our
records, our calls and our settings, is checked here against the code itself. checkov has the last word, with every
exception to it written down.
"""

import sys
import time
from itertools import combinations

from conditions import OPTIONS, deployed
from faults import FAULTS
from linters import EXCEPTIONS, run_cfn_lint, run_checkov, translate
from roster import check_roster, check_roster_off
from rules import RULES, Wrong
from songbook import check_songbook, check_songbook_off
from sources import ROOT, rights


def validate(text: str) -> tuple[str, str] | None:
    """Who finds something wrong, and what; None where all is right."""
    try:
        template = translate(text)
    except Wrong as wrong:
        return "translation", str(wrong)
    # Every rule must hold with each option and without it.
    options = [on for many in range(len(OPTIONS) + 1) for on in combinations(OPTIONS, many)]
    with_and_without = [(rule, deployed(template, *on)) for on in options for rule in RULES]
    of_options = [(rule, template) for rule in (check_songbook_off, check_songbook, check_roster_off, check_roster)]
    for rule, deployment in [*with_and_without, *of_options]:
        try:
            rule(deployment)
        except Wrong as wrong:
            return rule.__name__, f"this must hold: {wrong}"
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            return rule.__name__, f"something is missing: {error!r}"
    try:
        run_cfn_lint(template)
    except Wrong as wrong:
        return "cfn-lint", str(wrong)
    return None


def main() -> None:
    began = time.monotonic()
    text = (ROOT / "infra" / "template.yaml").read_text()
    wrong = validate(text)
    if wrong is None:
        try:
            run_checkov(translate(text))
        except Wrong as error:
            wrong = "checkov", str(error)
    if wrong:
        sys.exit(f"infra/template.yaml is not right ({wrong[0]}): {wrong[1]}")
    print(f"infra/template.yaml is right. {len(EXCEPTIONS)} of checkov's checks are excepted:")
    for name, reason in EXCEPTIONS.items():
        print(f"  {name}: {reason}")
    print("The rights that each function's calls take (infra/rights.json):")
    for function, taken in rights().items():
        print(f"  {function}: {', '.join(taken)}")
    print("Broken on purpose, and who notices:")
    missed = []
    for name, good, bad in FAULTS:
        if good not in text:
            missed.append(f"{name}: cannot be made, as the template does not have {good!r}")
            continue
        # Only the first place: people make one mistake at a time.
        caught = validate(text.replace(good, bad, 1))
        if caught is None:
            missed.append(f"{name}: not noticed")
        else:
            print(f"  {name}: {caught[0]}, {caught[1][:110]}")
    for one in missed:
        print(f"MISSED {one}")
    print(f"All in {time.monotonic() - began:.0f} s.")
    print(f"{len(FAULTS) - len(missed)} passed, {len(missed)} failed")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
