"""The template's translation, as AWS makes it, and the linters that others wrote: cfn-lint and checkov."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the translator asks for one

from cfnlint.api import ManualArgs, lint
from cfnlint.helpers import REGIONS
from rules import Part, Wrong, must
from samtranslator.metrics.metrics import DummyMetricsPublisher, Metrics
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse
from sources import ROOT

# The regions of China and of GovCloud do not have all of CloudFront, so this template is for the others.
WITH_CLOUDFRONT = [region for region in REGIONS if not region.startswith(("cn-", "us-gov-"))]

EXCEPTIONS = {
    "CKV_AWS_18": "A log of who read the page would be a list of its visitors; only the distribution reads the bucket.",
    "CKV_AWS_21": "A name that someone has erased must not be kept in an older version of the page.",
    "CKV_AWS_26": "Alarms cannot be published to a topic encrypted with AWS's own key, and no secret goes there.",
    "CKV_AWS_27": "SQS itself encrypts the queues, which this check does not know; they hold places in a stream.",
    "CKV_AWS_68": "A firewall is $5 a month, and behind the distribution there is one file and no code.",
    "CKV_AWS_86": "A log of who read the page would be a list of its visitors.",
    "CKV_AWS_115": "Reserved concurrency makes a first deploy fail on a new account, whose whole limit may be 10.",
    "CKV_AWS_116": "One function is started by a schedule with a dead-letter queue, the other by a stream with one.",
    "CKV_AWS_117": "The functions talk to public APIs only; in a VPC that takes a NAT gateway of $30 a month.",
    "CKV_AWS_119": "A customer's own key is $1 a month, more than all the rest; the table is encrypted with AWS's.",
    "CKV_AWS_158": "The logs hold no secret, and are encrypted with AWS's own key.",
    "CKV_AWS_174": "cloudfront.net's own certificate has its own minimum; a higher one takes a domain of one's own.",
    "CKV_AWS_173": "The environment holds a table's name and a prefix, no secret.",
}


def translate(text: str) -> Part:
    template = yaml_parse(text)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # The translator wants code that is uploaded already.
            resource["Properties"]["CodeUri"] = "s3://uploaded/code.zip"
    metrics = Metrics("validate", DummyMetricsPublisher())
    try:
        translated: Part = Translator({}, Parser(), metrics=metrics).translate(template, {})
        return translated
    except InvalidDocumentException as error:
        raise Wrong("; ".join(cause.message for cause in error.causes)) from error
    finally:
        metrics.publish()


def run_cfn_lint(template: Part) -> None:
    config = ManualArgs(include_checks=["I"], include_experimental=True, regions=WITH_CLOUDFRONT)
    found = lint(json.dumps(template, indent=1, default=str), config=config)
    serious = [match for match in found if match.rule.severity != "informational"]
    must(not serious, "; ".join(f"{match.rule.id} {match.message}" for match in serious))


def run_checkov(template: Part) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "template.json"
        file.write_text(json.dumps(template, default=str))
        options = ["--framework", "cloudformation", "--compact", "--output", "json"]
        checkov = [str(ROOT / ".tools/checkov/bin/checkov"), "--file", str(file), *options]
        done = subprocess.run(checkov, capture_output=True, text=True)
    report = json.loads(done.stdout)
    found: dict[str, list[str]] = {}
    for one in report["results"]["failed_checks"]:
        found.setdefault(one["check_id"], []).append(f"{one['resource']}: {one['check_name']}")
    must(report["summary"]["passed"] > 0 and not report["summary"]["parsing_errors"], "checkov read the template")
    for name, where in found.items():
        must(name in EXCEPTIONS, f"checkov {name}: {'; '.join(where)}")
    for name in EXCEPTIONS:
        must(name in found, f"the exception {name} is still needed; if checkov no longer finds it, take it out")
