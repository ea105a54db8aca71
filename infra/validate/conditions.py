"""The template as AWS sees it where each of its options is on or off."""

import json
from typing import Any

from rules import Part, must

# The options, by their conditions in the template.
OPTIONS = ("HasSongbook", "HasRoster")

NOTHING = {"Ref": "AWS::NoValue"}


def resolve(part: Any, on: set[str]) -> Any:
    """The part with these options on: each choice is made, and what is not there is gone."""
    if isinstance(part, list):
        items = [resolve(one, on) for one in part]
        return [one for one in items if one != NOTHING]
    if not isinstance(part, dict):
        return part
    if list(part) == ["Fn::If"] and part["Fn::If"][0] in OPTIONS:
        condition, chosen, other = part["Fn::If"]
        return resolve(chosen if condition in on else other, on)
    values = {name: resolve(value, on) for name, value in part.items()}
    return {name: value for name, value in values.items() if value != NOTHING}


def deployed(template: Part, *on: str) -> Part:
    """The template as it is deployed with these options, and without the others."""
    off = set(OPTIONS) - set(on)
    parts = {
        kind: {name: one for name, one in template[kind].items() if one.get("Condition") not in off}
        for kind in ("Resources", "Outputs")
    }
    whole: Part = resolve({**template, **parts}, set(on))
    return whole


def check_off(template: Part, parameter: str, words: tuple[str, ...]) -> None:
    """The option is off unless it is asked for, and then nothing of the template has these words."""
    must(template["Parameters"][parameter]["Default"] == "0", f"{parameter} is off unless it is asked for")
    is_one = {"Fn::Equals": [{"Ref": parameter}, "1"]}
    must(template["Conditions"][f"Has{parameter}"] == is_one, f"1 switches {parameter} on")
    off = deployed(template)
    for kind in ("Resources", "Outputs"):
        for name, one in off[kind].items():
            text = json.dumps([name, one]).lower()
            for word in words:
                must(word not in text, f"without {parameter} nothing is there of it, but {name} has {word}")
