"""Accounts in the ledger: with the parameter Roster a key for their logins, without it nothing at all."""

from conditions import check_off, deployed
from rules import Part, attribute, must, properties


def check_roster_off(template: Part) -> None:
    check_off(template, "Roster", ("logins", "::kms::", "hug_logins_key"))


def check_roster(template: Part) -> None:
    on = deployed(template, "HasRoster")
    key = properties(on, "LoginsKey", "AWS::KMS::Key")
    kept = on["Resources"]["LoginsKey"]
    must(
        (kept.get("DeletionPolicy"), kept.get("UpdateReplacePolicy")) == ("RetainExceptOnCreate", "Retain"),
        "the key stays with the ledger, and a first deploy that fails takes it back",
    )
    must(key.get("EnableKeyRotation") is True, "the key is rotated")
    # Without one, KMS gives the key a policy by which the account's own policies decide.
    must("KeyPolicy" not in key, "nobody has rights to the key but by a policy of their own")
    alias = properties(on, "LoginsAlias", "AWS::KMS::Alias")
    must(alias["TargetKeyId"] == {"Ref": "LoginsKey"}, "the alias is the key's")
    must(alias["AliasName"] == {"Fn::Sub": "alias/${AWS::StackName}-logins"}, "two stacks have two aliases")
    policy = properties(on, "LoginsPolicy", "AWS::IAM::Policy")
    roles = [{"Ref": "CheckFollowersRole"}, {"Ref": "InviteFollowerRole"}]
    must(policy["Roles"] == roles, "both functions open logins, and nobody else")
    (statement,) = policy["PolicyDocument"]["Statement"]
    must(
        (statement["Effect"], statement["Action"], statement["Resource"])
        == ("Allow", "kms:Decrypt", attribute("LoginsKey", "Arn")),
        "the functions decrypt with this key, and do nothing else with it",
    )
    own_table = {"StringEquals": {"kms:EncryptionContext:table": {"Ref": "Ledger"}}}
    must(statement.get("Condition") == own_table, "the functions open the logins of their own table only")
    output = on["Outputs"]["LoginsKey"]["Value"]
    must(output == attribute("LoginsKey", "Arn"), "the output is what the functions have")
