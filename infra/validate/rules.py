"""Checks infra/template.yaml without AWS, and then that the checks catch what is broken on purpose.

A linter sees little of a SAM template as it is written, so it is translated first; what no linter can
know - our records, our calls, our settings - is checked here against the code itself. checkov has the
last word, with every exception to it written down.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the translator asks for one

from cfnlint.api import lint_all
from samtranslator.metrics.metrics import DummyMetricsPublisher, Metrics
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parent.parent
CODE = ROOT / "functions" / "have-a-hug" / "src"

EXCEPTIONS = {
    "CKV_AWS_26": "Alarms cannot be published to a topic encrypted with AWS's own key, and they hold no secret.",
    "CKV_AWS_27": "The queues are encrypted by SQS itself, which this check does not know; they hold places in a stream.",
    "CKV_AWS_115": "Reserved concurrency makes a first deploy fail on a new account, whose whole limit may be 10.",
    "CKV_AWS_116": "One function is started by a schedule with a dead-letter queue, the other by a stream with one.",
    "CKV_AWS_117": "The functions talk to public APIs only; in a VPC that takes a NAT gateway of $30 a month.",
    "CKV_AWS_119": "A customer's own key is $1 a month, more than all the rest; the table is encrypted with AWS's.",
    "CKV_AWS_158": "The logs hold no secret, and are encrypted with AWS's own key.",
    "CKV_AWS_173": "The environment holds a table's name and a prefix, no secret.",
}


# ---- What the code says -----------------------------------------------------------------------


def read(path):
    """A source file without its tests."""
    return (CODE / path).read_text().split("#[cfg(test)]")[0]


def fields(text, struct):
    body = re.search(rf"pub struct {struct} \{{(.*?)\n\}}", text, re.S).group(1)
    return set(re.findall(r"^    pub (\w+):", body, re.M))


def snake(name):
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def statuses():
    body = re.search(r"pub enum Status \{(.*?)\n\}", read("hug.rs"), re.S).group(1)
    return {snake(name) for name in re.findall(r"^    (\w+),", body, re.M)}


def metrics():
    return set(re.findall(r'Self::\w+ => \("(\w+)", "\w+"\)', read("metrics.rs")))


def constant(path, name):
    return int(re.search(rf"const {name}: \w+ = (\d+);", (ROOT / path).read_text()).group(1))


# How the SDK's calls are named in the code, and which right each takes. A transaction takes the
# rights of what is in it.
CALLS = {
    r"\.get_item\(\)|self\s*\.get\(": "dynamodb:GetItem",
    r"\.query\(\)": "dynamodb:Query",
    r"\.scan\(\)": "dynamodb:Scan",
    r"\.put_item\(\)|Put::builder\(\)|self\.put_if_unchanged\(": "dynamodb:PutItem",
    r"\.update_item\(\)|\.update\(update\)": "dynamodb:UpdateItem",
    r"\.delete_item\(\)|Delete::builder\(\)": "dynamodb:DeleteItem",
    r"ConditionCheck::builder\(\)": "dynamodb:ConditionCheckItem",
    r"\.batch_get_item\(\)": "dynamodb:BatchGetItem",
    r"\.batch_write_item\(\)": "dynamodb:BatchWriteItem",
    r"\.get_parameters_by_path\(\)": "ssm:GetParametersByPath",
    r"\.with_decryption\(true\)": "kms:Decrypt",
}


def uses():
    """For each function, its rights and where the code uses them."""
    ledger = read("ledger/dynamodb.rs")
    methods = {}
    for method in re.split(r"\n    (?=pub async fn )", ledger)[1:]:
        name = re.match(r"pub async fn (\w+)", method).group(1)
        body = re.split(r"\n    (?=async fn |fn |/// )", method)[0]
        methods[name] = {right for call, right in CALLS.items() if re.search(call, body)}
    # What every function does at its start.
    start = {right: ["start.rs"] for call, right in CALLS.items() if re.search(call, read("start.rs"))}
    used = {}
    for function, entry in [("CheckFollowers", "check"), ("InviteFollower", "invite")]:
        used[function] = {right: list(places) for right, places in start.items()}
        for module in sorted(reached_from(entry)):
            for method in sorted(set(re.findall(r"\bledger\s*\.\s*(\w+)\(", read(f"{module}.rs")))):
                if method not in methods:
                    raise Wrong(f"{module}.rs calls ledger.{method}, which ledger/dynamodb.rs does not have")
                for right in methods[method]:
                    used[function].setdefault(right, []).append(f"{module}.rs: ledger.{method}")
    return used


def reached_from(entry):
    """The module and all that it uses, and so on."""
    modules = {path.stem for path in CODE.glob("*.rs")} - {"lib"}
    reached, ahead = set(), {entry}
    while ahead:
        module = ahead.pop()
        reached.add(module)
        named = " ".join(re.findall(r"crate::(\{.*?\};|\w+)", read(f"{module}.rs"), re.S))
        ahead |= (set(re.findall(r"\w+", named)) & modules) - reached
    return reached


# ---- What the template must be ------------------------------------------------------------------


class Wrong(Exception):
    pass


def must(true, what):
    if not true:
        raise Wrong(what)


def properties(template, name, kind):
    resource = template["Resources"].get(name)
    must(resource and resource["Type"] == kind, f"{name} is there, a {kind}")
    return resource["Properties"]


def statements(template, role):
    policies = properties(template, role, "AWS::IAM::Role")["Policies"]
    must(len(policies) == 1, f"{role} has one policy")
    return policies[0]["PolicyDocument"]["Statement"]


def actions(statement):
    return [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def attribute(name, what):
    return {"Fn::GetAtt": [name, what]}


def check_ledger(template):
    ledger = properties(template, "Ledger", "AWS::DynamoDB::Table")
    resource = template["Resources"]["Ledger"]
    must(resource.get("DeletionPolicy") == "RetainExceptOnCreate", "the ledger outlives its stack")
    must(resource.get("UpdateReplacePolicy") == "Retain", "the ledger outlives its replacement")
    must(ledger.get("BillingMode") == "PAY_PER_REQUEST", "the ledger costs what is used")
    must(ledger.get("StreamSpecification", {}).get("StreamViewType") == "NEW_IMAGE", "the ledger has a stream of new images")
    expiry = ledger.get("TimeToLiveSpecification", {})
    must(expiry.get("Enabled") is True and expiry["AttributeName"] in fields(read("ledger.rs"), "Growth"), "counts expire by an attribute that they have")
    must(ledger.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled") is True, "the ledger can be put back")
    must(ledger.get("SSESpecification", {}).get("SSEEnabled") is True, "the ledger is encrypted")
    must([key["AttributeName"] for key in ledger["KeySchema"]] == ["pk", "sk"], "the ledger's keys are pk and sk")


def check_functions(template):
    asked = set(re.findall(r'variable\("(\w+)"\)', read("start.rs")))
    for name in ("CheckFollowers", "InviteFollower"):
        function = properties(template, name, "AWS::Lambda::Function")
        must(function["Runtime"] == "provided.al2023" and function["Handler"] == "bootstrap", f"{name} runs a binary")
        must(function["Architectures"] == [{"Ref": "Architecture"}], f"{name} has the stack's architecture")
        must(function["Role"] == attribute(f"{name}Role", "Arn"), f"{name} has a role of its own")
        must(function["LoggingConfig"]["LogGroup"] == {"Ref": f"{name}Log"}, f"{name} logs to its group")
        log = properties(template, f"{name}Log", "AWS::Logs::LogGroup")
        must(log.get("RetentionInDays") == {"Ref": "LogDays"}, f"the log of {name} ends")
        environment = function["Environment"]["Variables"]
        must(environment == {"HUG_TABLE": {"Ref": "Ledger"}, "HUG_PARAMETERS": {"Fn::Sub": "/${AWS::StackName}"}}, f"{name} is told the table and the prefix and nothing else")
        must(set(environment) <= asked, f"start.rs reads what {name} is told")
        must(function["Timeout"] <= 900, f"{name} ends in time")
    must(template["Parameters"]["Architecture"]["Default"] == "arm64", "arm64 unless said otherwise")
    again = properties(template, "CheckFollowersEventInvokeConfig", "AWS::Lambda::EventInvokeConfig")
    must(again.get("MaximumRetryAttempts") == 0, "a failed check is not repeated before the next")


def check_rights(template):
    used = uses()
    here = "arn:${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:"
    parameters = here % "ssm" + "parameter/${AWS::StackName}"
    rest = {
        "CheckFollowers": {},
        "InviteFollower": {
            ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"): attribute("Ledger", "StreamArn"),
            ("dynamodb:ListStreams",): {"Fn::Sub": "${Ledger.Arn}/stream/*"},
            ("sqs:SendMessage",): attribute("NotInvited", "Arn"),
        },
    }
    for function, places in used.items():
        granted = {}
        for statement in statements(template, f"{function}Role"):
            must(statement["Effect"] == "Allow", f"the role of {function} says what it may")
            for action in actions(statement):
                must("*" not in action and action not in granted, f"{function} is given {action} by name, once")
                granted[action] = statement
        wanted = dict.fromkeys([right for right in places if right.startswith("dynamodb:")], attribute("Ledger", "Arn"))
        wanted["ssm:GetParametersByPath"] = {"Fn::Sub": parameters}
        wanted["kms:Decrypt"] = {"Fn::Sub": here % "kms" + "key/*"}
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            wanted[action] = attribute(f"{function}Log", "Arn")
        for group, resource in rest[function].items():
            wanted.update(dict.fromkeys(group, resource))
        for right in places:
            must(right in granted, f"{function} may {right}, which {', '.join(places[right])} needs")
        for right in granted:
            must(right in wanted, f"{function} has no use for {right}")
        for right, resource in wanted.items():
            must(right in granted, f"{function} may {right}")
            must(granted[right]["Resource"] == resource, f"{function} may {right} on its own resource only")
        condition = granted["kms:Decrypt"].get("Condition", {})
        must(condition.get("StringEquals") == {"kms:ViaService": {"Fn::Sub": "ssm.${AWS::Region}.amazonaws.com"}}, f"{function} decrypts through parameters only")
        must(condition.get("StringLike") == {"kms:EncryptionContext:PARAMETER_ARN": {"Fn::Sub": parameters + "/secrets/*"}}, f"{function} decrypts its own secrets only")
    schedule = {action: s["Resource"] for s in statements(template, "ScheduleRole") for action in actions(s)}
    must(schedule == {"lambda:InvokeFunction": attribute("CheckFollowers", "Arn"), "sqs:SendMessage": attribute("ChecksNotStarted", "Arn")}, "the schedule may start its function and say that it could not")


def check_schedule(template):
    schedule = properties(template, "Schedule", "AWS::Scheduler::Schedule")
    target = schedule["Target"]
    must(schedule["ScheduleExpression"] == {"Ref": "CheckRate"} and schedule["State"] == "ENABLED", "the schedule runs at the stack's rate")
    must(target["Arn"] == attribute("CheckFollowers", "Arn") and target["RoleArn"] == attribute("ScheduleRole", "Arn"), "the schedule starts check-followers")
    must(json.loads(target["Input"]) == {}, "the schedule asks for every account")
    must(target.get("DeadLetterConfig", {}).get("Arn") == attribute("ChecksNotStarted", "Arn"), "what the schedule cannot start is kept")
    must(0 <= target.get("RetryPolicy", {}).get("MaximumRetryAttempts", 185) <= 10, "the schedule's retries are few")
    rate = template["Parameters"]["CheckRate"]
    pattern = re.compile(rate["AllowedPattern"])
    for good in ("rate(1 minute)", "rate(2 minutes)", "rate(59 minutes)", "rate(1 hour)", rate["Default"]):
        must(pattern.search(good), f"the rate may be {good}")
    for bad in ("rate(1", "rate(1 minutes)", "rate(15 minute)", "rate(0 minutes)", "rate(60 minutes)", "rate(2 hours)", "rate(1 day)", "5 minutes", "cron(* * * * ? *)", ""):
        must(not pattern.search(bad), f"the rate may not be {bad!r}")


def check_mapping(template):
    mapping = properties(template, "Hugs", "AWS::Lambda::EventSourceMapping")
    must(mapping["EventSourceArn"] == attribute("Ledger", "StreamArn") and mapping["FunctionName"] == {"Ref": "InviteFollower"}, "the stream feeds invite-follower")
    must(mapping["StartingPosition"] == "TRIM_HORIZON", "nothing is missed while the mapping is made")
    filters = mapping.get("FilterCriteria", {}).get("Filters", [])
    must(len(filters) == 1, "one filter lets through what is owed")
    try:
        pattern = json.loads(filters[0]["Pattern"])
    except ValueError as error:
        raise Wrong(f"the filter is no JSON: {error}") from error
    must(list(pattern) == ["dynamodb"] and list(pattern["dynamodb"]) == ["NewImage"], "the filter looks at the new image")
    for name, types in pattern["dynamodb"]["NewImage"].items():
        must(name in fields(read("hug.rs"), "Hug"), f"a hug has the attribute {name}")
        must(list(types) == ["S"], f"a hug's {name} is a text")
        must(set(types["S"]) <= statuses(), f"{types['S']} are states of a hug")
        must(types["S"] == ["reached"], "the filter lets through only what is owed")
    pump = "infra/hug/src/pump.rs"
    must(mapping["BatchSize"] == constant(pump, "BATCH"), "batches are as in the local stream pump")
    must(mapping.get("MaximumRetryAttempts") == constant(pump, "RETRIES"), "retries are finite, and as in the local stream pump")
    must(60 <= mapping.get("MaximumRecordAgeInSeconds", -1) < 86400, "a record is given up before the stream forgets it")
    must(mapping.get("FunctionResponseTypes") == ["ReportBatchItemFailures"], "the checkpoint is heeded")
    must(mapping.get("BisectBatchOnFunctionError") is True, "a batch that fails as a whole is halved")
    must(mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination") == attribute("NotInvited", "Arn"), "what is given up is kept")


def check_eyes(template):
    """Queues, alarms, the dashboard."""
    watched = set()
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            alarm = resource["Properties"]
            must(alarm.get("AlarmActions") == [{"Ref": "Alarms"}], f"{name} tells somebody")
            if alarm["Namespace"] == "HaveAHug":
                must(alarm["MetricName"] in metrics(), f"{name} watches a metric that metrics.rs has, not {alarm['MetricName']}")
                must(alarm["Dimensions"] == [{"Name": "Service", "Value": {"Ref": "AWS::StackName"}}], f"{name} watches this stack")
            watched.add((alarm["MetricName"], json.dumps(alarm["Dimensions"][0]["Value"])))
        if resource["Type"] == "AWS::SQS::Queue":
            must(resource["Properties"].get("MessageRetentionPeriod") == 1209600, f"{name} keeps for two weeks")
            must(resource["Properties"].get("SqsManagedSseEnabled") is True, f"{name} is encrypted")
    must('HaveAHug' in read("metrics.rs"), "the namespace is that of metrics.rs")
    stack = json.dumps({"Ref": "AWS::StackName"})
    for metric, value in [
        ("ApproximateNumberOfMessagesVisible", json.dumps(attribute("ChecksNotStarted", "QueueName"))),
        ("ApproximateNumberOfMessagesVisible", json.dumps(attribute("NotInvited", "QueueName"))),
        ("Errors", json.dumps({"Ref": "CheckFollowers"})),
        ("Errors", json.dumps({"Ref": "InviteFollower"})),
        ("IteratorAge", json.dumps({"Ref": "InviteFollower"})),
        ("Checks", stack), ("FailedChecks", stack), ("InvitationsFailed", stack), ("HugsUndeliverable", stack),
    ]:
        must((metric, value) in watched, f"an alarm watches {metric} of {value}")
    running = properties(template, "ChecksNotRunningAlarm", "AWS::CloudWatch::Alarm")
    must(running["TreatMissingData"] == "breaching", "no news of checks is bad news")
    text = properties(template, "Dashboard", "AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Sub"]
    try:
        board = json.loads(re.sub(r"\$\{[\w.:]+\}", "x", text))
    except ValueError as error:
        raise Wrong(f"the dashboard is no JSON: {error}") from error
    told = json.dumps(board)
    shown = set(re.findall(r'"HaveAHug", "(\w+)"', told)) | set(re.findall(r'MetricName=\\"(\w+)\\"', told))
    must(shown == metrics(), f"the dashboard shows the metrics of metrics.rs: {sorted(shown ^ metrics())}")
    for name in re.findall(r"\$\{(\w+)[.}]", text):
        must(name in template["Resources"], f"the dashboard's {name} is a resource")


def check_words(template):
    for kind in ("Parameters", "Outputs"):
        for name, one in template[kind].items():
            must(one.get("Description"), f"{name} is described")
    for name, parameter in template["Parameters"].items():
        must("AllowedPattern" in parameter or "AllowedValues" in parameter, f"{name} is checked")
        must(not re.search("secret|password|token|key", name, re.I), f"no secret is a stack's parameter, as {name} seems to be")
    for name, resource in template["Resources"].items():
        must(resource["Type"] not in ("AWS::SSM::Parameter", "AWS::SecretsManager::Secret"), f"no secret is in the template, as {name} seems to be")


OUR_CHECKS = [check_ledger, check_functions, check_rights, check_schedule, check_mapping, check_eyes, check_words]


def translate(text):
    template = yaml_parse(text)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # The translator wants code that is uploaded already.
            resource["Properties"]["CodeUri"] = "s3://uploaded/code.zip"
    metrics = Metrics("validate", DummyMetricsPublisher())
    try:
        return Translator({}, Parser(), metrics=metrics).translate(template, {})
    except InvalidDocumentException as error:
        raise Wrong("; ".join(cause.message for cause in error.causes)) from error
    finally:
        metrics.publish()


def lint(text):
    found = [match for match in lint_all(text) if match.rule.severity != "informational"]
    must(not found, "; ".join(f"{match.rule.id} {match.message}" for match in found))


def validate(text):
    """Who finds something wrong, and what; None where all is right."""
    try:
        template = translate(text)
    except Wrong as wrong:
        return "translation", str(wrong)
    for check in OUR_CHECKS:
        try:
            check(template)
        except Wrong as wrong:
            return check.__name__, f"not so: {wrong}"
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            return check.__name__, f"something is missing: {error!r}"
    try:
        lint(json.dumps(template, indent=1, default=str))
    except Wrong as wrong:
        return "cfn-lint", str(wrong)
    return None


def run_checkov(text):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "template.json"
        file.write_text(json.dumps(translate(text), default=str))
        done = subprocess.run(
            [ROOT / ".tools/checkov/bin/checkov", "--file", file, "--framework", "cloudformation", "--compact", "--output", "json"],
            capture_output=True, text=True,
        )
    report = json.loads(done.stdout)
    found = {}
    for one in report["results"]["failed_checks"]:
        found.setdefault(one["check_id"], []).append(f"{one['resource']}: {one['check_name']}")
    must(report["summary"]["passed"] > 0 and not report["summary"]["parsing_errors"], "checkov read the template")
    for name, where in found.items():
        must(name in EXCEPTIONS, f"checkov {name}: {'; '.join(where)}")
    for name in EXCEPTIONS:
        must(name in found, f"the exception {name} has nothing left to except; take it out")


# ---- Broken on purpose --------------------------------------------------------------------------

FAULTS = [
    # What is broken, what is replaced, by what.
    ("a runtime that is none", "Runtime: provided.al2023", "Runtime: provided.al2099"),
    ("a timeout over Lambda's", "Timeout: 300", "Timeout: 2000"),
    ("memory below Lambda's", "MemorySize: 128", "MemorySize: 64"),
    ("a reference to nothing", "Resource: !GetAtt Ledger.Arn", "Resource: !GetAtt Legder.Arn"),
    ("a starting position that is none", "StartingPosition: TRIM_HORIZON", "StartingPosition: BEGINNING"),
    ("a starting position that misses records", "StartingPosition: TRIM_HORIZON", "StartingPosition: LATEST"),
    ("a circle", "CodeUri: ../target/lambda/check-followers", "CodeUri: ../target/lambda/check-followers\n      Tags: { a: !Ref Schedule }"),
    ("a filter that is no JSON", '{"S":["reached"]}}}}', '{"S":["reached"]}}}'),
    ("a filter on an attribute that no hug has", '{"status":{"S"', '{"state":{"S"'),
    ("a filter on a state that is none", '["reached"]', '["reachd"]'),
    ("a filter on a number", '{"S":["reached"]}', '{"N":["reached"]}'),
    ("no filter", "      FilterCriteria:\n        Filters:\n          - Pattern: '{\"dynamodb\":{\"NewImage\":{\"status\":{\"S\":[\"reached\"]}}}}'\n", ""),
    ("a right that the code needs", "[dynamodb:GetItem, dynamodb:Query, ", "[dynamodb:GetItem, "),
    ("another right that the code needs", "[dynamodb:GetItem, dynamodb:PutItem, dynamodb:UpdateItem]", "[dynamodb:GetItem, dynamodb:PutItem]"),
    ("a right that no code uses", "[dynamodb:GetItem, dynamodb:PutItem, ", "[dynamodb:GetItem, dynamodb:DeleteItem, dynamodb:PutItem, "),
    ("all rights", "[dynamodb:GetItem, dynamodb:PutItem, dynamodb:UpdateItem]", '"dynamodb:*"'),
    ("a right to every table", "Resource: !GetAtt Ledger.Arn", 'Resource: "*"'),
    ("no right to the parameters", "Action: ssm:GetParametersByPath", "Action: ssm:GetParameter"),
    ("a right to everybody's secrets", "parameter/${AWS::StackName}/secrets/*", "parameter/*"),
    ("no right to the stream", "dynamodb:GetRecords, ", ""),
    ("no right to put what failed in the queue", "              - Sid: NotInvited\n                Effect: Allow\n                Action: sqs:SendMessage\n                Resource: !GetAtt NotInvited.Arn\n", ""),
    ("a schedule that may start nothing", "Action: lambda:InvokeFunction", "Action: lambda:GetFunction"),
    ("a rate that AWS refuses", "Default: rate(5 minutes)", "Default: rate(5 minute)"),
    ("a rate that may be cut at its space", r"|1 hour)\)$", r"|1 hour|1)\)?$"),
    ("a rate pattern with no end", "1 hour)\\)$", "1 hour)"),
    ("no stream", "      StreamSpecification:\n        StreamViewType: NEW_IMAGE\n", ""),
    ("a stream of keys", "StreamViewType: NEW_IMAGE", "StreamViewType: KEYS_ONLY"),
    ("an expiry by an attribute that no count has", "AttributeName: expires_at", "AttributeName: ttl"),
    ("no recovery", "PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false"),
    ("a ledger that goes with its stack", "DeletionPolicy: RetainExceptOnCreate", "DeletionPolicy: Delete"),
    ("a ledger that goes with its replacement", "UpdateReplacePolicy: Retain\n", "UpdateReplacePolicy: Delete\n"),
    ("retries without an end", "      MaximumRetryAttempts: 3\n", ""),
    ("a record age out of range", "MaximumRecordAgeInSeconds: 21600", "MaximumRecordAgeInSeconds: 700000"),
    ("a record age without an end", "      MaximumRecordAgeInSeconds: 21600\n", ""),
    ("no checkpoint", "      FunctionResponseTypes: [ReportBatchItemFailures]\n", ""),
    ("no halving", "BisectBatchOnFunctionError: true", "BisectBatchOnFunctionError: false"),
    ("no queue for what failed", "      DestinationConfig:\n        OnFailure:\n          Destination: !GetAtt NotInvited.Arn\n", ""),
    ("no dead-letter queue for the schedule", "        DeadLetterConfig:\n          Arn: !GetAtt ChecksNotStarted.Arn\n", ""),
    ("a log that never ends", "RetentionInDays: !Ref LogDays", "LogGroupClass: STANDARD"),
    ("a variable too many", "HUG_TABLE: !Ref Ledger", "HUG_TABLE: !Ref Ledger\n        X_API_KEY: abc"),
    ("a variable that no code reads", "HUG_PARAMETERS:", "HUG_PARAMETER:"),
    ("a secret as a stack's parameter", "  LogDays:\n    Type: Number", "  ApiKey:\n    Type: String\n    AllowedPattern: .*\n    Description: A key\n  LogDays:\n    Type: Number"),
    ("an alarm on a metric that is none", "MetricName: HugsUndeliverable", "MetricName: HugUndeliverable"),
    ("an alarm that tells nobody", "AlarmActions: [!Ref Alarms]", "AlarmActions: []"),
    ("an alarm that takes silence for health", "TreatMissingData: breaching", "TreatMissingData: notBreaching"),
    ("a dashboard that is no JSON", '"start": "-P14D",', '"start": "-P14D"'),
    ("a dashboard with a metric that is none", '["HaveAHug", "MilestonesReached"', '["HaveAHug", "Milestones"'),
    ("a misspelt property", "MessageRetentionPeriod: 1209600", "MessageRetention: 1209600"),
    ("a comparison that is none", "ComparisonOperator: LessThanThreshold", "ComparisonOperator: Below"),
    ("an output of nothing", "Value: !Ref NotInvited\n", "Value: !Ref NotInvitd\n"),
]


def main():
    began = time.monotonic()
    text = (ROOT / "infra" / "template.yaml").read_text()
    wrong = validate(text)
    if wrong is None:
        try:
            run_checkov(text)
        except Wrong as error:
            wrong = "checkov", str(error)
    if wrong:
        sys.exit(f"infra/template.yaml is not right ({wrong[0]}): {wrong[1]}")
    print(f"infra/template.yaml is right. {len(EXCEPTIONS)} of checkov's checks are excepted:")
    for name, reason in EXCEPTIONS.items():
        print(f"  {name}: {reason}")
    print("Rights, and where the code uses them:")
    for function, places in uses().items():
        for right, where in places.items():
            print(f"  {function} {right}: {', '.join(where)}")
    print("Broken on purpose, and who notices:")
    missed = []
    for name, good, bad in FAULTS:
        if good not in text:
            missed.append(f"{name}: cannot be made, as the template has no {good!r}")
            continue
        # Only the first place: one mistake is what happens to people.
        caught = validate(text.replace(good, bad, 1))
        if caught is None:
            missed.append(f"{name}: not caught")
        else:
            print(f"  {name}: {caught[0]}, {caught[1][:110]}")
    for one in missed:
        print(f"NOT CAUGHT {one}")
    print(f"All in {time.monotonic() - began:.0f} s.")
    print(f"{len(FAULTS) - len(missed)} passed, {len(missed)} failed")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
