#!/usr/bin/env python3
"""Holds our types against what real Mastodon servers answered.

mastodon-py's source distribution has recordings of real servers in it, of versions from 2 to 4. This
fetches it from PyPI, writes every recorded answer that is JSON into one file, and lets
functions/have-a-hug/src/network/mastodon/recordings.rs read that file by the types that Have a Hug
uses: each account, notification and status must come out with everything that is needed of it.

    python3 -m venv .tools/mastodon-recordings
    .tools/mastodon-recordings/bin/pip install pyyaml==6.0.3
    .tools/mastodon-recordings/bin/python infra/stand-ins/clients/mastodon_recordings.py

Or name an unpacked or packed source distribution of your own as the argument. It tells how many of
each kind were read, and which answers it left out and why; the exit code is 1 if one was read wrongly.
"""

import base64
import collections
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

PACKAGE = "Mastodon.py==2.3.3"
ROOT = pathlib.Path(__file__).resolve().parents[3]
# What a server answered, with what it was asked; and how many answers were left out, by the reason.
Answer = dict[str, Any]
LeftOut = collections.Counter[str]

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def fetched(folder: str) -> pathlib.Path:
    """The package's source, from the registry."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*pip, "--dest", folder, PACKAGE], check=True)
    return next(pathlib.Path(folder).glob("*.tar.gz"))


def unpacked(source: pathlib.Path, folder: str) -> pathlib.Path:
    if source.is_dir():
        return source
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    return pathlib.Path(folder)


def text(body: Any) -> str:
    """A body as vcrpy keeps it: as text, in base64, packed or not."""
    raw: Any = body.get("string", body.get("base64_string", b"")) if isinstance(body, dict) else body or b""
    if isinstance(body, dict) and "base64_string" in body:
        raw = base64.b64decode(raw)
    if isinstance(raw, str):
        return raw
    if raw[:2] == b"\x1f\x8b":
        raw = gzip.decompress(raw)
    return raw.decode("utf-8", "replace")


def header(response: Any, name: str) -> str | None:
    for key, value in response["headers"].items():
        if key.lower() == name:
            return value[0] if isinstance(value, list) else value
    return None


def status_text(request: Any) -> str | None:
    body = text(request.get("body"))
    try:
        return json.loads(body).get("status")
    except (ValueError, AttributeError):
        return urllib.parse.parse_qs(body).get("status", [None])[0]


def streamed(file: pathlib.Path, events: Iterable[tuple[Any, Any]], left_out: LeftOut) -> Iterator[Answer]:
    """What a server sent by itself, each event as if it had been asked for."""
    for event, payload in events:
        try:
            parsed = json.loads(payload)
        except (TypeError, ValueError):
            parsed = None
        if not isinstance(parsed, dict):
            left_out["a streamed event without an object"] += 1
            continue
        url = "/api/v1/notifications" if event == "notification" else f"/api/v1/streaming ({event})"
        yield answer(file, url=url, body=parsed)


def answer(file: pathlib.Path, **recorded: Any) -> Answer:
    empty: Answer = {"method": "GET", "sent": None, "status": 200, "link": None, "reset": None}
    return {"file": f"{file.parent.name}/{file.name}", **empty, **recorded}


def recordings(folder: pathlib.Path, left_out: LeftOut) -> Iterator[Answer]:
    for file in sorted(folder.rglob("cassettes*/*.yaml")):
        recorded = yaml.load(file.read_text(), LOADER)
        for connection in recorded.get("connections", []):
            received = [one["receive"] for one in connection["interactions"] if "receive" in one]
            yield from streamed(file, [(one.get("event"), one.get("payload")) for one in received], left_out)
        for one in recorded.get("interactions", []):
            request, response = one["request"], one["response"]
            body = text(response["body"])
            kind = (header(response, "content-type") or "no content type").split(";")[0]
            if kind == "text/event-stream":
                lines = [line.split(": ", 1) for line in body.splitlines() if ": " in line]
                names = [value for key, value in lines if key == "event"]
                values = [value for key, value in lines if key == "data"]
                yield from streamed(file, zip(names, values, strict=False), left_out)
                continue
            try:
                parsed = json.loads(body)
            except ValueError:
                left_out[f"not JSON but {kind}" if body.strip() else "an empty body"] += 1
                continue
            yield answer(
                file,
                method=request["method"],
                url=request["uri"],
                sent=status_text(request) if request["method"] == "POST" else None,
                status=response["status"]["code"],
                link=header(response, "link"),
                reset=header(response, "x-ratelimit-reset"),
                body=parsed,
            )


def main() -> None:
    left_out: LeftOut = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else fetched(folder)
        found = list(recordings(unpacked(source, folder), left_out))
        file = pathlib.Path(folder) / "recordings.json"
        file.write_text(json.dumps(found, default=str))
        print(f"{len(found)} answers of {len({one['file'] for one in found})} recordings; left out:")
        for why, number in left_out.most_common():
            print(f"{number:6} {why}")
        sys.stdout.flush()
        test = ["cargo", "test", "--locked", "--package", "have-a-hug", "--lib", "recordings", "--"]
        test += ["--ignored", "--nocapture"]
        ended = subprocess.run(test, cwd=ROOT, env={**os.environ, "MASTODON_RECORDINGS": str(file)})
    sys.exit(ended.returncode)


main()
