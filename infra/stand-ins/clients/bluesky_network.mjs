#!/usr/bin/env node
/*
Keeps the promise on the network's own software: a real PDS and a real AppView of Bluesky, on this
computer (npm @atproto/dev-env). The program under test is `hug`, as it is built; nothing in it knows
that this is not bsky.social. It checks Have a Hug, and what the stand-in for Bluesky assumes.

It needs Node 22 or newer, a C++ compiler (better-sqlite3), a PostgreSQL and a Redis:

    mkdir -p .tools/bluesky-network && cp infra/stand-ins/clients/bluesky_network.mjs .tools/bluesky-network/
    cd .tools/bluesky-network && npm install @atproto/dev-env@0.6.7 @atproto/pds@0.5.35 @atproto/bsky@0.0.280
    DB_POSTGRES_URL=postgresql://USER@127.0.0.1:5432/postgres REDIS_HOST=127.0.0.1:6379 \
        node bluesky_network.mjs FOLDER/target/debug/hug

FANS=18 makes fewer followers than the 598 (which take some minutes), and then the first milestone is
FANS + 2. KILLS=8 is how often the program is killed while it posts an announcement, and again while it
posts a song. DUMP=FILE keeps what the AppView answered. One line for each fact; the exit code is 1 at
the first surprise.
*/

import { spawn } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { TestNetwork } from '@atproto/dev-env'

const HUG = process.argv[2] && path.resolve(process.argv[2])
if (!HUG) {
  console.error('usage: node bluesky_network.mjs PATH-OF-hug')
  process.exit(2)
}
const FANS = Number(process.env.FANS ?? 598)
const KILLS = Number(process.env.KILLS ?? 8)
const FIRST = FANS + 2
const POSTS = 'app.bsky.feed.post'

// Letters only; each run has its own, so the database need not be empty.
const letters = Array.from({ length: 12 }, () => String.fromCharCode(97 + Math.floor(Math.random() * 26)))
const network = await TestNetwork.create({ dbPostgresSchema: letters.join('') })
const pds = network.pds.url
const appview = network.bsky.url
const home = await mkdtemp(path.join(tmpdir(), 'hug-'))

// ---------------------------------------------------------------------- on the way to the PDS

/** What is done when the program posts: nothing, or a kill 'before' the PDS hears of it, or 'after' it has posted. */
let atPost = { when: undefined, kill: () => {} }

const way = createServer(async (asked, answer) => {
  const parts = []
  for await (const part of asked) parts.push(part)
  const posts = asked.url.includes('com.atproto.repo.putRecord')
  if (posts && atPost.when === 'before') return atPost.kill()
  const { host, connection, 'content-length': length, ...headers } = asked.headers
  const body = asked.method === 'POST' ? Buffer.concat(parts) : undefined
  const response = await fetch(pds + asked.url, { method: asked.method, headers, body })
  // The document of an account names its PDS.
  const text = (await response.text()).replaceAll(pds, `http://127.0.0.1:${way.address().port}`)
  if (posts && atPost.when === 'after') return atPost.kill()
  answer.writeHead(response.status, { 'content-type': response.headers.get('content-type') ?? 'text/plain' })
  answer.end(text)
})
await new Promise((resolve) => way.listen(0, '127.0.0.1', resolve))

// ---------------------------------------------------------------------- what is said and checked

function check(what, holds, seen) {
  if (!holds) {
    console.log(`SURPRISE  ${what}: ${JSON.stringify(seen, null, 1)}`)
    process.exit(1)
  }
  console.log(`ok  ${what}`)
}

function same(what, seen, expected) {
  check(what, isDeepStrictEqual(seen, expected), { seen, expected })
}

// ---------------------------------------------------------------------- the network, by its own API

async function xrpc(base, method, { query, body, token } = {}) {
  const url = `${base}/xrpc/${method}${query ? `?${new URLSearchParams(query)}` : ''}`
  const response = await fetch(url, {
    method: body ? 'POST' : 'GET',
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: body && JSON.stringify(body),
  })
  const answer = await response.json().catch(() => ({}))
  if (!response.ok) throw new Error(`${method}: ${response.status} ${JSON.stringify(answer)}`)
  return answer
}

async function person(name) {
  const body = { handle: `${name}.test`, email: `${name}@example.test`, password: `password-of-${name}` }
  const made = await xrpc(pds, 'com.atproto.server.createAccount', { body })
  return { did: made.did, handle: made.handle, token: made.accessJwt }
}

async function writes(who, collection, record, rkey) {
  const body = { repo: who.did, collection, rkey, record: { $type: collection, ...record } }
  body.record.createdAt ??= new Date().toISOString()
  return xrpc(pds, 'com.atproto.repo.createRecord', { body, token: who.token })
}

async function erases(who, uri) {
  const [, , , collection, rkey] = uri.split('/')
  const body = { repo: who.did, collection, rkey }
  await xrpc(pds, 'com.atproto.repo.deleteRecord', { body, token: who.token })
}

async function follows(who) {
  who.follow = await writes(who, 'app.bsky.graph.follow', { subject: amber.did })
}

async function unfollows(who) {
  await erases(who, who.follow.uri)
}

const ref = (post) => ({ uri: post.uri, cid: post.cid })

function answers(who, post, text, facets) {
  return writes(who, POSTS, { text, facets, reply: { root: ref(post), parent: ref(post) } })
}

function quotes(who, post, text) {
  return writes(who, POSTS, { text, embed: { $type: 'app.bsky.embed.record', record: ref(post) } })
}

/** Everything that Amber has posted, oldest first: from her repository, so nothing is filtered. */
async function posted() {
  const all = []
  let cursor
  do {
    const query = { repo: amber.did, collection: POSTS, limit: '100', reverse: 'true', ...(cursor && { cursor }) }
    const page = await xrpc(pds, 'com.atproto.repo.listRecords', { query })
    all.push(...page.records)
    cursor = page.cursor
  } while (cursor)
  return all
}

async function announcement(number) {
  const all = await posted()
  const found = all.filter(({ value }) => !value.reply && value.text.includes(`all ${number}!`))
  same(`${number} is announced once`, found.length, 1)
  return found[0]
}

async function repliesTo(uri) {
  return (await posted()).filter(({ value }) => value.reply?.parent.uri === uri)
}

async function thread(uri) {
  return xrpc(appview, 'app.bsky.feed.getPostThread', { query: { uri, depth: '6' } })
}

// ---------------------------------------------------------------------- the program

function run(args, killAfter) {
  return new Promise((resolve) => {
    const options = { cwd: home, env: { ...process.env, BLUESKY_APP_PASSWORD: amber.password } }
    const begun = Date.now()
    const child = spawn(HUG, args, options)
    let out = ''
    child.stdout.on('data', (data) => (out += data))
    child.stderr.on('data', (data) => (out += data))
    const kill = () => child.kill('SIGKILL')
    const timer = typeof killAfter === 'number' ? setTimeout(kill, killAfter) : undefined
    atPost = { when: killAfter, kill }
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      atPost = { when: undefined, kill: () => {} }
      resolve({ code, signal, out: out.trim(), took: Date.now() - begun })
    })
  })
}

async function hug(...args) {
  await network.processAll(60_000)
  const ended = await run(args)
  console.log(`--  hug ${args.join(' ')}\n    ${ended.out.replaceAll('\n', '\n    ')}`)
  await network.processAll(60_000)
  return ended
}

/** A value as DynamoDB writes it, each with its type. */
function plain(typed) {
  const [[type, value]] = Object.entries(typed)
  if (type === 'M') return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]))
  if (type === 'L') return value.map(plain)
  if (type === 'N') return Number(value)
  return type === 'NULL' ? null : value
}

/** The hugs as the ledger has them. */
async function hugs() {
  const { out } = await run(['export', '--no-pause'])
  const items = out.split('\n').filter((line) => line.startsWith('{"') && !line.startsWith('{"have_a_hug'))
  return items.map((line) => plain({ M: JSON.parse(line) })).filter((one) => one.milestone && one.invitation)
}

async function hugFor(number) {
  return (await hugs()).find((one) => one.milestone === number)
}

async function state(number, status, topic) {
  const found = await hugFor(number)
  same(`${number} is ${status}`, found?.status, status)
  same(`${number} has the topic ${topic}`, found.topic?.text, topic)
  return found
}

const youtube = (n) => `https://youtu.be/aaaaaaaa${String(n).padStart(3, '0')}`

// ---------------------------------------------------------------------- Amber and her followers

const amber = await person('amber')
const made = { body: { name: 'hug' }, token: amber.token }
amber.password = (await xrpc(pds, 'com.atproto.server.createAppPassword', made)).password
await writes(amber, 'app.bsky.actor.profile', { displayName: 'Amber Lane' }, 'self')
await writeFile(
  path.join(home, 'hug.toml'),
  `[plan]
first = ${FIRST}
step = 1
most_a_day = 100

[songs]
server = "http://127.0.0.1:1"

[[account]]
network = "bluesky"
handle = "amber.test"
server = "http://127.0.0.1:${way.address().port}"
appview = "${appview}"
screen = false
`,
)
const begun = Date.now()
let next = 1
async function makesFans() {
  while (next <= FANS) {
    const fan = await person(`fan${String(next++).padStart(4, '0')}`)
    await follows(fan)
  }
}
await Promise.all(Array.from({ length: 8 }, makesFans))
await network.processAll(300_000)
console.log(`${FANS} followers in ${Math.round((Date.now() - begun) / 1000)} s; PDS ${pds}, AppView ${appview}, ${home}`)
const profile = await xrpc(appview, 'app.bsky.actor.getProfile', { query: { actor: 'amber.test' } })
same('the AppView counts them', profile.followersCount, FANS)

const people = {}
for (const name of ['erin', 'fay', 'cleo', 'quinn', 'dora', 'rita', 'gina', 'hank', 'ivy']) people[name] = await person(name)
const { erin, fay, cleo, quinn, dora, rita, gina, hank, ivy } = people

// ---------------------------------------------------------------------- the whole promise

await hug('check')
same('the first check posts nothing', (await posted()).length, 0)
await follows(erin)
await follows(cleo)
// A second number before anyone is listened to: the first look at answers, and then one an hour, reads quotes.
await follows(quinn)
await hug('check')
const first = await announcement(FIRST)
check('an announcement names nobody', !first.value.text.includes('cleo') && !first.value.facets, first.value)
await state(FIRST, 'invited')
const second = await announcement(FIRST + 1)
await answers(erin, first, 'I want a song about erin')
await quotes(erin, first, 'A song about me, says erin')
const quote = await quotes(quinn, second, 'Is it me? A song about trains')
await hug('check')
await state(FIRST, 'invited')
await state(FIRST + 1, 'topic_chosen', 'Is it me? A song about trains')

// The answer of the right one, with an emoji of four bytes before a marked mention.
const byte = Buffer.from('💛 ').length
const mark = {
  index: { byteStart: byte, byteEnd: byte + '@amber.test'.length },
  features: [{ $type: 'app.bsky.richtext.facet#mention', did: amber.did }],
}
const answer = await answers(cleo, first, '💛 @amber.test a song about rain & cats 🐈', [mark])
await hug('check')
await state(FIRST, 'topic_chosen', '💛 a song about rain & cats 🐈')

await hug('song', `${FIRST}`, youtube(1), '--title', 'Rain & cats 🐈')
await hug('check')
await state(FIRST, 'hugged', '💛 a song about rain & cats 🐈')
await song(first, answer, youtube(1), 'Rain & cats 🐈')

// A quote begins a thread of its own, and the song stands in it.
await hug('song', `${FIRST + 1}`, youtube(2), '--title', 'Trains')
await hug('check')
await song(quote, quote, youtube(2), 'Trains')

/** The song stands under an answer, as the AppView shows it to anyone. */
async function song(root, answer, url, title) {
  const shown = await thread(root.uri)
  const all = root.uri === answer.uri ? [shown.thread] : shown.thread.replies
  const under = all.find(({ post }) => post.uri === answer.uri).replies
  const own = under.filter(({ post }) => post.author.did === amber.did)
  same('one reply of Amber stands under the answer', own.length, 1)
  const { post } = own[0]
  const { text, reply, facets, embed } = post.record
  console.log(`    ${post.uri}\n    ${text.replaceAll('\n', ' / ')}`)
  same('the reply names the root and the answer', reply, { root: ref(root), parent: ref(answer) })
  const marked = facets.map(({ index, features: [feature] }) => [
    feature.$type.split('#')[1],
    feature.uri ?? feature.did,
    Buffer.from(text).subarray(index.byteStart, index.byteEnd).toString(),
  ])
  const link = marked.find(([kind]) => kind === 'link')
  same('its link is marked, to the byte', link, ['link', url, url])
  for (const [, did, words] of marked.filter(([kind]) => kind === 'mention')) {
    check(`its mention is marked, to the byte: ${words}`, /^@[a-z0-9]+\.test$/.test(words) && did !== amber.did, marked)
  }
  const { uri, title: card } = embed.external
  same('its card', [uri, card], [url, title])
  same('the AppView shows the card', [post.embed.$type, post.embed.external.uri], ['app.bsky.embed.external#view', url])
  return post
}

// The same song again, and another one.
await hug('song', `${FIRST}`, youtube(1), '--title', 'Rain & cats 🐈')
await hug('check')
same('the same song again changes nothing', (await repliesTo(answer.uri)).length, 1)
await hug('song', `${FIRST}`, youtube(9), '--title', 'Rain & dogs')
await hug('check')
console.log(`    another song: ${(await repliesTo(answer.uri)).map(({ value }) => value.text)}`)
same('another song after the first is out sends nothing', (await repliesTo(answer.uri)).length, 1)

// ---------------------------------------------------------------------- stop

let number = FIRST + 2
await follows(dora)
await hug('check')
const asked = await announcement(number)
await answers(dora, asked, 'Stop!')
await hug('check')
await state(number, 'declined')
await unfollows(dora)
await hug('check')
await follows(fay)
await follows(dora)
number += 1
await hug('check')
check('who said stop gets no other hug', (await hugFor(number))?.follower?.handle !== 'dora.test', await hugFor(number))
check('and is never named', !(await posted()).some(({ value }) => JSON.stringify(value).includes('dora') || JSON.stringify(value.facets ?? []).includes(dora.did)))
await follows(rita)
await hug('check')

// ---------------------------------------------------------------------- a dirty topic

async function invited(who) {
  for (let at = number; at < number + 3; at++) {
    const found = await hugFor(at)
    if (found?.follower?.did === who.did || found?.follower?.id === who.did) return at
  }
  return check(`${who.handle} is invited`, false)
}
number = await invited(rita)
const post = await announcement(number)
await answers(rita, post, 'a song about your fucking tits')
await hug('check')
const doubtful = await hugFor(number)
same('a dirty topic waits for the creator', [doubtful.status, doubtful.topic?.verdict], ['invited', 'doubtful'])
await hug('topic', `${number}`, '--refuse')
await hug('check')
await hug('check')
const refused = await hugFor(number)
console.log(`    ${JSON.stringify(refused.topic)}`)
check('a refused answer does not come back', refused.status === 'invited' && refused.topic?.verdict !== 'doubtful', refused)
await answers(rita, post, 'Sorry! Snow in the mountains')
await hug('check')
await state(number, 'topic_chosen', 'Sorry! Snow in the mountains')

// ---------------------------------------------------------------------- an answer that is gone

number = await crosses(gina)
let letter = await announcement(number)
const gone = await answers(gina, letter, 'Lighthouses')
await hug('check')
await state(number, 'topic_chosen', 'Lighthouses')
await erases(gina, gone.uri)
await hug('song', `${number}`, youtube(4), '--title', 'Lighthouses')
await hug('check')
await state(number, 'to_send', 'Lighthouses')
same('nothing was posted under it', (await repliesTo(gone.uri)).length, 0)
await hug('sent', `${number}`)
console.log(`    ${(await hugFor(number)).status}`)

// ---------------------------------------------------------------------- a hidden answer

number = await crosses(hank)
letter = await announcement(number)
const hidden = await answers(hank, letter, 'Something that Amber hides')
const gate = { post: letter.uri, hiddenReplies: [hidden.uri] }
await writes(amber, 'app.bsky.feed.threadgate', gate, letter.uri.split('/').pop())
await hug('check')
const gated = await thread(letter.uri)
same('the AppView tells of the gate', gated.thread.post.threadgate?.record.hiddenReplies, [hidden.uri])
same('which is at the top, too, and the reply is still in the thread', [gated.threadgate?.record.hiddenReplies, gated.thread.replies.length], [[hidden.uri], 1])
if (process.env.DUMP) await writeFile(process.env.DUMP, JSON.stringify([gated, await thread(first.uri), await xrpc(appview, 'app.bsky.feed.getQuotes', { query: { uri: second.uri } })], null, 1))
await state(number, 'invited')
await answers(hank, letter, 'A river')
await hug('check')
await state(number, 'topic_chosen', 'A river')

async function crosses(who) {
  await follows(who)
  await hug('check')
  number += 1
  return invited(who)
}

// ---------------------------------------------------------------------- killed

async function killed(args, after) {
  await network.processAll(60_000)
  const ended = await run(args, after)
  await network.processAll(60_000)
  return `${ended.signal ?? ended.code} after ${ended.took} ms`
}

/** Checks until it holds: what was under way when the program was killed is its own for a minute. */
async function checksUntil(what, holds) {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries === 40) check(what, false)
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    await network.processAll(60_000)
    await run(['check'])
  }
  await network.processAll(60_000)
  console.log(`ok  ${what}`)
}

const kims = []
/** When the nth is killed: right before its post, right after it, or at some time of its run. */
const moment = (n) => ['before', 'after', 100 + 60 * n, 'after'][n % 4]
for (let n = 0; n < KILLS; n++) {
  const kim = await person(`kim${n}`)
  kims.push(kim)
  await follows(kim)
  const ended = await killed(['check'], moment(n))
  console.log(`--  hug check, killed ${moment(n)}: ${ended}; ${(await posted()).length} posts of Amber`)
}
await checksUntil('every number is announced', async () => {
  for (const kim of kims) {
    const found = (await hugs()).find((one) => one.follower?.id === kim.did)
    if (found?.status !== 'invited') return false
    kim.number = found.milestone
  }
  return true
})
for (const [n, kim] of kims.entries()) {
  kim.letter = await announcement(kim.number)
  kim.answer = await answers(kim, kim.letter, `A song about the number ${n}`)
}
await hug('check')
for (const [n, kim] of kims.entries()) {
  await state(kim.number, 'topic_chosen', `A song about the number ${n}`)
  kim.song = ['song', `${kim.number}`, youtube(100 + n), '--title', `Song ${n}`]
  const ended = await killed(kim.song, moment(n))
  const at = (await hugFor(kim.number)).status
  console.log(`--  hug song, killed ${moment(n)}: ${ended}; ${at}, ${(await repliesTo(kim.answer.uri)).length} replies`)
  if (at === 'topic_chosen') await hug(...kim.song)
}
await checksUntil('every song is out', async () => {
  const statuses = await Promise.all(kims.map((kim) => hugFor(kim.number)))
  return statuses.every(({ status }) => status === 'hugged')
})
for (const [n, kim] of kims.entries()) {
  await song(kim.letter, kim.answer, youtube(100 + n), `Song ${n}`)
  same('one reply, by the repository too', (await repliesTo(kim.answer.uri)).length, 1)
}

// ---------------------------------------------------------------------- what anyone sees

function tree(node, depth = 0) {
  const { post, replies = [] } = node
  const card = post.embed?.external ? ` [card: ${post.embed.external.title}, ${post.embed.external.uri}]` : ''
  console.log(`${'    '.repeat(depth + 1)}@${post.author.handle}: ${post.record.text.replaceAll('\n', ' ')}${card}`)
  for (const reply of replies) tree(reply, depth + 1)
}
tree((await thread(first.uri)).thread)
await hug('status')
console.log('all as expected')
await network.close().catch(() => {})
process.exit(0)
