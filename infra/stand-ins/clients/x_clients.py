#!/usr/bin/env python3
"""Drives the stand-in for X with two clients that others wrote: tweepy, and xdk (X's own).

Both believe that they talk to X. If the stand-in answers in a way that they do not understand, this
fails; so it checks the stand-in, not Have a Hug.

    python3 -m venv .tools/x-clients
    .tools/x-clients/bin/pip install tweepy==4.17.0 xdk==0.10.6
    .tools/x-clients/bin/python infra/stand-ins/clients/x_clients.py http://127.0.0.1:4010

The server must be a fresh sandbox: account 44196397 (`amber`) with 598 fans. The keys are the
sandbox's own unless X_API_KEY, X_API_SECRET, X_ACCESS_TOKEN, X_ACCESS_SECRET or X_BEARER say
otherwise. One line for each call; the exit code is 1 at the first surprise.
"""

import os
import sys
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

import requests
import tweepy
from checks import check, refused
from xdk import Client as Xdk
from xdk.direct_messages.models import CreateByParticipantIdRequest
from xdk.oauth1_auth import OAuth1
from xdk.posts.models import CreateRequest

if len(sys.argv) != 2:
    sys.exit(__doc__)
URL = sys.argv[1].rstrip("/")
AMBER = "44196397"
FIELDS = ["created_at", "description", "profile_image_url", "public_metrics", "protected", "verified_type"]
KEYS = {
    "api_key": os.environ.get("X_API_KEY", "sAndbOxApiKey000000000000"),
    "api_secret": os.environ.get("X_API_SECRET", "sAndbOxApiSecret0000000000000000000000000000000000"),
    "access_token": os.environ.get("X_ACCESS_TOKEN", "44196397-sAndbOxAccessToken"),
    "access_secret": os.environ.get("X_ACCESS_SECRET", "sAndbOxAccessSecret00000000000000000000000000"),
}
BEARER = os.environ.get("X_BEARER", "AAAAsAndbOxBearer")


class HereSession(requests.Session):
    """tweepy's client has its host written into it; everything else in it stays as it is."""

    def request(self, method: str, url: str, **rest: Any) -> Any:
        return super().request(method, url.replace("https://api.twitter.com", URL), **rest)


def tweepy_client(**changed: str) -> Any:
    keys = KEYS | changed
    client = tweepy.Client(
        bearer_token=changed.get("bearer", BEARER),
        consumer_key=keys["api_key"],
        consumer_secret=keys["api_secret"],
        access_token=keys["access_token"],
        access_token_secret=keys["access_secret"],
    )
    client.session = HereSession()
    return client


def followers_by_tweepy(client: Any, user_auth: bool) -> tuple[list[str], int]:
    names: list[str] = []
    pages, token = 0, None
    while True:
        page = client.get_users_followers(
            AMBER, max_results=250, pagination_token=token, user_fields=FIELDS, user_auth=user_auth
        )
        names += [user.username for user in page.data or []]
        pages += 1
        token = page.meta.get("next_token")
        if token is None:
            return names, pages


def answered(handle: str, text: str, to: str) -> str:
    """Someone answers a post. Returns the id of the answer."""
    query = urllib.parse.urlencode({"handle": handle, "text": text, "to": to})
    answer = requests.post(f"{URL}/stand-in/answer?{query}", timeout=10)
    return str(answer.json()["id"])


def answers_by_tweepy(client: Any, letter: str) -> None:
    """What comes under a post, and the replies to it."""
    typed = answered("fan0001", "a song about rain, @amber & #hug600", letter)
    plain = answered("passer_by", "about trains", letter)
    asked = "author_id,conversation_id,created_at,in_reply_to_user_id,referenced_tweets,entities,display_text_range"
    fields = asked.split(",")
    for user_auth in (False, True):
        how = "signed" if user_auth else "bearer"
        page = client.get_users_mentions(
            AMBER, since_id=letter, max_results=5, tweet_fields=fields, user_auth=user_auth
        )
        check(f"tweepy get_users_mentions ({how})", [str(one.id) for one in page.data] == [plain, typed], page)
    last, first = page.data
    check("tweepy reads a plain reply", last.text == "@amber about trains", last.text)
    check("tweepy where its words begin", last.data["display_text_range"] == [7, 19], last.data)
    check("tweepy reads whom it is to", (last.in_reply_to_user_id, last.created_at.year > 2000) == (int(AMBER), True))
    above = first.referenced_tweets[0]
    check("tweepy reads what it is under", (above.type, str(above.id)) == ("replied_to", letter), first)
    check("tweepy reads the thread", str(first.conversation_id) == letter, first.conversation_id)
    tags = [tag["tag"] for tag in first.entities["hashtags"]]
    check("tweepy reads entities", (tags, first.entities["mentions"][0]["id"]) == (["hug600"], AMBER), first.entities)
    newer = client.get_users_mentions(AMBER, since_id=typed, user_auth=True)
    check("tweepy get_users_mentions since the last", [str(one.id) for one in newer.data] == [plain], newer)
    none = client.get_users_mentions(AMBER, since_id=plain, user_auth=True)
    check("tweepy get_users_mentions, none", none.data is None and none.meta["result_count"] == 0, none)

    song = f"Your song: https://youtu.be/dQw4w9WgXcQ {time.time_ns()}"
    reply = client.create_tweet(text=song, in_reply_to_tweet_id=typed)
    check("tweepy create_tweet in reply to who asked", reply.data["id"] > typed, reply)
    own = client.get_users_tweets(
        AMBER, max_results=5, tweet_fields=["entities", "referenced_tweets"], user_auth=True
    ).data[0]
    link = own.entities["urls"][0]["expanded_url"]
    check("tweepy sees it as X shows it", own.text.startswith("@fan0001 Your song: https://t.co/"), own.text)
    check("tweepy reads the link", link == "https://youtu.be/dQw4w9WgXcQ", own.entities)
    error = refused(
        "tweepy create_tweet in reply to who did not ask",
        tweepy.Forbidden,
        lambda: client.create_tweet(text=f"Again {song}", in_reply_to_tweet_id=plain),
    )
    check("tweepy reads why", "Reply to this conversation is not allowed" in error.api_messages[0], error.api_messages)
    requests.post(f"{URL}/stand-in/delete?id={typed}", timeout=10)
    error = refused(
        "tweepy create_tweet in reply to what is gone",
        tweepy.Forbidden,
        lambda: client.create_tweet(text=f"Late {song}", in_reply_to_tweet_id=typed),
    )
    check("tweepy reads why", "deleted or not visible" in error.api_messages[0], error.api_messages)


def drive_tweepy() -> None:
    client = tweepy_client()
    me = client.get_me(user_fields=FIELDS).data
    check("tweepy get_me", (me.id, me.username, me.name) == (int(AMBER), "amber", "Amber Lane"), me)
    count = me.public_metrics["followers_count"]
    check("tweepy get_me counts followers", count >= 598, count)
    check("tweepy get_me tells when the account was made", me.created_at.year < 2027, me.created_at)

    for user_auth in (False, True):
        how = "signed" if user_auth else "bearer"
        user = client.get_user(username="amber", user_fields=FIELDS, user_auth=user_auth).data
        check(f"tweepy get_user by name ({how})", str(user.id) == AMBER, user)
        check(f"tweepy get_user by id ({how})", client.get_user(id=AMBER, user_auth=user_auth).data.username == "amber")
        both = client.get_users(ids=[AMBER, "2000000001", "3"], user_fields=FIELDS, user_auth=user_auth)
        found = (len(both.data), len(both.errors))
        check(f"tweepy get_users by ids, one of them nobody ({how})", found == (2, 1), both)
        both = client.get_users(usernames=["amber", "fan0001"], user_auth=user_auth)
        check(f"tweepy get_users by names ({how})", len(both.data) == 2, both)
        names, pages = followers_by_tweepy(client, user_auth)
        check(f"tweepy get_users_followers, {pages} pages ({how})", len(set(names)) == len(names) == count, len(names))
        check(f"tweepy newest follower first ({how})", names[0] > names[-1], (names[0], names[-1]))
    walked = tweepy.Paginator(client.get_users_followers, AMBER, max_results=1000).flatten(limit=5)
    check("tweepy Paginator", len(list(walked)) == 5)

    nobody = client.get_user(username="nobody_at_all")
    check("tweepy get_user of nobody", nobody.data is None and nobody.errors[0]["title"] == "Not Found Error", nobody)

    text = f"Number 600, where are you? Tell me your topic! <3 & ü 歌 {time.time_ns()}"
    made = client.create_tweet(text=text)
    check("tweepy create_tweet", "&lt;3 &amp; ü 歌" in made.data["text"], made)
    error = refused("tweepy create_tweet, same text", tweepy.Forbidden, lambda: client.create_tweet(text=text))
    check("tweepy reads why", "duplicate content" in error.api_messages[0], error.api_messages)
    refused("tweepy create_tweet, 281 characters", tweepy.Forbidden, lambda: client.create_tweet(text="a" * 281))
    own = client.get_users_tweets(AMBER, max_results=5, tweet_fields=["created_at", "author_id"], user_auth=True)
    check("tweepy get_users_tweets", str(own.data[0].id) == made.data["id"] and own.data[0].created_at, own)
    check("tweepy get_users_tweets tells the author", own.data[0].author_id == int(AMBER), own)
    reply = client.create_tweet(text=f"And a second line {time.time_ns()}", in_reply_to_tweet_id=made.data["id"])
    check("tweepy create_tweet in reply to an own one", reply.data["id"] != made.data["id"])
    answers_by_tweepy(client, made.data["id"])

    words = f"You are number 600! {time.time_ns()}"
    sent = client.create_direct_message(participant_id="2000000001", text=words)
    check("tweepy create_direct_message", sent.data["dm_conversation_id"] == f"{AMBER}-2000000001", sent)
    events = client.get_direct_message_events(
        participant_id="2000000001", dm_event_fields=["created_at", "sender_id", "text"]
    )
    event = events.data[0]
    check("tweepy get_direct_message_events", (event.text, str(event.sender_id)) == (words, AMBER), event)
    refused(
        "tweepy create_direct_message to nobody",
        tweepy.Forbidden,
        lambda: client.create_direct_message(participant_id="3", text="?"),
    )

    stranger = tweepy_client(access_secret="guessed", bearer="guessed")
    refused("tweepy wrong signature", tweepy.Unauthorized, stranger.get_me)
    refused("tweepy wrong bearer", tweepy.Unauthorized, lambda: stranger.get_user(username="amber"))
    error = refused("tweepy bearer where a user is needed", tweepy.Forbidden, lambda: client.get_me(user_auth=False))
    check("tweepy reads why", "Application-Only is forbidden" in error.api_messages[0], error.api_messages)
    refused(
        "tweepy max_results=1001",
        tweepy.BadRequest,
        lambda: client.get_users_followers(AMBER, max_results=1001),
    )


def xdk_client(**how: Any) -> Any:
    return Xdk(base_url=URL, **how)


def xdk_signed(**changed: str) -> Any:
    keys = KEYS | changed
    return xdk_client(
        auth=OAuth1(keys["api_key"], keys["api_secret"], "oob", keys["access_token"], keys["access_secret"])
    )


def with_status(what: str, status: int, call: Callable[[], object]) -> Any:
    error = refused(what, requests.HTTPError, call)
    check(f"{what}: {status}", error.response.status_code == status, error.response.text)
    return error.response


def drive_xdk() -> None:
    signed, app = xdk_signed(), xdk_client(bearer_token=BEARER)
    me = signed.users.get_me(user_fields=FIELDS).data
    check("xdk get_me", (me.id, me.username) == (AMBER, "amber"), me)
    metrics = me.public_metrics
    count = metrics["followers_count"] if isinstance(metrics, dict) else metrics.followers_count
    check("xdk get_me counts followers", count >= 598, count)
    for how, client in (("signed", signed), ("bearer", app)):
        user = client.users.get_by_username("amber", user_fields=FIELDS).data
        check(f"xdk get_by_username ({how})", user.id == AMBER)
        check(f"xdk get_by_id ({how})", client.users.get_by_id(AMBER).data.username == "amber")
        check(f"xdk get_by_ids ({how})", len(client.users.get_by_ids([AMBER, "2000000002"]).data) == 2)
        check(f"xdk get_by_usernames ({how})", len(client.users.get_by_usernames(["amber", "fan0002"]).data) == 2)
        pages = list(client.users.get_followers(AMBER, max_results=250, user_fields=FIELDS))
        names = [user.username for page in pages for user in page.data or []]
        check(f"xdk get_followers, {len(pages)} pages ({how})", len(set(names)) == count, len(names))
    check("xdk get_by_username of nobody", app.users.get_by_username("nobody_at_all").errors)

    text = f"Number 700, where are you? {time.time_ns()}"
    made = signed.posts.create(CreateRequest(text=text)).data
    check("xdk posts.create", made.text == text, made)
    again = with_status("xdk posts.create, same text", 403, lambda: signed.posts.create(CreateRequest(text=text)))
    check("xdk sees a problem object", again.json()["title"] == "Forbidden", again.text)
    page = next(signed.users.get_posts(AMBER, max_results=5, post_fields=["created_at", "text"]))
    check("xdk get_posts", page.data[0].id == made.id and page.data[0].created_at, page)
    typed = answered("fan0002", "@amber snow, please", made.id)
    page = next(signed.users.get_mentions(AMBER, since_id=made.id, max_results=5, post_fields=["author_id"]))
    check("xdk get_mentions", [one.id for one in page.data] == [typed], page)
    reply = CreateRequest(text=f"A song about snow {time.time_ns()}", reply={"in_reply_to_tweet_id": typed})
    check("xdk posts.create in reply", signed.posts.create(reply).data.id > typed)

    words = f"You are number 700! {time.time_ns()}"
    sent = signed.direct_messages.create_by_participant_id("2000000002", CreateByParticipantIdRequest(text=words)).data
    check("xdk create_by_participant_id", sent.dm_event_id, sent)
    page = next(
        signed.direct_messages.get_events_by_participant_id(
            "2000000002", dm_event_fields=["created_at", "event_type", "text"], expansions=["sender_id"]
        )
    )
    check("xdk get_events_by_participant_id", page.data[0].text == words, page)

    with_status("xdk wrong signature", 401, xdk_signed(access_secret="guessed").users.get_me)
    with_status("xdk wrong bearer", 401, lambda: xdk_client(bearer_token="guessed").users.get_by_id(AMBER))
    only_app = xdk_client(access_token=BEARER)
    with_status("xdk app token where a user is needed", 403, lambda: only_app.posts.create(CreateRequest(text="?")))
    with_status("xdk max_results=0", 400, lambda: next(signed.users.get_followers(AMBER, max_results=0)))


def drive_into_the_limit() -> None:
    """Last, because after it there is nothing left of `me` and of messages for 15 minutes."""
    client = tweepy_client()

    def until_refused() -> None:
        for _ in range(80):
            client.get_me()

    error = refused("tweepy beyond 75 get_me", tweepy.TooManyRequests, until_refused)
    headers = error.response.headers
    check("tweepy reads the reset", int(headers["x-rate-limit-reset"]) > 0 and headers["x-rate-limit-remaining"] == "0")
    with_status("xdk beyond 75 get_me", 429, xdk_signed().users.get_me)


drive_tweepy()
drive_xdk()
drive_into_the_limit()
print("ok  tweepy and xdk take the stand-in for X")
