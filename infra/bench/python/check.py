"""What check-followers does for an idle account on Bluesky, written in Python: the same requests, in the same order."""

import os
import tomllib
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


def check(account: dict[str, str], row: dict[str, Any]) -> dict[str, Any]:
    url = f"{account['appview']}/xrpc/app.bsky.actor.getProfile"
    answer = NETWORK.get(url, params={"actor": row["id"]["S"]}, timeout=10)
    answer.raise_for_status()
    followers = answer.json()["followersCount"]
    if followers != int(row["followers"]["N"]):
        raise ValueError("the account is not idle")
    return {"account": account["handle"], "followers": followers}


def handler(_event: object, _context: object) -> dict[str, Any]:
    values = {":pk": {"S": "roster"}}
    page = DYNAMODB.query(TableName=TABLE, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=values)
    rows = {row["sk"]["S"]: row for row in page["Items"]}
    return {"accounts": [check(account, rows[f"bluesky@{account['handle']}"]) for account in SETTINGS["account"]]}
