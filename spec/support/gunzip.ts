import { createGunzip } from 'node:zlib'
import { Log } from './log.js'
import type { Client } from './raw.js'

/** The lines of a body that a client gets compressed, as they come; `end`, once it is whole; what is wrong with it. */
export function gunzipped(client: Client): Log {
  const stream = createGunzip()
  let text = ''
  let size = 0
  const log = new Log()
  stream.on('data', (bytes: Buffer) => {
    text += bytes.toString()
    for (const line of text.split('\n').slice(0, -1)) log.add(line)
    text = text.slice(text.lastIndexOf('\n') + 1)
  })
  stream.on('end', () => log.add('end'))
  stream.on('error', ({ message }) => log.add(message))
  const feed = () => {
    const { bytes, isWhole } = client.message
    stream.write(bytes.subarray(size))
    size = bytes.length
    if (isWhole) stream.end()
  }
  client.socket.on('data', feed)
  feed()
  return log
}
