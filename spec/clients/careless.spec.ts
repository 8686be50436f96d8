import { execFileSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { expect } from 'chai'
import { createHub, event, type Format, ndjson, resource, sse } from '../../lib/index.js'
import { stage, staged, turns, turnsUntil } from '../support/stage.js'
import { serve, usesClients } from './clients.js'
import { packages } from './event-sources.js'
import { python } from './programs.js'

/** Data, comments, heartbeats between and after, a lone comment, a lone retry, and an end that is told. */
async function streamed(format: Format): Promise<string> {
  const channel = createHub().channel<number>('numbers')
  const endpoint = resource({
    contentTypesProvided: [format],
    subscribe: ({ write }) => {
      write(event(undefined, { comment: 'hello' }))
      write(event(undefined, { retry: 7 }))
      return channel
    },
    stream: { heartbeat: 1000, retry: 5000, endEvent: true },
  })
  const site = await stage.now.serve(endpoint)
  const client = site.get()
  await client.head()
  for (const number of [1, 2]) {
    for (const _beat of [1, 2]) {
      const { size } = client
      stage.now.time.advance(1000)
      await client.taken(size + 1)
    }
    await channel.publish(number)
    await turnsUntil(() => new RegExp(`data"?: ?${number}`).test(client.body))
  }
  stage.now.time.advance(1000)
  await turns()
  for (const stream of endpoint.streams) stream.close()
  return (await client.whole()).body
}

/** As openai-python and httpx-sse read: an event at each blank line, whatever was before it. */
const careless = `
import json, sys
event, data = "", []
for line in sys.stdin.read().split("\\n"):
    if line == "":
        if not data and not event: sys.exit("an empty event")
        print(event, json.dumps(json.loads("\\n".join(data))))
        event, data = "", []
    elif line.startswith("event:"): event = line[7:]
    elif line.startswith("data:"): data.append(line[6:])
`

/** As the readers of NDJSON that take no empty line: json.loads(line). */
const strict = `
import json, sys
for line in sys.stdin: print(json.dumps(json.loads(line)))
`

describe('Clients that read less than the standards allow', () => {
  staged()
  usesClients('python3')

  const read = (script: string, input: string) =>
    execFileSync(python(), ['-IS', '-c', script], { input, encoding: 'utf8' }).trim().split('\n')

  it('see no empty event in an event stream, where comments, heartbeats and retry stand between', async () => {
    const body = await streamed(sse())
    expect(body.match(/^:$/gm)).to.have.length.above(4)
    // the last piece of what is split at line feeds is no line
    const [one, two, end, ...more] = read(careless, body.slice(0, -1))
    expect([one, two, more]).to.deep.equal(['1', ' 2', []])
    expect(end).to.include('{"reason": "revoked"}')
  })

  it('see no empty line in NDJSON, where heartbeats stand between', async () => {
    const body = await streamed(ndjson({ envelope: true }))
    expect(body).to.include('  {')
    const records = read(strict, body).map((line) => JSON.parse(line))
    expect(records.map(({ data, notice }) => data ?? notice)).to.deep.equal([1, 2, records.at(-1).notice])
    const lines: unknown[] = []
    for await (const line of createInterface(Readable.from([body]))) lines.push(JSON.parse(line))
    expect(lines).to.deep.equal(records)
  })

  for (const { name, listen } of packages) {
    it(`${name} is told the same, and takes no comment and no retry for an event`, async () => {
      const site = await serve({
        '/numbers': {
          contentTypesProvided: [sse()],
          subscribe: () => [
            event(undefined, { comment: 'a' }),
            event(undefined, { retry: 9 }),
            1,
            event(undefined, { comment: 'b' }),
            event(2, { type: 'note', id: '7' }),
          ],
          stream: { retry: 5000, endEvent: true },
        },
      })
      const listening = listen(`${site.url}/numbers`, { closesOn: 'end' })
      await listening.closed()
      expect(listening.got.map(({ type, data }) => [type, data])).to.deep.equal([
        ['message', '1'],
        ['note', '2'],
        ['end', '{"reason":"end"}'],
      ])
    })
  }
})
