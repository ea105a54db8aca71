"""What the template must be: rules that no linter can know, each a sentence that must hold."""

import json
import re
from typing import Any

from sources import (
    BATCH_RETRIES,
    BATCH_SIZE,
    COUNT_ATTRIBUTES,
    HUG_ATTRIBUTES,
    HUG_FLAGS,
    LOCAL_FILTER,
    METRICS,
    NAMESPACE,
    PAGE,
    RECORD_ATTRIBUTES,
    RECORD_FLAGS,
    VARIABLES,
    hug_statuses,
    rights,
)

# A template after its translation, or a part of it.
Part = dict[str, Any]

# The functions, by their names in the template.
FUNCTIONS = {"CheckFollowers": "check-followers", "InviteFollower": "invite-follower"}

# Where news and alarms go.
TOPIC = {"Ref": "Alarms"}

# What only a stack with the songbook has, and only while it cannot be published: CloudWatch asks for a metric by the
# hour in which it is written.
SONGBOOK_METRIC = "SongbooksFailed"

# What AWS asks nothing for.
FREE_METRICS = FREE_ALARMS = 10


class Wrong(Exception):
    """The rule that does not hold."""


def must(holds: object, rule: str) -> None:
    if not holds:
        raise Wrong(rule)


def properties(template: Part, name: str, kind: str) -> Part:
    resource = template["Resources"].get(name)
    must(resource and resource["Type"] == kind, f"{name} is there, a {kind}")
    values: Part = resource["Properties"]
    return values


def statements(template: Part, role: str) -> list[Part]:
    policies = properties(template, role, "AWS::IAM::Role")["Policies"]
    must(len(policies) == 1, f"{role} has one policy")
    values: list[Part] = policies[0]["PolicyDocument"]["Statement"]
    return values


def actions(statement: Part) -> list[str]:
    return [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def attribute(name: str, what: str) -> Part:
    return {"Fn::GetAtt": [name, what]}


def has_songbook(template: Part) -> bool:
    return "SongbookBucket" in template["Resources"]


def has_roster(template: Part) -> bool:
    return "LoginsKey" in template["Resources"]


def check_ledger(template: Part) -> None:
    ledger = properties(template, "Ledger", "AWS::DynamoDB::Table")
    resource = template["Resources"]["Ledger"]
    # Not RetainExceptOnCreate: a first deploy that fails could not delete a table that is protected from deletion.
    must(resource.get("DeletionPolicy") == "Retain", "the ledger outlives its stack")
    must(resource.get("UpdateReplacePolicy") == "Retain", "the ledger outlives its replacement")
    must(ledger.get("DeletionProtectionEnabled") is True, "the ledger is not deleted by mistake")
    must(ledger.get("BillingMode") == "PAY_PER_REQUEST", "the ledger costs what is used")
    must(
        ledger.get("StreamSpecification", {}).get("StreamViewType") == "NEW_IMAGE",
        "the ledger has a stream of new images",
    )
    expiry = ledger.get("TimeToLiveSpecification", {})
    must(
        expiry.get("Enabled") is True and expiry["AttributeName"] in COUNT_ATTRIBUTES.values(),
        "counts expire by an attribute that they have",
    )
    must(
        ledger.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled") is True,
        "the ledger can be put back",
    )
    must(ledger.get("SSESpecification", {}).get("SSEEnabled") is True, "the ledger is encrypted")
    must([key["AttributeName"] for key in ledger["KeySchema"]] == ["pk", "sk"], "the ledger's keys are pk and sk")


def check_functions(template: Part) -> None:
    for name in FUNCTIONS:
        function = properties(template, name, "AWS::Lambda::Function")
        must(function["Runtime"] == "provided.al2023" and function["Handler"] == "bootstrap", f"{name} runs a binary")
        must(function["Architectures"] == [{"Ref": "Architecture"}], f"{name} has the stack's architecture")
        must(function["Role"] == attribute(f"{name}Role", "Arn"), f"{name} has a role of its own")
        must(function["LoggingConfig"]["LogGroup"] == {"Ref": f"{name}Log"}, f"{name} logs to its group")
        log = properties(template, f"{name}Log", "AWS::Logs::LogGroup")
        must(log.get("RetentionInDays") == {"Ref": "LogDays"}, f"the log of {name} ends")
        environment = function["Environment"]["Variables"]
        wanted: Part = {"HUG_TABLE": {"Ref": "Ledger"}, "HUG_PARAMETERS": {"Fn::Sub": "/${AWS::StackName}"}}
        if name == "InviteFollower":
            wanted["HUG_NEWS_TOPIC"] = TOPIC
        elif has_songbook(template):
            wanted["HUG_SONGBOOK_BUCKET"] = {"Ref": "SongbookBucket"}
        if has_roster(template):
            wanted["HUG_LOGINS_KEY"] = attribute("LoginsKey", "Arn")
        must(environment == wanted, f"{name} gets {', '.join(wanted)} and nothing else")
        must(set(environment) <= VARIABLES.values(), f"start.rs reads the variables of {name}")
        must(function["Timeout"] <= 900, f"{name} ends in time")
    must(template["Parameters"]["Architecture"]["Default"] == "arm64", "arm64 unless said otherwise")
    again = properties(template, "CheckFollowersEventInvokeConfig", "AWS::Lambda::EventInvokeConfig")
    must(again.get("MaximumRetryAttempts") == 0, "a failed check is not repeated before the next")


def check_rights(template: Part) -> None:
    """Each role has the rights that its function's calls take (infra/rights.json) and those that Lambda itself uses on
    the function's behalf, each on its own resource, and no others."""
    here = "arn:${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:"
    parameters = here % "ssm" + "parameter/${AWS::StackName}"
    resources = {
        "dynamodb": attribute("Ledger", "Arn"),
        "ssm": {"Fn::Sub": parameters},
        "kms": {"Fn::Sub": here % "kms" + "key/*"},
        "sns": TOPIC,
    }
    if has_songbook(template):
        (page,) = PAGE.values()
        resources["s3"] = {"Fn::Sub": f"${{SongbookBucket.Arn}}/{page}"}
    stream = attribute("Ledger", "StreamArn")
    platform = {
        "CheckFollowers": {},
        "InviteFollower": {
            "dynamodb:DescribeStream": stream,
            "dynamodb:GetRecords": stream,
            "dynamodb:GetShardIterator": stream,
            "dynamodb:ListStreams": {"Fn::Sub": "${Ledger.Arn}/stream/*"},
            "sqs:SendMessage": attribute("NotInvited", "Arn"),
        },
    }
    calls = rights()
    must(set(calls) == set(FUNCTIONS.values()), "infra/rights.json lists the rights of both functions")
    for function, name in FUNCTIONS.items():
        wanted = dict(platform[function])
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            wanted[action] = attribute(f"{function}Log", "Arn")
        for right in calls[name]:
            service = right.split(":")[0]
            if service == "s3" and not has_songbook(template):
                continue
            must(service in resources, f"the resource of {right} in infra/rights.json is known to check_rights")
            wanted[right] = resources[service]
        granted: dict[str, Part] = {}
        for statement in statements(template, f"{function}Role"):
            must(statement["Effect"] == "Allow", f"the role of {name} only allows")
            for action in actions(statement):
                must("*" not in action and action not in granted, f"{name} is given {action} by name, once")
                granted[action] = statement
        for right in granted:
            must(right in wanted, f"{name} makes a call that takes {right} (none is listed in infra/rights.json)")
        for right, resource in wanted.items():
            must(right in granted, f"{name} may {right}, which its calls take")
            must(granted[right]["Resource"] == resource, f"{name} may {right} on its own resource only")
        condition = granted["kms:Decrypt"].get("Condition", {})
        through_parameters = {"kms:ViaService": {"Fn::Sub": "ssm.${AWS::Region}.amazonaws.com"}}
        must(condition.get("StringEquals") == through_parameters, f"{name} decrypts through parameters only")
        own_secrets = {"kms:EncryptionContext:PARAMETER_ARN": {"Fn::Sub": parameters + "/secrets/*"}}
        must(condition.get("StringLike") == own_secrets, f"{name} decrypts its own secrets only")
    topic = properties(template, "AlarmsPolicy", "AWS::SNS::TopicPolicy")
    must(topic["Topics"] == [TOPIC], "the topic has a policy")
    (publish,) = topic["PolicyDocument"]["Statement"]
    must(
        (publish["Effect"], publish["Principal"], publish["Action"], publish["Resource"])
        == ("Allow", {"Service": "cloudwatch.amazonaws.com"}, "sns:Publish", TOPIC),
        "beside the roles, only alarms may publish",
    )
    own = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    must(publish.get("Condition") == own, "only alarms of this account may publish")
    schedule = {action: one["Resource"] for one in statements(template, "ScheduleRole") for action in actions(one)}
    starts = {
        "lambda:InvokeFunction": attribute("CheckFollowers", "Arn"),
        "sqs:SendMessage": attribute("ChecksNotStarted", "Arn"),
    }
    must(schedule == starts, "the schedule may start its function and report that it could not")


def check_schedule(template: Part) -> None:
    schedule = properties(template, "Schedule", "AWS::Scheduler::Schedule")
    target = schedule["Target"]
    must(
        schedule["ScheduleExpression"] == {"Ref": "CheckRate"} and schedule["State"] == "ENABLED",
        "the schedule runs at the stack's rate",
    )
    must(
        target["Arn"] == attribute("CheckFollowers", "Arn") and target["RoleArn"] == attribute("ScheduleRole", "Arn"),
        "the schedule starts check-followers",
    )
    must(json.loads(target["Input"]) == {}, "the schedule asks for every account")
    must(
        target.get("DeadLetterConfig", {}).get("Arn") == attribute("ChecksNotStarted", "Arn"),
        "what the schedule cannot start is kept",
    )
    must(0 <= target.get("RetryPolicy", {}).get("MaximumRetryAttempts", 185) <= 10, "the schedule's retries are few")
    rate = template["Parameters"]["CheckRate"]
    pattern = re.compile(rate["AllowedPattern"])
    for good in ("rate(1 minute)", "rate(2 minutes)", "rate(59 minutes)", "rate(1 hour)", rate["Default"]):
        must(pattern.search(good), f"the rate may be {good}")
    wrong_numbers = ("rate(1 minutes)", "rate(15 minute)", "rate(0 minutes)", "rate(60 minutes)", "rate(2 hours)")
    for bad in (*wrong_numbers, "rate(1", "rate(1 day)", "5 minutes", "cron(* * * * ? *)", ""):
        must(not pattern.search(bad), f"the rate may not be {bad!r}")


def check_mapping(template: Part) -> None:
    mapping = properties(template, "Hugs", "AWS::Lambda::EventSourceMapping")
    must(
        mapping["EventSourceArn"] == attribute("Ledger", "StreamArn")
        and mapping["FunctionName"] == {"Ref": "InviteFollower"},
        "the stream goes to invite-follower",
    )
    must(mapping["StartingPosition"] == "TRIM_HORIZON", "nothing is missed while the mapping is made")
    filters = mapping.get("FilterCriteria", {}).get("Filters", [])
    let_through: dict[str, list[object]] = {}
    for one in filters:
        try:
            pattern = json.loads(one["Pattern"])
        except ValueError as error:
            raise Wrong(f"the filter is JSON ({error})") from error
        must(
            list(pattern) == ["dynamodb"] and list(pattern["dynamodb"]) == ["NewImage"],
            "the filter looks at the new image",
        )
        must(len(pattern["dynamodb"]["NewImage"]) == 1, "each pattern of the filter is about one attribute")
        for name, types in pattern["dynamodb"]["NewImage"].items():
            must(name in HUG_ATTRIBUTES.values(), f"a hug has the attribute {name}")
            is_flag = name in HUG_FLAGS.values()
            read = RECORD_FLAGS if is_flag else RECORD_ATTRIBUTES
            must(name in read.values(), f"invite-follower reads the attribute {name}")
            kind = "BOOL" if is_flag else "S"
            must(list(types) == [kind], f"a hug's {name} is {'true or false' if is_flag else 'a text'}")
            let_through[name] = types[kind]
    passed = set(let_through)
    must("reached" in hug_statuses(), "a hug can be reached")
    must(let_through.pop("status", None) == ["reached"], "the filter lets through what is owed")
    # Python takes 1 for true.
    must(json.dumps(let_through.pop("due", None)) == "[true]", "the filter lets through songs that are due")
    must(let_through.pop("news", None) == [{"exists": True}], "the filter lets through what has news")
    must(not let_through, f"the filter lets through nothing else, as {', '.join(let_through)}")
    must(passed == LOCAL_FILTER.values(), "the local stream pump filters by the same attributes")
    must(mapping["BatchSize"] == BATCH_SIZE.number(), "batches are as in the local stream pump")
    must(
        mapping.get("MaximumRetryAttempts") == BATCH_RETRIES.number(),
        "retries are finite, and as in the local stream pump",
    )
    must(
        60 <= mapping.get("MaximumRecordAgeInSeconds", -1) < 86400,
        "a record is given up on before the stream forgets it",
    )
    must(mapping.get("FunctionResponseTypes") == ["ReportBatchItemFailures"], "the checkpoint of a batch is used")
    must(mapping.get("BisectBatchOnFunctionError") is True, "a batch that fails as a whole is halved")
    must(
        mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination") == attribute("NotInvited", "Arn"),
        "what the stream gives up on is kept",
    )


def check_eyes(template: Part) -> None:
    """Queues, alarms, the dashboard."""
    watched: dict[tuple[str, str], Part] = {}
    (namespace,) = NAMESPACE.values()
    metrics = METRICS.values() - {SONGBOOK_METRIC}
    must(len(metrics) <= FREE_METRICS, f"one account makes at most {FREE_METRICS} metrics, not {len(metrics)}")
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            alarm = resource["Properties"]
            must(alarm.get("AlarmActions") == [TOPIC], f"{name} mails when it starts")
            must(alarm.get("OKActions") == [TOPIC], f"{name} mails when it ends")
            must(
                not alarm["MetricName"].startswith("ApproximateNumberOfMessages"),
                f"{name} ends once its cause is gone, which the depth of a queue does not",
            )
            if alarm["Namespace"] == namespace:
                must(
                    alarm["MetricName"] in METRICS.values(),
                    f"{name} watches a metric that metrics.rs has, not {alarm['MetricName']}",
                )
                must(
                    alarm["Dimensions"] == [{"Name": "Service", "Value": {"Ref": "AWS::StackName"}}],
                    f"{name} watches this stack",
                )
            watched[alarm["MetricName"], json.dumps(alarm["Dimensions"][0]["Value"])] = alarm
        if resource["Type"] == "AWS::SQS::Queue":
            must(resource["Properties"].get("MessageRetentionPeriod") == 1209600, f"{name} keeps for two weeks")
            must(resource["Properties"].get("SqsManagedSseEnabled") is True, f"{name} is encrypted")
    must(len(watched) <= FREE_ALARMS, f"there are at most {FREE_ALARMS} alarms, not {len(watched)}")
    stack = json.dumps({"Ref": "AWS::StackName"})
    if has_songbook(template):
        must((SONGBOOK_METRIC, stack) in watched, "an alarm watches the songbook")
        alarm = watched[SONGBOOK_METRIC, stack]
        # It is counted at each try, so an hour without a failure is an hour with the page.
        must(alarm["TreatMissingData"] == "notBreaching", "where no publishing failed, its alarm ends")
        must((alarm["Period"], alarm["EvaluationPeriods"]) == (3600, 2), "one failure of the songbook alarms nobody")
    for metric, value, missing in [
        ("Errors", json.dumps({"Ref": "CheckFollowers"}), "notBreaching"),
        ("Errors", json.dumps({"Ref": "InviteFollower"}), "notBreaching"),
        ("IteratorAge", json.dumps({"Ref": "InviteFollower"}), "notBreaching"),
        # A lack of checks is an alarm.
        ("Checks", stack, "breaching"),
        # The value of a round holds until the next round.
        ("FailingAccounts", stack, "ignore"),
        ("WaitingForCreator", stack, "ignore"),
        ("InvitationsFailed", stack, "notBreaching"),
    ]:
        must((metric, value) in watched, f"an alarm watches {metric} of {value}")
        treated = watched[metric, value]["TreatMissingData"]
        must(treated == missing, f"where there is no {metric}, its alarm takes that for {missing}, not {treated}")
    text = properties(template, "Dashboard", "AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Sub"]
    try:
        board = json.loads(re.sub(r"\$\{[\w.:]+\}", "x", text))
    except ValueError as error:
        raise Wrong(f"the dashboard is JSON ({error})") from error
    flat = json.dumps(board)
    shown = {*re.findall(rf'"{namespace}", "(\w+)"', flat), *re.findall(r'MetricName=\\"(\w+)\\"', flat)}
    differ = sorted(shown ^ metrics)
    must(not differ, f"the dashboard shows the metrics of metrics.rs, but the songbook's (the difference: {differ})")
    for name in re.findall(r"\$\{(\w+)[.}]", text):
        must(name in template["Resources"], f"the dashboard's {name} is a resource")


def check_words(template: Part) -> None:
    for kind in ("Parameters", "Outputs"):
        for name, one in template[kind].items():
            must(one.get("Description"), f"{name} is described")
    for name, parameter in template["Parameters"].items():
        must("AllowedPattern" in parameter or "AllowedValues" in parameter, f"{name} is checked")
        must(
            not re.search("secret|password|token|key", name, re.I),
            f"no secret is a stack's parameter, as {name} seems to be",
        )
    for name, resource in template["Resources"].items():
        must(
            resource["Type"] not in ("AWS::SSM::Parameter", "AWS::SecretsManager::Secret"),
            f"no secret is in the template, as {name} seems to be",
        )


RULES = [check_ledger, check_functions, check_rights, check_schedule, check_mapping, check_eyes, check_words]
