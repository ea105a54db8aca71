"""Mutation testing of the checks: the template is broken in each of these ways, and each must be noticed."""

ALARMS_TOO_MANY = "".join(
    f"""  AlarmToo{name}:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: AWS/Lambda
      MetricName: {name}
      Dimensions: [{{ Name: FunctionName, Value: !Ref InviteFollower }}]
      Statistic: Sum
      Period: 300
      EvaluationPeriods: 1
      Threshold: 0
      ComparisonOperator: GreaterThanThreshold
      TreatMissingData: notBreaching
      AlarmActions: [!Ref Alarms]
      OKActions: [!Ref Alarms]

"""
    for name in ("Throttles", "Invocations", "Duration", "ConcurrentExecutions")
)

FAULTS = [
    # What is broken, what is replaced, and by what.
    ("a runtime that does not exist", "Runtime: provided.al2023", "Runtime: provided.al2099"),
    ("a timeout over Lambda's", "Timeout: 300", "Timeout: 2000"),
    ("memory below Lambda's", "MemorySize: 128", "MemorySize: 64"),
    ("a reference to nothing", "Resource: !GetAtt Ledger.Arn", "Resource: !GetAtt Legder.Arn"),
    ("a starting position that does not exist", "StartingPosition: TRIM_HORIZON", "StartingPosition: BEGINNING"),
    ("a starting position that misses records", "StartingPosition: TRIM_HORIZON", "StartingPosition: LATEST"),
    (
        "a circle",
        "CodeUri: ../target/lambda/check-followers",
        "CodeUri: ../target/lambda/check-followers\n      Tags: { a: !Ref Schedule }",
    ),
    ("a filter that is not JSON", '{"S":["reached"]}}}}', '{"S":["reached"]}}}'),
    ("a filter on an attribute that no hug has", '{"status":{"S"', '{"state":{"S"'),
    ("a filter on a status that does not exist", '["reached"]', '["reachd"]'),
    ("a filter on a number", '{"S":["reached"]}', '{"N":["reached"]}'),
    ("a filter that lets everything without news through", '[{"exists":true}]', '[{"exists":false}]'),
    ("a filter on an attribute that no function reads", '{"news":{"S"', '{"new":{"S"'),
    (
        "a filter that wants a hug to be reached and to have news",
        '{"status":{"S":["reached"]}}',
        '{"status":{"S":["reached"]},"news":{"S":[{"exists":true}]}}',
    ),
    (
        "no filter for songs",
        '          - Pattern: \'{"dynamodb":{"NewImage":{"due":{"BOOL":[true]}}}}\'\n',
        "",
    ),
    ("a filter for songs on an attribute that no hug has", '{"due":{"BOOL"', '{"is_due":{"BOOL"'),
    ("a filter for songs on another attribute of a hug", '{"due":{"BOOL":[true]}}', '{"posted":{"BOOL":[true]}}'),
    ("a filter for songs on a text", '{"due":{"BOOL":[true]}}', '{"due":{"S":["true"]}}'),
    ("a filter that lets songs through that are not due", '{"due":{"BOOL":[true]}}', '{"due":{"BOOL":[true,false]}}'),
    ("a filter for songs on the word true", '{"due":{"BOOL":[true]}}', '{"due":{"BOOL":["true"]}}'),
    ("a filter for songs on a number", '{"due":{"BOOL":[true]}}', '{"due":{"BOOL":[1]}}'),
    ("a filter for songs on a status that stays", '{"due":{"BOOL":[true]}}', '{"status":{"S":["song_posted"]}}'),
    (
        "no filter for news",
        '          - Pattern: \'{"dynamodb":{"NewImage":{"news":{"S":[{"exists":true}]}}}}\'\n',
        "",
    ),
    ("no right to publish news", "Action: sns:Publish", "Action: sns:Subscribe"),
    (
        "a right to publish anywhere",
        "Action: sns:Publish\n                Resource: !Ref Alarms",
        'Action: sns:Publish\n                Resource: "*"',
    ),
    ("a topic to which anybody publishes", "Principal: { Service: cloudwatch.amazonaws.com }", 'Principal: "*"'),
    ("a topic to which no alarm may publish", "Service: cloudwatch.amazonaws.com", "Service: events.amazonaws.com"),
    ("a topic without a policy", "Topics: [!Ref Alarms]", "Topics: []"),
    (
        "a topic to which other people's alarms publish",
        "            Resource: !Ref Alarms\n            Condition:\n              StringEquals:\n"
        "                aws:SourceAccount: !Ref AWS::AccountId\n",
        "            Resource: !Ref Alarms\n",
    ),
    ("news that go nowhere", "          HUG_NEWS_TOPIC: !Ref Alarms\n", "          HUG_NEWS: !Ref Alarms\n"),
    ("news that go to the wrong place", "HUG_NEWS_TOPIC: !Ref Alarms", "HUG_NEWS_TOPIC: !Ref Ledger"),
    (
        "no filter",
        (
            "      FilterCriteria:\n"
            "        Filters:\n"
            '          - Pattern: \'{"dynamodb":{"NewImage":{"status":{"S":["reached"]}}}}\'\n'
            '          - Pattern: \'{"dynamodb":{"NewImage":{"due":{"BOOL":[true]}}}}\'\n'
            '          - Pattern: \'{"dynamodb":{"NewImage":{"news":{"S":[{"exists":true}]}}}}\'\n'
        ),
        "",
    ),
    ("a right that is missing", "[dynamodb:GetItem, dynamodb:Query, ", "[dynamodb:GetItem, "),
    (
        "another right that is missing",
        "[dynamodb:GetItem, dynamodb:PutItem, dynamodb:Query, dynamodb:UpdateItem]",
        "[dynamodb:GetItem, dynamodb:PutItem, dynamodb:UpdateItem]",
    ),
    (
        "a right that no call takes",
        "[dynamodb:GetItem, dynamodb:PutItem, ",
        "[dynamodb:GetItem, dynamodb:DeleteItem, dynamodb:PutItem, ",
    ),
    ("all rights", "[dynamodb:GetItem, dynamodb:PutItem, dynamodb:Query, dynamodb:UpdateItem]", '"dynamodb:*"'),
    ("a right to every table", "Resource: !GetAtt Ledger.Arn", 'Resource: "*"'),
    ("no right to the parameters", "Action: ssm:GetParametersByPath", "Action: ssm:GetParameter"),
    ("a right to everybody's secrets", "parameter/${AWS::StackName}/secrets/*", "parameter/*"),
    ("no right to the stream", "dynamodb:GetRecords, ", ""),
    (
        "no right to put what failed in the queue",
        (
            "              - Sid: NotInvited\n"
            "                Effect: Allow\n"
            "                Action: sqs:SendMessage\n"
            "                Resource: !GetAtt NotInvited.Arn\n"
        ),
        "",
    ),
    ("a schedule that may start nothing", "Action: lambda:InvokeFunction", "Action: lambda:GetFunction"),
    ("a rate that AWS refuses", "Default: rate(5 minutes)", "Default: rate(5 minute)"),
    ("a rate whose second half may be missing", "|1 hour)\\)$", "|1 hour|1)\\)?$"),
    ("a rate pattern with no end", "1 hour)\\)$", "1 hour)"),
    ("no stream", "      StreamSpecification:\n        StreamViewType: NEW_IMAGE\n", ""),
    ("a stream of keys", "StreamViewType: NEW_IMAGE", "StreamViewType: KEYS_ONLY"),
    ("an expiry by an attribute that no count has", "AttributeName: expires_at", "AttributeName: ttl"),
    ("no recovery", "PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false"),
    ("a ledger that is deleted with its stack", "DeletionPolicy: Retain", "DeletionPolicy: Delete"),
    ("a ledger without protection", "DeletionProtectionEnabled: true", "DeletionProtectionEnabled: false"),
    ("a first deploy that cannot be taken back", "DeletionPolicy: Retain\n", "DeletionPolicy: RetainExceptOnCreate\n"),
    ("a ledger that is deleted when it is replaced", "UpdateReplacePolicy: Retain\n", "UpdateReplacePolicy: Delete\n"),
    ("retries without an end", "      MaximumRetryAttempts: 3\n", ""),
    ("a record age out of range", "MaximumRecordAgeInSeconds: 21600", "MaximumRecordAgeInSeconds: 700000"),
    ("a record age without an end", "      MaximumRecordAgeInSeconds: 21600\n", ""),
    ("no checkpoint", "      FunctionResponseTypes: [ReportBatchItemFailures]\n", ""),
    ("no halving", "BisectBatchOnFunctionError: true", "BisectBatchOnFunctionError: false"),
    (
        "no queue for what failed",
        "      DestinationConfig:\n        OnFailure:\n          Destination: !GetAtt NotInvited.Arn\n",
        "",
    ),
    (
        "no dead-letter queue for the schedule",
        "        DeadLetterConfig:\n          Arn: !GetAtt ChecksNotStarted.Arn\n",
        "",
    ),
    ("a log that never ends", "RetentionInDays: !Ref LogDays", "LogGroupClass: STANDARD"),
    ("a variable too many", "HUG_TABLE: !Ref Ledger", "HUG_TABLE: !Ref Ledger\n        X_API_KEY: abc"),
    ("a variable that no code reads", "HUG_PARAMETERS:", "HUG_PARAMETER:"),
    (
        "a secret as a stack's parameter",
        "  LogDays:\n    Type: Number",
        ("  ApiKey:\n    Type: String\n    AllowedPattern: .*\n    Description: A key\n  LogDays:\n    Type: Number"),
    ),
    ("an alarm on a metric that does not exist", "MetricName: WaitingForCreator", "MetricName: WaitingForCreators"),
    ("an alarm that notifies nobody", "AlarmActions: [!Ref Alarms]", "AlarmActions: []"),
    ("an alarm that does not say when it ends", "      OKActions: [!Ref Alarms]\n", ""),
    ("an alarm that takes missing data for health", "TreatMissingData: breaching", "TreatMissingData: notBreaching"),
    ("an alarm that ends between two rounds", "TreatMissingData: ignore", "TreatMissingData: notBreaching"),
    (
        "an alarm that stays on for two weeks",
        "      Namespace: AWS/Lambda\n      MetricName: IteratorAge",
        "      Namespace: AWS/SQS\n      MetricName: ApproximateNumberOfMessagesVisible",
    ),
    ("an alarm that one failed check sets off", "MetricName: FailingAccounts", "MetricName: FailedChecks"),
    ("more alarms than are free", "  InvitationsLateAlarm:\n", ALARMS_TOO_MANY + "  InvitationsLateAlarm:\n"),
    ("a dashboard that is not JSON", '"start": "-P14D",', '"start": "-P14D"'),
    ("a dashboard with a metric that does not exist", '["HaveAHug", "MilestonesReached"', '["HaveAHug", "Milestones"'),
    ("a misspelt property", "MessageRetentionPeriod: 1209600", "MessageRetention: 1209600"),
    ("a comparison that does not exist", "ComparisonOperator: LessThanThreshold", "ComparisonOperator: Below"),
    ("an output of nothing", "Value: !Ref NotInvited\n", "Value: !Ref NotInvitd\n"),
    ("a songbook that is on by default", 'Default: "0"', 'Default: "1"'),
    (
        "a songbook that is on when it is off",
        'HasSongbook: !Equals [!Ref Songbook, "1"]',
        'HasSongbook: !Equals ["1", "1"]',
    ),
    (
        "a bucket that is always there",
        "  SongbookBucket:\n    Type: AWS::S3::Bucket\n    Condition: HasSongbook\n",
        "  SongbookBucket:\n    Type: AWS::S3::Bucket\n",
    ),
    (
        "an alarm of the songbook that is always there",
        "  SongbookFailingAlarm:\n    Type: AWS::CloudWatch::Alarm\n    Condition: HasSongbook\n",
        "  SongbookFailingAlarm:\n    Type: AWS::CloudWatch::Alarm\n",
    ),
    (
        "an address that is always told",
        "  Songbook:\n    Condition: HasSongbook\n    Description: The",
        "  Songbook:\n    Description: The",
    ),
    (
        "a bucket's name in every function",
        "HUG_SONGBOOK_BUCKET: !If [HasSongbook, !Ref SongbookBucket, !Ref AWS::NoValue]",
        "HUG_SONGBOOK_BUCKET: none",
    ),
    ("a bucket whose name no code reads", "HUG_SONGBOOK_BUCKET:", "HUG_SONGBOOK:"),
    (
        "a right to put anything into the bucket",
        "Resource: !Sub ${SongbookBucket.Arn}/index.html\n                - !Ref",
        "Resource: !Sub ${SongbookBucket.Arn}/*\n                - !Ref",
    ),
    ("no right to put the page", "Action: s3:PutObject", "Action: s3:PutObjectAcl"),
    ("a right to read the page that no call takes", "Action: s3:PutObject", "Action: [s3:PutObject, s3:GetObject]"),
    ("a bucket that can be public", "RestrictPublicBuckets: true", "RestrictPublicBuckets: false"),
    (
        "a bucket that can have public files",
        "        BlockPublicAcls: true\n        BlockPublicPolicy: true\n",
        "",
    ),
    (
        "a bucket that keeps erased names",
        "      OwnershipControls:\n",
        "      VersioningConfiguration: { Status: Enabled }\n      OwnershipControls:\n",
    ),
    ("a bucket without encryption", "SSEAlgorithm: AES256", "SSEAlgorithm: none"),
    (
        "a bucket that keeps a forgotten page for ever",
        "            Status: Enabled\n            ExpirationInDays: 30",
        "            Status: Disabled\n            ExpirationInDays: 30",
    ),
    ("a bucket that stops the deletion of its stack", "DeletionPolicy: RetainExceptOnCreate", "DeletionPolicy: Delete"),
    (
        "a bucket with a name that another stack has",
        "    UpdateReplacePolicy: Retain\n    Properties:\n      PublicAccess",
        "    UpdateReplacePolicy: Retain\n    Properties:\n      BucketName: songbook\n      PublicAccess",
    ),
    (
        "a bucket that every distribution reads",
        "${AWS::AccountId}:distribution/${SongbookDistribution}",
        "${AWS::AccountId}:distribution/*",
    ),
    ("a bucket that everybody reads", "Principal: { Service: cloudfront.amazonaws.com }", 'Principal: "*"'),
    ("a distribution that lists the bucket", "Action: s3:GetObject", "Action: [s3:GetObject, s3:ListBucket]"),
    ("requests to the bucket that are not signed", "SigningBehavior: always", "SigningBehavior: never"),
    ("a name that two regions share", "Name: !Sub ${AWS::StackName}-${AWS::Region}", "Name: !Ref AWS::StackName"),
    ("a page that is cached for a day", "MaxTTL: 60", "MaxTTL: 86400"),
    ("a page that other pages may show", "; frame-ancestors 'none'", ""),
    ("a page that may run scripts", "style-src 'unsafe-inline'", "style-src 'unsafe-inline'; script-src 'self'"),
    (
        "a page that tells where its visitors were",
        "ReferrerPolicy: { ReferrerPolicy: no-referrer,",
        "ReferrerPolicy: { ReferrerPolicy: unsafe-url,",
    ),
    (
        "a header that the bucket can replace",
        "ContentTypeOptions: { Override: true }",
        "ContentTypeOptions: { Override: false }",
    ),
    ("a browser that forgets HTTPS", "AccessControlMaxAgeSec: 31536000", "AccessControlMaxAgeSec: 0"),
    ("an address that shows nothing", "DefaultRootObject: index.html", "DefaultRootObject: songbook.html"),
    ("a page without HTTPS", "ViewerProtocolPolicy: redirect-to-https", "ViewerProtocolPolicy: allow-all"),
    (
        "a distribution that takes what visitors send",
        "AllowedMethods: [GET, HEAD]",
        "AllowedMethods: [GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE]",
    ),
    (
        "a distribution that is not let into the bucket",
        "            OriginAccessControlId: !GetAtt SongbookAccess.Id\n",
        "",
    ),
    ("answers without their headers", "          ResponseHeadersPolicyId: !Ref SongbookHeaders\n", ""),
    ("an alarm of the songbook on nothing", "MetricName: SongbooksFailed", "MetricName: SongbookFailed"),
    (
        "an alarm of the songbook at once",
        "      EvaluationPeriods: 2\n      Threshold: 0",
        "      EvaluationPeriods: 1\n      Threshold: 0",
    ),
    (
        "accounts in the ledger that are on by default",
        '  Roster:\n    Type: String\n    Default: "0"',
        '  Roster:\n    Type: String\n    Default: "1"',
    ),
    (
        "accounts in the ledger that are on when they are off",
        'HasRoster: !Equals [!Ref Roster, "1"]',
        'HasRoster: !Equals ["1", "1"]',
    ),
    (
        "a key that is always there",
        "    Type: AWS::KMS::Key\n    Condition: HasRoster\n",
        "    Type: AWS::KMS::Key\n",
    ),
    ("a key whose id no code reads", "HUG_LOGINS_KEY:", "HUG_LOGIN_KEY:"),
    (
        "a key that is deleted with its stack",
        "    UpdateReplacePolicy: Retain\n    Properties:\n      Description: !Sub The logins",
        "    UpdateReplacePolicy: Delete\n    Properties:\n      Description: !Sub The logins",
    ),
    ("a key that is never rotated", "EnableKeyRotation: true", "EnableKeyRotation: false"),
    ("an alias that two stacks share", "alias/${AWS::StackName}-logins", "alias/logins"),
    ("a function that opens no login", ", !Ref InviteFollowerRole]\n", "]\n"),
    (
        "a right to seal logins",
        "Action: kms:Decrypt\n            Resource",
        "Action: [kms:Decrypt, kms:Encrypt]\n            Resource",
    ),
    ("a right to every key", "Resource: !GetAtt LoginsKey.Arn", 'Resource: "*"'),
    (
        "a right to the logins of other tables",
        "            Condition:\n              StringEquals:\n"
        "                kms:EncryptionContext:table: !Ref Ledger\n",
        "",
    ),
    (
        "no right to record counts together",
        "dynamodb:UpdateItem, dynamodb:BatchWriteItem]",
        "dynamodb:UpdateItem]",
    ),
]
