"""The songbook: with the parameter Songbook a page that only the distribution shows, without it nothing at all."""

from conditions import check_off, deployed
from rules import Part, attribute, must, properties
from sources import PAGE, PAGE_POLICY

# A name that all regions of an account share.
UNIQUE = {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}


def check_songbook_off(template: Part) -> None:
    check_off(template, "Songbook", ("songbook", "cloudfront", "::s3::", "s3:"))


def check_songbook(template: Part) -> None:
    on = deployed(template, "HasSongbook")
    check_bucket(on)
    check_distribution(on)
    address = on["Outputs"]["Songbook"]["Value"]
    must(address == {"Fn::Sub": "https://${SongbookDistribution.DomainName}/"}, "the output is the address")
    must(on["Outputs"]["SongbookBucket"]["Value"] == {"Ref": "SongbookBucket"}, "the bucket is an output")


def check_bucket(on: Part) -> None:
    bucket = properties(on, "SongbookBucket", "AWS::S3::Bucket")
    closed = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    must(bucket.get("PublicAccessBlockConfiguration") == dict.fromkeys(closed, True), "the bucket is never public")
    must("WebsiteConfiguration" not in bucket and "AccessControl" not in bucket, "the bucket serves nobody itself")
    must("VersioningConfiguration" not in bucket, "an erased name is not kept in a version")
    must("BucketName" not in bucket, "AWS makes a name that no other bucket has")
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    must(rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256", "the bucket is encrypted")
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    renewed = rule["Status"] == "Enabled" and 1 <= rule["ExpirationInDays"] <= 30 and "Prefix" not in rule
    must(renewed, "a page that is not renewed goes within a month")
    kept = on["Resources"]["SongbookBucket"]
    policies = (kept.get("DeletionPolicy"), kept.get("UpdateReplacePolicy"))
    must(policies == ("RetainExceptOnCreate", "Retain"), "the bucket, which is not empty, stops no deletion of a stack")
    policy = properties(on, "SongbookBucketPolicy", "AWS::S3::BucketPolicy")
    must(policy["Bucket"] == {"Ref": "SongbookBucket"}, "the bucket has a policy")
    (page,) = PAGE.values()
    distribution = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${SongbookDistribution}"
    (statement,) = policy["PolicyDocument"]["Statement"]
    statement.pop("Sid", None)
    read = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": {"Fn::Sub": f"${{SongbookBucket.Arn}}/{page}"},
        "Condition": {"StringEquals": {"aws:SourceArn": {"Fn::Sub": distribution}}},
    }
    must(statement == read, "only this distribution reads the bucket, and only the page")


def check_distribution(on: Part) -> None:
    access = properties(on, "SongbookAccess", "AWS::CloudFront::OriginAccessControl")["OriginAccessControlConfig"]
    signed = ("s3", "always", "sigv4")
    found = (access["OriginAccessControlOriginType"], access["SigningBehavior"], access["SigningProtocol"])
    must(found == signed, "each request to the bucket is signed")
    cache = properties(on, "SongbookCache", "AWS::CloudFront::CachePolicy")["CachePolicyConfig"]
    must(0 <= cache["MinTTL"] <= cache["DefaultTTL"] <= cache["MaxTTL"] <= 60, "a page is cached for a minute at most")
    headers = properties(on, "SongbookHeaders", "AWS::CloudFront::ResponseHeadersPolicy")
    headers = headers["ResponseHeadersPolicyConfig"]
    for config in (access, cache, headers):
        must(config["Name"] == UNIQUE, "stacks and regions of one account do not share a name")
    security = headers["SecurityHeadersConfig"]
    for name, one in security.items():
        must(one["Override"] is True, f"{name} is sent, whatever the bucket says")
    policy = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    must({policy} == PAGE_POLICY.values(), "the policy is the one that the page is tried with in a browser")
    must("ContentTypeOptions" in security, "no browser guesses a type")
    must(security["FrameOptions"]["FrameOption"] == "DENY", "no page shows it in a frame")
    must(security["ReferrerPolicy"]["ReferrerPolicy"] == "no-referrer", "YouTube does not learn where a visitor was")
    must(
        security["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31536000, "browsers stay with HTTPS for a year"
    )
    config = properties(on, "SongbookDistribution", "AWS::CloudFront::Distribution")["DistributionConfig"]
    (page,) = PAGE.values()
    must(config["Enabled"] is True and config["DefaultRootObject"] == page, "the address alone shows the page")
    (origin,) = config["Origins"]
    must(origin["DomainName"] == attribute("SongbookBucket", "RegionalDomainName"), "the bucket is the origin")
    must(origin["OriginAccessControlId"] == attribute("SongbookAccess", "Id"), "the distribution signs its requests")
    behavior = config["DefaultCacheBehavior"]
    must("CacheBehaviors" not in config, "there is one behaviour")
    must(behavior["ViewerProtocolPolicy"] in ("redirect-to-https", "https-only"), "the page comes by HTTPS only")
    must(behavior["AllowedMethods"] == ["GET", "HEAD"], "visitors only read")
    must(behavior["CachePolicyId"] == {"Ref": "SongbookCache"}, "the cache has its policy")
    must(behavior["ResponseHeadersPolicyId"] == {"Ref": "SongbookHeaders"}, "the answers have their headers")
    must(behavior["TargetOriginId"] == origin["Id"], "the behaviour is about the bucket")
