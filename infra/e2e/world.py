"""The emulator's side and the networks' side, to look at and to act on."""

import contextlib
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from processes import STACK
from proof import check, wait

NETWORKS = ("x", "bluesky", "mastodon")
CHECK, INVITE = f"{STACK}-check-followers", f"{STACK}-invite-follower"

# An item of the table, as DynamoDB writes it: {"status": {"S": "reached"}}.
Item = dict[str, dict[str, str]]


class World:
    """The deployed stack, and the stand-in networks that it talks to."""

    def __init__(self, endpoint: str, networks: dict[str, str]) -> None:
        self.networks, self.endpoint = networks, endpoint

        def client(service: str) -> Any:
            config = Config(retries={"total_max_attempts": 2}, read_timeout=150)
            return boto3.client(service, endpoint_url=endpoint, config=config)

        self.dynamodb, self.ssm, self.iam = client("dynamodb"), client("ssm"), client("iam")
        self.functions, self.logs, self.queues = client("lambda"), client("logs"), client("sqs")
        self.cloudformation, self.scheduler = client("cloudformation"), client("scheduler")
        self.alarms, self.topics = client("cloudwatch"), client("sns")
        self.s3, self.cloudfront, self.kms = client("s3"), client("cloudfront"), client("kms")

    def stack(self) -> Any:
        return self.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]

    def output(self, name: str) -> str:
        outputs = {output["OutputKey"]: output["OutputValue"] for output in self.stack()["Outputs"]}
        return outputs[name]

    # ---- the ledger ----

    def items(self) -> list[Item]:
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.output("LedgerTable"), ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def sorted_items(self) -> list[str]:
        """Every item as text, to compare the table with itself later."""
        return sorted(json.dumps(item, sort_keys=True) for item in self.items())

    def accounts(self) -> list[Item]:
        return [item for item in self.items() if item["sk"]["S"] == "account"]

    def mark(self, network: str = "x") -> int:
        """The number up to which every milestone is decided."""
        (account,) = [item for item in self.accounts() if item["pk"]["S"].startswith(f"{network}#")]
        return int(account["promised_up_to"]["N"])

    def hugs(self, number: int, network: str = "x") -> list[Item]:
        """The hug for that number, if there is one."""
        sk, pk = f"milestone#{number:010}", f"{network}#"
        return [item for item in self.items() if item["sk"]["S"] == sk and item["pk"]["S"].startswith(pk)]

    def hug(self, number: int, network: str = "x") -> Item:
        (hug,) = self.hugs(number, network)
        return hug

    def status(self, number: int, network: str = "x") -> str | None:
        """The status of the hug for that number; None where there is no such hug."""
        return next((hug["status"]["S"] for hug in self.hugs(number, network)), None)

    def write_news(self, number: int, news: str) -> None:
        """Writes news into a hug on X."""
        hug = self.hug(number)
        self.dynamodb.update_item(
            TableName=self.output("LedgerTable"),
            Key={"pk": hug["pk"], "sk": hug["sk"]},
            UpdateExpression="SET news = :news",
            ExpressionAttributeValues={":news": {"S": news}},
        )

    def wait_for_invitation(self, number: int, network: str = "x") -> None:
        wait(lambda: self.status(number, network) == "invited", f"the invitation for {number} on {network}")

    # ---- the functions ----

    def invoke(self, **event: object) -> tuple[str | None, Any]:
        """Runs check-followers; its error, if any, and its answer."""
        answer = self.functions.invoke(FunctionName=CHECK, Payload=json.dumps(event))
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    def next_milestone(self, account: str) -> int:
        """The next milestone of an account, by a check of it alone."""
        error, summary = self.invoke(account=account)
        check(not error and summary["failed"] == 0, f"the check of {account}", error, summary)
        number: int = summary["accounts"][0]["next_milestone"]
        return number

    def invoke_denied(self, step: str) -> None:
        """Runs check-followers for X, of which that step must be denied."""
        error, summary = self.invoke(account="x:amber")
        text = json.dumps(summary)
        check(not error and step in text and "AccessDenied" in text, f"the step that fails is {step!r}", error, text)

    def log(self, function: str) -> list[str]:
        """Every line of a function's log."""
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function}")
        return [event["message"] for page in pages for event in page["events"]]

    def count(self, function: str, text: str) -> int:
        """How many lines of a function's log have that text in them."""
        return sum(text in line for line in self.log(function))

    def restart(self, function: str) -> None:
        """Lets Lambda start a function again, so that it reads its parameters with the role as it is now."""
        seconds = self.functions.get_function_configuration(FunctionName=function)["Timeout"]
        self.functions.update_function_configuration(FunctionName=function, Timeout=seconds ^ 1)
        self.functions.get_waiter("function_updated_v2").wait(FunctionName=function)

    # ---- the networks ----

    def stand_in(self, method: str, path: str, network: str = "x", **query: object) -> Any:
        address = f"{self.networks[network]}/stand-in/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(urllib.request.Request(address, method=method), timeout=10) as answer:
            return json.loads(answer.read())

    def posts(self, network: str = "x") -> list[Any]:
        """What the account sent: posts, and on Mastodon private mentions."""
        sent = self.stand_in("GET", "sent", network)
        return [*sent["posts"], *sent["messages"]]

    def follow_to(self, number: int, network: str = "x") -> None:
        now = self.stand_in("POST", "follow", network, n=0)["followers"]
        self.stand_in("POST", "follow", network, n=number - now)

    # ---- the roles ----

    def role(self, function: str) -> str:
        arn: str = self.functions.get_function_configuration(FunctionName=function)["Role"]
        return arn.rsplit("/", 1)[1]

    def widen_roles(self) -> None:
        """The emulator wants ssm:GetParametersByPath on every resource, where AWS wants it on the path alone, as the
        template gives it. So each role gets it once more, beside the template."""
        statement = {"Effect": "Allow", "Action": ["ssm:GetParametersByPath"], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        for function in (CHECK, INVITE):
            self.iam.put_role_policy(RoleName=self.role(function), PolicyName="emulator", PolicyDocument=document)

    @contextlib.contextmanager
    def without(self, function: str, action: str) -> Iterator[None]:
        """The function's role without one right."""
        role, removed = self.role(function), 0
        full: dict[str, Any] = {}
        for name in self.iam.list_role_policies(RoleName=role)["PolicyNames"]:
            full[name] = self.iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            less = json.loads(json.dumps(full[name]))
            for statement in less["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                removed += action in actions
                # A statement must have an action; this one is for a call that nobody makes.
                statement["Action"] = [other for other in actions if other != action] or ["sts:GetCallerIdentity"]
            self.iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(less))
        check(removed >= 1, f"the role of {function} has {action}", removed)
        try:
            yield
        finally:
            for name, document in full.items():
                self.iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
