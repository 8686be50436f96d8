import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Protocol } from '../fanout/stream.js'

const connect = '40'
const connected = '40{'
const pong = '3'
/** One unmasked frame with the text `2`. */
const ping = Buffer.from([0x81, 1, 0x32])

/**
 * A client of socket.io that joins the default namespace and listens. Frames from a server are not masked, so that
 * what is looked for in them is there as it was sent.
 */
export function socketIo(): Protocol {
  let heard = ''
  let isUpgraded = false
  const key = randomBytes(16).toString('base64')
  return {
    request: [
      'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
      'Host: localhost',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${key}`,
      '\r\n',
    ].join('\r\n'),
    isOpen: (read, socket) => {
      heard += read.toString('latin1')
      const status = heard.slice(9, 12)
      if (status !== '101') throw new Error(`Answered with ${status}`)
      if (!isUpgraded && heard.includes('\r\n\r\n')) {
        isUpgraded = true
        socket.write(frame(connect))
      }
      return heard.includes(connected)
    },
    hear: (read: Buffer, socket: Socket) => {
      // in a read of its own, or behind or before events
      if (read.includes(ping)) socket.write(frame(pong))
    },
  }
}

/** What a client sends is masked; a mask of zeros changes nothing. */
function frame(text: string): Buffer {
  return Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0, ...Buffer.from(text)])
}
