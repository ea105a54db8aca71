"""The songbook is published by the distribution, changes when a hug does, cannot be had from the bucket, and goes."""

import contextlib
import http.client
import urllib.parse
from pathlib import Path
from typing import Any

from processes import Make
from proof import check, proves, wait
from songs import VIDEO
from world import CHECK, World

# What each answer of the distribution has to say to a browser.
HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "max-age=60",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
}
POLICY = ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'")


class Visitor:
    """A person with a browser, who has only the address."""

    def __init__(self, world: World) -> None:
        self.endpoint = urllib.parse.urlsplit(world.endpoint).netloc
        self.address = world.output("Songbook")
        self.host = urllib.parse.urlsplit(self.address).netloc

    def ask(
        self, path: str = "/", method: str = "GET", scheme: str = "https", host: str | None = None
    ) -> tuple[int, dict[str, str], str]:
        """Asks the distribution, or another host; returns the status, the headers and the body."""
        connection = http.client.HTTPConnection(self.endpoint, timeout=30)
        with contextlib.closing(connection):
            headers = {"Host": host or self.host, "X-Forwarded-Proto": scheme}
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, named, answer.read().decode()

    def page(self) -> str:
        status, headers, page = self.ask()
        check(status == 200, "the distribution shows the page", status, headers, page[:500])
        for name, value in HEADERS.items():
            check(headers.get(name) == value, f"the header {name} is {value}", headers)
        for part in POLICY:
            check(part in headers["content-security-policy"], f"the policy has {part}", headers)
        return page


def buckets(world: World) -> list[str]:
    names = [bucket["Name"] for bucket in world.s3.list_buckets()["Buckets"]]
    return [name for name in names if "songbook" in name]


def written(world: World, bucket: str) -> Any:
    """When the page was written."""
    return world.s3.head_object(Bucket=bucket, Key="index.html")["LastModified"]


def distributions(world: World) -> list[Any]:
    return list(world.cloudfront.list_distributions()["DistributionList"].get("Items", []))


def is_gone(world: World) -> bool:
    return buckets(world) == [] and distributions(world) == []


def deploy(make: Make, settings: Path, songbook: str, fails: bool = False) -> str:
    return make("deploy", f"SETTINGS={settings}", f"SONGBOOK={songbook}", "BUILD=true", fails=fails)


def prove_publishing(make: Make, world: World, settings: Path) -> None:
    """To be called after the follower for 600 on X was invited."""
    variables = world.functions.get_function_configuration(FunctionName=CHECK)["Environment"]["Variables"]
    check(is_gone(world) and "HUG_SONGBOOK_BUCKET" not in variables, "without it there is nothing of it", variables)
    printed = deploy(make, settings, "yes", fails=True)
    check("write 1 to publish the songbook" in printed, "another word is refused", printed)
    printed = deploy(make, settings, "1")
    visitor = Visitor(world)
    check(f"Songbook: {visitor.address}" in printed, "a deploy tells the address", printed[-800:])
    printed = make("doctor", fails=True)
    nothing = f"wrong   songbook: there is no page at {visitor.address} yet → `make invoke-remote` writes it"
    check(nothing in printed, "the doctor says that nothing is published yet", printed)
    status, _, _ = visitor.ask()
    check(status in (403, 404), "before the first check there is no page", status)

    error, summary = world.invoke()
    check(not error and summary["failed"] == 0, "the check publishes", summary)
    page = visitor.page()
    check("<!DOCTYPE html>" in page and "600" in page, "the page is the songbook", page[:2000])
    status, headers, _ = visitor.ask(scheme="http")
    check((status, headers.get("location")) == (301, visitor.address), "HTTP leads to HTTPS", status, headers)
    for method in ("PUT", "POST", "DELETE"):
        status, _, _ = visitor.ask(method=method)
        check(status in (403, 405), f"visitors cannot {method}", status)
    status, _, _ = visitor.ask("/other.html")
    check(status in (403, 404), "there is nothing else", status)
    proves(
        "9a. with SONGBOOK=1 the distribution shows the page, with every header, by HTTPS only; `make doctor` and the "
        "deploy tell its address"
    )

    (bucket,) = buckets(world)
    for path, host in ((f"/{bucket}/index.html", None), ("/index.html", f"{bucket}.s3.amazonaws.com")):
        for method in ("GET", "PUT", "DELETE"):
            status, _, body = visitor.ask(path, method, host=host or visitor.endpoint)
            check(status == 403, f"nobody can {method} {path} at {host}", status, body)
    status, _, body = visitor.ask(f"/{bucket}", host=visitor.endpoint)
    check(status == 403, "nobody lists the bucket", status, body)
    page_again = visitor.page()
    check(page_again == page, "the page is as it was", page_again)
    kept = world.s3.list_objects_v2(Bucket=bucket)["Contents"]
    check([file["Key"] for file in kept] == ["index.html"], "the bucket has the page and nothing else", kept)
    proves("9b. the bucket itself gives the page to nobody, and takes nothing from anybody")

    before = written(world, bucket)
    error, _ = world.invoke(dry_run=True)
    check(not error, "a dry run works")
    for _ in range(2):
        error, _ = world.invoke()
        check(not error, "a check works")
    check(written(world, bucket) == before, "checks that change nothing write no page", before)
    proves("9c. neither a dry run nor a check without a change puts the page")


def prove_changes(world: World) -> None:
    """To be called after `songs`: a hug on X is sung, and the follower of one on Mastodon has said stop."""
    error, _ = world.invoke()
    check(not error, "a check works")
    page = Visitor(world).page()
    hug: Any = world.hug(600)
    name = hug["follower"]["M"]["handle"]["S"]
    check(VIDEO in page and name in page, "the page has the song, and who asked for it", name, page)
    stopped: Any = world.hug(600, "mastodon")
    check(stopped["status"]["S"] == "declined", "one has said stop", stopped)
    handle = stopped["follower"]["M"]["handle"]["S"]
    there = f"@{handle}" in page.split("mastodon.example")[-1] and handle != name
    check(not there, "who said stop is not named", handle)
    proves("9d. the page changes with the hugs: it has the song, and does not name who said stop")


def prove_right(world: World) -> str:
    """Without its right the page stays as it is, and the checks go on. Returns the right."""
    right = "s3:PutObject"
    bucket = world.output("SongbookBucket")
    before = written(world, bucket)
    with world.without(CHECK, right):
        world.restart(CHECK)
        failed = '"SongbooksFailed":1'
        counted = world.count(CHECK, failed)
        error, summary = world.invoke()
        check(not error and summary["failed"] == 0, "the checks work without the right to publish", summary)
        wait(lambda: world.count(CHECK, failed) > counted, "the failure is counted")
        line = [line for line in world.log(CHECK) if "the songbook was not published" in line][-1]
        check("AccessDenied" in line and right in line, "the log says why, and what helps", line)
    check(written(world, bucket) == before and Visitor(world).page(), "the page stays as it was")
    error, _ = world.invoke()
    check(not error, "a check works")
    check(written(world, bucket) > before, "the next check publishes")
    return f"{CHECK.removeprefix('hug-e2e-')} {right}"


def prove_taking_down(make: Make, world: World, settings: Path) -> None:
    visitor = Visitor(world)
    printed = deploy(make, settings, "0")
    check("Deleted: the songbook's page and its bucket" in printed, "the page is deleted", printed[-800:])
    check(is_gone(world), "nothing of it is left", buckets(world), distributions(world))
    # For a name that it does not know, the emulator answers as itself.
    _, _, body = visitor.ask()
    check("</html>" not in body, "the address shows no page", body)
    error, summary = world.invoke()
    check(not error and summary["failed"] == 0, "checks go on without it", summary)
    printed = make("doctor", fails=True)
    check("songbook" not in printed, "the doctor does not miss it", printed)
    # For `make destroy`, which has to delete it, too.
    deploy(make, settings, "1")
    error, _ = world.invoke()
    check(not error and Visitor(world).page(), "it can be published again")
    proves("9e. SONGBOOK=0 takes the page down and deletes the bucket with it; SONGBOOK=1 publishes it again")
