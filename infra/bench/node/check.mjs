// What check-followers does for an idle account on Bluesky, written for Node: the same requests, in the same order.

import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb'
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

async function check({ handle, appview }, row) {
  const url = `${appview}/xrpc/app.bsky.actor.getProfile?actor=${encodeURIComponent(row.id.S)}`
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) })
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`)
  const { followersCount: followers } = await answer.json()
  if (followers !== Number(row.followers.N)) throw new Error('the account is not idle')
  return { account: handle, followers }
}

export async function handler() {
  const ExpressionAttributeValues = { ':pk': { S: 'roster' } }
  const query = { TableName, KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues }
  const { Items } = await dynamodb.send(new QueryCommand(query))
  const rows = new Map(Items.map((row) => [row.sk.S, row]))
  const checks = settings.account.map((account) => check(account, rows.get(`bluesky@${account.handle}`)))
  return { accounts: await Promise.all(checks) }
}
