#!/usr/bin/env python3
"""Holds both sides of Mastodon against what others wrote: the client mastodon-py, the server mastodon-mock.

    python3 -m venv .tools/mastodon-clients
    .tools/mastodon-clients/bin/pip install Mastodon.py==2.3.3 mastodon-mock==0.6.1
    .tools/mastodon-clients/bin/python infra/stand-ins/clients/mastodon_clients.py stand-in http://127.0.0.1:4012
    .tools/mastodon-clients/bin/python infra/stand-ins/clients/mastodon_clients.py mock

`stand-in` drives our stand-in with mastodon-py, which believes that it talks to a Mastodon server. The
address is that of a fresh sandbox (`hug sandbox` tells it): account `amber` with 598 fans; the token is
the sandbox's own unless MASTODON_ACCESS_TOKEN says otherwise. The last call uses up the rate limit.

`mock` starts mastodon-mock with 599 followers, runs the promise on it (the test
`the_promise_is_kept_on_a_server_that_others_wrote`), and reads with mastodon-py what has arrived.
mastodon-mock orders followers by account, so it says nothing about their order.

One line for each call; the exit code is 1 at the first surprise.
"""

import contextlib
import datetime
import functools
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from typing import Any

from checks import check, refused
from mastodon import Mastodon
from mastodon.errors import (
    MastodonAPIError,
    MastodonNotFoundError,
    MastodonRatelimitError,
    MastodonUnauthorizedError,
)

ROOT = pathlib.Path(__file__).resolve().parents[3]
TOKEN = os.environ.get("MASTODON_ACCESS_TOKEN", "sandbox-mastodon-token")


def client(url: str, token: str | None = TOKEN, **how: Any) -> Any:
    return Mastodon(api_base_url=url, access_token=token, **how)


def plain(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html).replace("&#39;", "'").replace("&amp;", "&")


def threads(amber: Any, anyone: Any, public: Any, private: Any) -> None:
    """Answers to a public and to a private status, and the reply to one of them."""
    here = amber.api_base_url

    def answered(handle: str, text: str, to: Any) -> Any:
        query = urllib.parse.urlencode({"handle": handle, "text": text, "to": to.id})
        request = urllib.request.Request(f"{here}/stand-in/answer?{query}", method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["id"]

    rain = answered("fan0002", "@amber rain", public)
    tree = anyone.status_context(public.id)
    check("status_context", [str(one.id) for one in tree.descendants] == [rain], tree)
    check("it knows the parent", str(tree.descendants[0].in_reply_to_id) == str(public.id), tree)
    who = private.mentions[0].acct
    trains = answered(who, "trains", private)
    refused("status_context of a private one", MastodonNotFoundError, lambda: anyone.status_context(private.id))
    tree = amber.status_context(private.id)
    seen = [(str(one.id), one.visibility) for one in tree.descendants]
    check("status_context for whom it is to", seen == [(trains, "direct")], tree)
    words = f"@fan0002 Your song: https://youtu.be/dQw4w9WgXcQ {time.time_ns()}"
    song = amber.status_post(words, in_reply_to_id=rain, visibility="unlisted")
    check("status_post in reply", (str(song.in_reply_to_id), song.visibility) == (rain, "unlisted"), song)
    above = amber.status_context(song.id).ancestors
    check("status_context above it", [str(one.id) for one in above] == [str(public.id), rain], above)
    request = urllib.request.Request(f"{here}/stand-in/delete?id={rain}", method="POST")
    urllib.request.urlopen(request, timeout=10).close()
    error = refused(
        "status_post in reply to what is gone",
        MastodonNotFoundError,
        lambda: amber.status_post(words, in_reply_to_id=rain),
    )
    check("it says why", "does not appear to exist" in str(error), error)


def drive_stand_in(url: str) -> None:
    amber = client(url)
    me = amber.account_verify_credentials()
    check("account_verify_credentials", (me.username, me.acct, me.display_name) == ("amber", "amber", "Amber Lane"), me)
    check("it counts followers", me.followers_count >= 598, me.followers_count)
    check("it tells when the account was made", isinstance(me.created_at, datetime.datetime), me.created_at)
    anyone = client(url, token=None)
    for acct in ("amber", "amber@mastodon.example", "AMBER"):
        check(f"account_lookup {acct}", anyone.account_lookup(acct).id == me.id)
    check("account", anyone.account(me.id).acct == "amber")
    refused("account_lookup of nobody", MastodonNotFoundError, lambda: anyone.account_lookup("nobody_at_all"))

    page = anyone.account_followers(me.id, limit=80)
    names = [one.acct for one in anyone.fetch_remaining(page)]
    check("account_followers, all pages", len(set(names)) == len(names) == me.followers_count, len(names))
    check("some are from elsewhere", any("@" in name for name in names) and not all("@" in name for name in names))
    numbers = [int(number) for name in names for number in re.findall(r"^fan(\d+)", name)]
    check("the newest follower is the first", numbers == sorted(numbers, reverse=True), numbers[:3])

    instance = amber.instance_v2()
    check("instance_v2", instance.configuration.statuses.max_characters == 500, instance)
    check("instance_v1", amber.instance_v1().configuration.statuses.characters_reserved_per_url == 23)

    to = next(name for name in names if "@" in name)
    words = f"@{to} You're number 600 & more <3 https://amber.example/{'s' * 60} {time.time_ns()}"
    key = f"try-{time.time_ns()}"
    made = amber.status_post(words, visibility="direct", idempotency_key=key)
    check("status_post, direct", (made.visibility, [one.acct for one in made.mentions]) == ("direct", [to]), made)
    user = to.split("@")[0]
    read = plain(made.content).replace("&lt;", "<")
    check("it reads as it was written", read == words.replace(to, user), made.content)
    again = amber.status_post(words, visibility="direct", idempotency_key=key)
    check("status_post with the same key is the same status", again.id == made.id, again)
    check("account_statuses", [one.id for one in amber.account_statuses(me.id, limit=1)] == [made.id])
    check("nobody else sees it", [one for one in anyone.account_statuses(me.id) if one.id == made.id] == [])
    public = amber.status_post(f"Number 600, where are you? {time.time_ns()}")
    check("status_post, public", (public.visibility, public.mentions) == ("public", []), public)
    check("all see that", anyone.account_statuses(me.id, limit=1)[0].id == public.id)
    threads(amber, anyone, public, made)
    for length, text in ((501, "a" * 501), (0, " ")):
        post = functools.partial(amber.status_post, text)
        error = refused(f"status_post of {length} characters", MastodonAPIError, post)
        check("it says why", "Validation failed" in str(error), error)
    check("500 characters and a long mention fit", amber.status_post("@fan0001@elsewhere.example " + "a" * 490).id)

    follows = amber.notifications(types=["follow"], limit=80)
    check("notifications of follows", {one.type for one in follows} == {"follow"} and len(follows) == 80, len(follows))
    check("they tell when", all(isinstance(one.created_at, datetime.datetime) for one in follows))
    older = amber.fetch_next(follows)
    check("the next page of them", older[0].created_at <= follows[-1].created_at and older[0].id != follows[-1].id)
    check("none of another type", amber.notifications(types=["poll"]) == [])

    stranger = client(url, token="guessed")
    refused("a wrong token", MastodonUnauthorizedError, stranger.account_verify_credentials)
    refused("no token where one is needed", MastodonUnauthorizedError, lambda: anyone.status_post("?"))

    impatient = client(url, token="to-be-used-up", ratelimit_method="throw")

    def until_refused() -> None:
        for _ in range(301):
            with contextlib.suppress(MastodonUnauthorizedError):
                impatient.account(me.id)

    refused("beyond 300 requests", MastodonRatelimitError, until_refused)
    soon = time.time() < impatient.ratelimit_reset <= time.time() + 300
    check("it reads the reset", impatient.ratelimit_remaining == 0 and soon, impatient.ratelimit_reset)
    print("ok  mastodon-py takes the stand-in for a Mastodon server")


def wait_for(url: str) -> Any:
    """Waits until the server answers, and returns what it says of itself."""
    for _ in range(300):
        try:
            return client(url).instance_v2()
        except Exception:
            time.sleep(0.1)
    sys.exit(f"SURPRISE  mastodon-mock does not answer at {url}")


def drive_mock() -> None:
    fans = [f"fan{n:04}" for n in range(600)]
    accounts = [("amber", "Amber Lane"), *[(fan, "") for fan in fans]]
    seed = "".join(
        f'[[seed.accounts]]\nusername = "{name}"\ndisplay_name = "{shown}"\naccess_token = "{name}-token"\n'
        for name, shown in accounts
    )
    seed += "".join(f'[[seed.follows]]\nfollower = "{fan}"\nfollowing = "amber"\n' for fan in fans[:599])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "mock.toml"
        config.write_text(f'[database]\npath = ":memory:"\n{seed}')
        options = ["--config", str(config), "--port", str(port), "--log-level", "error"]
        serve = [sys.executable, "-m", "mastodon_mock", "serve", *options]
        mock = subprocess.Popen(serve, cwd=folder)
        try:
            instance = wait_for(url)
            print(f"ok  mastodon-mock at {url} says that it is {instance.version}")
            test = ["cargo", "test", "--locked", "--package", "tests", "that_others_wrote", "--", "--ignored"]
            env = {**os.environ, "MASTODON_MOCK": url}
            ended = subprocess.run(test, cwd=ROOT, env=env)
            check("the promise was kept on it", ended.returncode == 0)
            read_mock(url)
        finally:
            mock.terminate()
            mock.wait()


def read_mock(url: str) -> None:
    amber = client(url, token="amber-token")
    me = amber.account_verify_credentials()
    statuses = amber.account_statuses(me.id)
    check("of two tries with one key there is one status", len(statuses) == 1, statuses)
    status = statuses[0]
    check("only the mentioned can read it", status.visibility == "direct", status.visibility)
    check("it mentions one", len(status.mentions) == 1, status.mentions)
    name = status.mentions[0].username
    words = plain(status.content)
    check("its words", words.startswith(f"@{name} You're number 600! ") and words.endswith("— Amber Lane"), words)
    received = client(url, token=f"{name}-token").notifications(types=["mention"])
    check("and the one has it", [one.status.id for one in received] == [status.id], received)
    print(f"    {words}")


if len(sys.argv) == 3 and sys.argv[1] == "stand-in":
    drive_stand_in(sys.argv[2].rstrip("/"))
elif sys.argv[1:] == ["mock"]:
    drive_mock()
else:
    sys.exit(__doc__)
