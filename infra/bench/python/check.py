"""What check-followers does for an idle account on Bluesky, written in Python: the same requests, in the same order."""

import os
import tomllib
from datetime import UTC, datetime
from typing import Any

import boto3
import requests

TABLE = os.environ["HUG_TABLE"]
PREFIX = os.environ["HUG_PARAMETERS"]
PAGES = boto3.client("ssm").get_paginator("get_parameters_by_path")
PARAMETERS = {
    parameter["Name"]: parameter["Value"]
    for page in PAGES.paginate(Path=PREFIX, Recursive=True, WithDecryption=True)
    for parameter in page["Parameters"]
}
SETTINGS = tomllib.loads(PARAMETERS[f"{PREFIX}/settings"])
DYNAMODB = boto3.client("dynamodb")
NETWORK = requests.Session()


def item(pk: str, sk: str) -> dict[str, Any]:
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    return dict(DYNAMODB.get_item(TableName=TABLE, Key=key, ConsistentRead=True)["Item"])


def check(account: dict[str, str]) -> dict[str, Any]:
    signpost = item(f"bluesky@{account['handle']}", "signpost")
    did = signpost["id"]["S"]
    known = item(f"bluesky#{did}", "account")
    url = f"{account['appview']}/xrpc/app.bsky.actor.getProfile"
    answer = NETWORK.get(url, params={"actor": did}, timeout=10)
    answer.raise_for_status()
    followers = answer.json()["followersCount"]
    revision = int(known["revision"]["N"])
    known |= {
        "followers": {"N": str(followers)},
        "checked_at": {"S": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")},
        "revision": {"N": str(revision + 1)},
    }
    put = {
        "TableName": TABLE,
        "Item": known,
        "ConditionExpression": "revision = :seen",
        "ExpressionAttributeValues": {":seen": {"N": str(revision)}},
    }
    DYNAMODB.transact_write_items(TransactItems=[{"Put": put}])
    return {"account": account["handle"], "followers": followers}


def handler(_event: object, _context: object) -> dict[str, Any]:
    return {"accounts": [check(account) for account in SETTINGS["account"]]}
