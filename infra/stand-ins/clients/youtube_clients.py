#!/usr/bin/env python3
"""Drives the stand-in for YouTube with two clients that others wrote: google-api-python-client, and python-youtube.

Both believe that they talk to YouTube. The first reads its requests from Google's own discovery document,
which it brings along; the second makes objects of the answers. So this checks the stand-in, not Have a Hug.

    python3 -m venv .tools/youtube-clients
    .tools/youtube-clients/bin/pip install google-api-python-client==2.202.0 python-youtube==0.9.9
    .tools/youtube-clients/bin/python infra/stand-ins/clients/youtube_clients.py http://127.0.0.1:4013

The server must be a fresh one (`hug sandbox --networks-only` tells its address). One line for each call; the
exit code is 1 at the first surprise.
"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pyyoutube
from checks import check, refused
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

if len(sys.argv) != 2:
    sys.exit(__doc__)
URL = sys.argv[1].rstrip("/")
KEY = "sandbox-youtube-key"
CHANNEL, UPLOADS = "UCAmberLaneSings00000000", "UUAmberLaneSings00000000"
PARTS = "snippet,contentDetails,status"


def by_hand(command: str, **parameters: str) -> Any:
    query = urllib.parse.urlencode(parameters)
    request = urllib.request.Request(f"{URL}/stand-in/{command}?{query}", method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def song(n: int) -> str:
    return f"song-{n:06}"


def google_client(key: str = KEY) -> Any:
    where = {"api_endpoint": URL}
    return build("youtube", "v3", developerKey=key, client_options=where, cache_discovery=False, static_discovery=True)


def reason(error: HttpError) -> tuple[int, str]:
    body = json.loads(error.content)["error"]
    return int(error.resp.status), body["errors"][0]["reason"]


def drive_google() -> None:
    client = google_client()
    items = client.playlistItems()
    error = refused(
        "google playlistItems without a video", HttpError, items.list(part=PARTS, playlistId=UPLOADS).execute
    )
    check("google reads why", reason(error) == (404, "playlistNotFound"), error)

    for n in range(1, 8):
        by_hand("video", id=song(n), title=f"Song {n}", description=f"For follower {n}00 & all <3 🎶")
    by_hand("video", id=song(8), title="Unlisted", privacy="unlisted")
    by_hand("video", id=song(9), title="Private", privacy="private")
    by_hand("video", id=song(10), title="Soon", live="upcoming")

    request, listed, pages = items.list(part=PARTS, playlistId=UPLOADS, maxResults=3), [], 0
    while request is not None:
        page = request.execute()
        listed += page["items"]
        pages += 1
        request = items.list_next(request, page)
    ids = {one["contentDetails"]["videoId"] for one in listed}
    check(f"google playlistItems, {pages} pages", pages == 3 and len(listed) == len(ids) == 8, len(listed))
    check("google the public ones only", ids == {song(n) for n in (*range(1, 8), 10)}, ids)
    first = next(one for one in listed if one["contentDetails"]["videoId"] == song(1))
    check("google the words", first["snippet"]["description"] == "For follower 100 & all <3 🎶", first["snippet"])
    check("google when and whose", first["contentDetails"]["videoPublishedAt"].endswith("Z"), first)
    check("google the channel", first["snippet"]["channelId"] == CHANNEL, first["snippet"])
    check("google five by default", len(items.list(part="id", playlistId=UPLOADS).execute()["items"]) == 5)
    many = items.list(part="id", playlistId=UPLOADS, maxResults=51)
    check("google 51 at once", reason(refused("google maxResults=51", HttpError, many.execute))[0] == 400)

    def video(n: int) -> Any:
        return client.videos().list(part="snippet,status", id=song(n)).execute()["items"]

    check("google videos, public", video(1)[0]["status"]["privacyStatus"] == "public")
    check("google videos, unlisted", video(8)[0]["status"]["privacyStatus"] == "unlisted")
    check("google videos, private", video(9) == [])
    check("google videos, none", video(99) == [])
    check("google videos, a premiere", video(10)[0]["snippet"]["liveBroadcastContent"] == "upcoming")
    for how in ({"id": CHANNEL}, {"forHandle": "@amberlane"}):
        found = client.channels().list(part="contentDetails,snippet", **how).execute()["items"][0]
        uploads = found["contentDetails"]["relatedPlaylists"]["uploads"]
        check(f"google channels by {next(iter(how))}", (uploads, found["id"]) == (UPLOADS, CHANNEL), found)
    nobody = client.channels().list(part="id", forHandle="@nobody").execute()
    check("google channels, nobody", nobody.get("items", []) == [], nobody)

    wrong = google_client("guessed").videos().list(part="id", id=song(1))
    check("google reads why", reason(refused("google wrong key", HttpError, wrong.execute)) == (400, "badRequest"))
    by_hand("fail", route="/videos", status="503")
    error = refused("google 503", HttpError, client.videos().list(part="id", id=song(1)).execute)
    check("google reads why", reason(error) == (503, "backendError"), error)
    by_hand("fail", route="/videos", rate_limited="60")
    error = refused("google 429", HttpError, client.videos().list(part="id", id=song(1)).execute)
    check("google reads why", reason(error) == (429, "rateLimitExceeded"), error)


class HereClient(pyyoutube.Client):
    """The client of python-youtube, led to the stand-in."""

    BASE_URL = f"{URL}/youtube/v3/"


def drive_python_youtube() -> None:
    client = HereClient(api_key=KEY)
    page = client.playlistItems.list(parts=PARTS, playlist_id=UPLOADS, max_results=50)
    check("python-youtube playlistItems", len(page.items) == page.pageInfo.totalResults == 8, page)
    one = page.items[0]
    check("python-youtube an item", one.contentDetails.videoId == one.snippet.resourceId.videoId, one)
    check("python-youtube a time", one.contentDetails.string_to_datetime(one.contentDetails.videoPublishedAt), one)
    found = client.videos.list(parts="snippet,status", video_id=[song(1), song(8), song(9)]).items
    check("python-youtube videos", [it.id for it in found] == [song(1), song(8)], found)
    check("python-youtube embeddable", found[0].status.embeddable is True, found[0].status)
    check("python-youtube liveBroadcastContent", found[0].snippet.liveBroadcastContent == "none", found[0].snippet)
    channel = client.channels.list(parts="contentDetails,snippet", channel_id=CHANNEL).items[0]
    check("python-youtube channels", channel.contentDetails.relatedPlaylists.uploads == UPLOADS, channel)
    check("python-youtube the handle", channel.snippet.customUrl == "@amberlane", channel.snippet)
    stranger = HereClient(api_key="guessed")
    error = refused(
        "python-youtube wrong key",
        pyyoutube.PyYouTubeException,
        lambda: stranger.videos.list(parts="id", video_id=song(1)),
    )
    check("python-youtube reads why", error.status_code == 400 and "API key not valid" in error.message, error)
    error = refused(
        "python-youtube no such list",
        pyyoutube.PyYouTubeException,
        lambda: client.playlistItems.list(parts="id", playlist_id="UUnobody"),
    )
    check("python-youtube reads why", error.status_code == 404, error)


def oembed(n: int) -> tuple[int, str]:
    query = urllib.parse.urlencode({"format": "json", "url": f"https://youtu.be/{song(n)}"})
    try:
        with urllib.request.urlopen(f"{URL}/oembed?{query}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def look_at_header() -> None:
    """A client of one's own keeps the key out of the address."""
    address = f"{URL}/youtube/v3/videos?part=id&id={song(1)}"
    request = urllib.request.Request(address, headers={"X-goog-api-key": KEY})
    with urllib.request.urlopen(request, timeout=10) as answer:
        check("the key in a header", json.load(answer)["items"][0]["id"] == song(1))


def look_at_oembed() -> None:
    status, body = oembed(1)
    check("oembed", (status, json.loads(body)["author_name"]) == (200, "Amber Lane"), body)
    by_hand("video", id=song(11), title="Not elsewhere", embeddable="false")
    check("oembed, embedding off", oembed(11) == (401, "Unauthorized"), oembed(11))
    check("oembed, none", oembed(99) == (404, "Not Found"), oembed(99))


drive_google()
drive_python_youtube()
look_at_header()
look_at_oembed()
print("ok  google-api-python-client and python-youtube take the stand-in for YouTube")
