"""Who gets the mails of the stack's topic: news about hugs, and alarms."""

from session import Aws


def find_mail(aws: Aws, topic: str) -> tuple[str, str, str]:
    """Finds out who gets the mails. Returns the verdict (ok or wrong), what was found, and what helps."""
    sns = aws.client("sns")
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    confirmed: list[str] = []
    waiting: list[str] = []
    for page in pages:
        for one in page["Subscriptions"]:
            arn = one["SubscriptionArn"]
            if arn == "Deleted":
                continue
            pending = arn == "PendingConfirmation" or (
                sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"].get("PendingConfirmation") == "true"
            )
            (waiting if pending else confirmed).append(one["Endpoint"])
    if confirmed:
        return "ok", f"news and alarms go to {', '.join(confirmed)}", ""
    # If the stack has the address already, a deploy changes nothing, and AWS sends no second mail to confirm.
    address = waiting[0] if waiting else aws.stack_parameters().get("Mail", "")
    again = f"aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint {address}"
    if waiting:
        found = f"{', '.join(waiting)} has not confirmed yet, so nobody gets mail about milestones and failures"
        remedy = f"follow the link in AWS's mail within two days (look in the spam folder, too); for a new one: {again}"
        return "wrong", found, remedy
    found = "nobody gets mail about milestones and failures"
    if not address:
        return "wrong", found, "make deploy MAIL=you@example.com, then confirm the mail that AWS sends"
    remedy = f"{address} has unsubscribed or did not confirm in time; {again}, then confirm the mail that AWS sends"
    return "wrong", found, remedy
