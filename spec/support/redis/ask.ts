import { connect, type NetConnectOpts } from 'node:net'

/** An error that a server answers; its first word says which. */
class ReplyError extends Error {}

/**
 * Asks a server some commands on a connection of its own, and returns the last reply, which rejects if it is an error.
 * A client of the library would do, but takes so long to make that a server could not be asked all the time.
 */
export function ask(at: NetConnectOpts, commands: readonly (readonly string[])[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(at)
    let bytes = Buffer.alloc(0)
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('The connection ended without a reply')))
    socket.on('data', (more) => {
      bytes = Buffer.concat([bytes, more])
      const replies = repliesIn(bytes, commands.length)
      if (!replies) return
      const last = replies.at(-1)
      if (last instanceof ReplyError) reject(last)
      else resolve(last)
      socket.destroy()
    })
    for (const words of commands) {
      const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
      socket.write(`*${words.length}\r\n${parts.join('')}`)
    }
  })
}

/** So many replies (RESP 2) as values; undefined as long as they have not come whole. */
function repliesIn(bytes: Buffer, count: number): readonly unknown[] | undefined {
  let at = 0
  let isWhole = true

  function reply(): unknown {
    const end = bytes.indexOf('\r\n', at)
    if (end < 0) {
      isWhole = false
      return undefined
    }
    const type = String.fromCharCode(bytes[at]!)
    const text = bytes.toString('utf8', at + 1, end)
    at = end + 2
    if (type === '+') return text
    if (type === '-') return new ReplyError(text)
    if (type === ':') return Number(text)
    const size = Number(text)
    if (size < 0) return null
    if (type === '*') return several(size)
    at += size + 2
    if (at > bytes.length) isWhole = false
    return bytes.toString('utf8', at - size - 2, at - 2)
  }

  function several(size: number): unknown[] {
    const values: unknown[] = []
    while (isWhole && values.length < size) values.push(reply())
    return values
  }

  const replies = several(count)
  return isWhole ? replies : undefined
}
