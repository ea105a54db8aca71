// What check-followers does for an idle account on Bluesky, written for Node: the same requests, in the same order.

import { DynamoDBClient, GetItemCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb'
import { SSMClient, paginateGetParametersByPath } from '@aws-sdk/client-ssm'
import { parse } from 'smol-toml'

const { HUG_TABLE: TableName, HUG_PARAMETERS: prefix } = process.env
const parameters = new Map()
const wanted = { Path: prefix, Recursive: true, WithDecryption: true }
for await (const page of paginateGetParametersByPath({ client: new SSMClient() }, wanted)) {
  for (const { Name, Value } of page.Parameters) parameters.set(Name, Value)
}
const settings = parse(parameters.get(`${prefix}/settings`))
const dynamodb = new DynamoDBClient()

async function item(pk, sk) {
  const Key = { pk: { S: pk }, sk: { S: sk } }
  const { Item } = await dynamodb.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))
  return Item
}

async function check({ handle, appview }) {
  const signpost = await item(`bluesky@${handle}`, 'signpost')
  const did = signpost.id.S
  const known = await item(`bluesky#${did}`, 'account')
  const url = `${appview}/xrpc/app.bsky.actor.getProfile?actor=${encodeURIComponent(did)}`
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) })
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`)
  const { followersCount: followers } = await answer.json()
  const revision = Number(known.revision.N)
  const Put = {
    TableName,
    Item: {
      ...known,
      followers: { N: String(followers) },
      checked_at: { S: new Date().toISOString() },
      revision: { N: String(revision + 1) },
    },
    ConditionExpression: 'revision = :seen',
    ExpressionAttributeValues: { ':seen': { N: String(revision) } },
  }
  await dynamodb.send(new TransactWriteItemsCommand({ TransactItems: [{ Put }] }))
  return { account: handle, followers }
}

export async function handler() {
  return { accounts: await Promise.all(settings.account.map(check)) }
}
