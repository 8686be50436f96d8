import https from 'node:https'
import { connect, type TLSSocket } from 'node:tls'
import type { Express } from 'express'
import { certificate } from './certificate.js'

/** Serves an app over TLS: `listen` of a site. */
export function overTls(app: Express) {
  const server = https.createServer({ key: certificate(), cert: certificate() }, app)
  return server as never
}

/** A client over TLS that counts what comes, and holds none of it. */
export class TlsClient {
  readonly socket: TLSSocket
  /** Decrypted bytes that have come. */
  size = 0
  /** The latest bytes, as text. */
  tail = ''
  isClosed = false

  constructor(port: number, { reads = true } = {}) {
    this.socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    this.socket.on('data', (bytes) => {
      this.size += bytes.length
      this.tail = (this.tail + bytes.toString('latin1')).slice(-200)
    })
    this.socket
      .on('error', () => {})
      .on('close', () => {
        this.isClosed = true
      })
    if (!reads) this.socket.pause()
    this.socket.write('GET / HTTP/1.1\r\nHost: spec\r\n\r\n')
  }
}
