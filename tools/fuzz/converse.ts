import { once } from 'node:events'
import { connect } from 'node:net'
import { type Answer, readAnswers } from '../../spec/hostile/wire.js'
import type { Connection, Taken, Target } from './target.js'

/** Every status of the graph, and what Node answers on its own: 400, 408, 413, 417 and 431. */
const statuses: readonly number[] = [
  200, 201, 202, 204, 206, 300, 301, 303, 304, 307, 400, 401, 403, 404, 405, 406, 408, 409, 410, 412, 413,
  414, 415, 416, 417, 429, 431, 500, 501, 503,
]

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Sends bytes over a connection, in parts, and checks all that comes of them. */
export async function converse(target: Target, parts: readonly Buffer[]): Promise<readonly Answer[]> {
  const client = connect({ port: target.port, host: '127.0.0.1', allowHalfOpen: true })
  const received: Buffer[] = []
  let isReset = false
  client.on('data', (bytes) => received.push(bytes))
  client.on('error', () => {
    isReset = true
  })
  const closed = new Promise((resolve) => client.once('close', resolve))
  const over = new Promise<void>((resolve) => client.once('end', resolve).once('close', resolve))
  await once(client, 'connect')
  const port = client.localPort as number
  while (!target.from(port)) await turn()
  const connection = target.from(port) as Connection
  const gone = new Promise((resolve) => connection.socket.once('close', resolve))
  for (const part of parts) {
    client.write(part)
    await turn()
  }
  const size = parts.reduce((sum, part) => sum + part.length, 0)
  await settled(target, connection, size)
  const unfinished = new Set(connection.taken.filter(({ req }) => !req.complete))
  client.end()
  await Promise.all([over, gone])
  client.destroy()
  await closed
  while (target.streams.length > 0) await turn()
  return judged(Buffer.concat(received), Buffer.concat(parts), connection, unfinished, isReset)
}

/** Waits until all that came is read and answered, as far as it can be; streams that are held are closed. */
async function settled(target: Target, connection: Connection, size: number): Promise<void> {
  const { socket, taken } = connection
  const isOver = ({ res }: Taken) => res.writableFinished || res.destroyed
  let before = ''
  for (let still = 0; !socket.destroyed; still++) {
    const done = taken.filter(isOver).length
    const now = [socket.bytesRead, socket.bytesWritten, taken.length, done].join()
    if (now !== before) still = 0
    before = now
    if (still > 20) {
      if (target.streams.length > 0) for (const stream of target.streams) stream.close()
      else if (socket.bytesRead === size && taken.every((each) => isOver(each) || !each.req.complete)) return
      else if (socket.writableEnded) return
    }
    await turn()
  }
}

function judged(
  bytes: Buffer,
  sent: Buffer,
  { taken, refusal }: Connection,
  unfinished: ReadonlySet<Taken>,
  isReset: boolean,
): readonly Answer[] {
  const answers = readAnswers(bytes, taken)
  // a server that closes with bytes unread resets, and what it has said last may get lost on the way
  const mayMiss = isReset || refusal !== undefined || sent.includes('CONNECT ')
  const last = answers.findIndex(({ isLast }) => isLast)
  taken.forEach((each, index) => {
    const answer = answers[index]
    const isAfterLast = last >= 0 && index > last
    if (answer && !isAfterLast) judge(answer, each, mayMiss || unfinished.has(each))
    else if (!isAfterLast && !mayMiss && !unfinished.has(each))
      throw new Error(`${each.method} ${each.req.url} is not answered`)
  })
  const [extra, ...more] = answers.slice(taken.length)
  if (more.length > 0) throw new Error(`${answers.length} answers to ${taken.length} requests`)
  if (extra && !(extra.isLast && extra.body.length === 0 && [400, 408, 413, 431].includes(extra.status)))
    throw new Error(`An answer too many: ${extra.status} ${extra.body}`)
  return answers
}

function judge(answer: Answer, { method, req }: Taken, mayBeCut: boolean): void {
  const { status, body, isWhole } = answer
  const what = `${method} ${req.url} is answered ${status}`
  if (!statuses.includes(status)) throw new Error(what)
  if (status === 500 && method !== 'DELETE') throw new Error(what)
  if (!isWhole && !mayBeCut) throw new Error(`${what}, which is cut`)
  if (/\n\s+at |node:internal|node_modules|\.[jt]s:\d/.test(body.toString('latin1')))
    throw new Error(`${what} with a stack: ${body}`)
  if (answer.all('x-injected').length > 0) throw new Error(`${what} with a header of the client's`)
  const [type = ''] = answer.all('content-type')
  if (type === 'application/problem+json' && isWhole && answer.framing !== 'none') JSON.parse(String(body))
}
