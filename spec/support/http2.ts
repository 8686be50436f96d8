import http2 from 'node:http2'
import type { Express } from 'express'

/** A prototype of HTTP/2's own class with what Express has added to HTTP/1's. */
function mixed(added: object, own: object): object {
  return Object.create(own, Object.getOwnPropertyDescriptors(added))
}

/** Serves an app over HTTP/2 without TLS, by the compatibility API of Node: `listen` of a site. */
export function overHttp2(app: Express) {
  // an app's own prototypes, and those of Express behind them
  const { request, response } = app as unknown as Record<'request' | 'response', object>
  const swapped = Object.assign(app, {
    request: mixed(Object.getPrototypeOf(request), http2.Http2ServerRequest.prototype),
    response: mixed(Object.getPrototypeOf(response), http2.Http2ServerResponse.prototype),
  })
  for (const each of [swapped.request, swapped.response]) Object.assign(each, { app })
  const server = http2.createServer(app as never)
  const sessions = new Set<http2.ServerHttp2Session>()
  server.on('session', (session) => sessions.add(session))
  return Object.assign(server, {
    closeAllConnections() {
      for (const each of sessions) each.destroy()
    },
  }) as never
}

/** A connection, and streams on it. */
export class Http2Client {
  readonly session: http2.ClientHttp2Session
  goneAway = false

  constructor(port: number) {
    this.session = http2.connect(`http://127.0.0.1:${port}`)
    this.session
      .on('error', () => {})
      .on('goaway', () => {
        this.goneAway = true
      })
  }

  get(path = '/', { reads = true } = {}): Http2Message {
    return new Http2Message(this.session.request({ ':path': path }), reads)
  }
}

/** A response on one stream of a connection. */
export class Http2Message {
  readonly stream: http2.ClientHttp2Stream
  status: number | undefined
  body = ''
  /** How it ended: the error code of RFC 9113 7, 0 for a proper end. */
  readonly code: Promise<number>

  constructor(stream: http2.ClientHttp2Stream, reads: boolean) {
    this.stream = stream
    stream
      .on('error', () => {})
      .on('response', (headers) => {
        this.status = headers[':status']
      })
    this.code = new Promise((resolve) => stream.on('close', () => resolve(stream.rstCode)))
    stream.setEncoding('latin1')
    if (reads) this.read()
  }

  read(): void {
    this.stream.on('data', (text: string) => {
      this.body += text
    })
  }
}
