import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { expect } from 'chai'
import { Demo } from '../support/demo.js'
import { newerNode } from '../support/newer-node.js'
import { needsRegistry } from '../support/packages.js'

const run = promisify(execFile)
const conformance = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
)

describe('Recipe: an MCP server', function () {
  this.timeout(60_000)
  let demo: Demo
  let url: string

  before(async () => {
    demo = await new Demo('mcp').listening()
    url = `${demo.url}/mcp`
  })

  after(() => demo.kill())

  describe('judged by the conformance suite of MCP', () => {
    let node: string
    let folder: string

    needsRegistry(async () => {
      node = await newerNode()
    })

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'lariat-mcp-'))
    })

    after(() => rm(folder, { recursive: true }))

    it('Passes all checks of all suites, without a warning', async () => {
      const { stdout } = await run(
        node,
        [conformance, 'server', '--suite', 'all', '--url', url, '-o', folder],
        { cwd: folder },
      )
      expect(stdout).to.match(/^Total: 47 passed, 0 failed$/m)
      const scenarios = await readdir(folder)
      expect(scenarios).to.have.length.of.at.least(30)
      for (const scenario of scenarios) {
        const checks = JSON.parse(await readFile(join(folder, scenario, 'checks.json'), 'utf8'))
        for (const { id, status, errorMessage } of checks)
          expect(status, `${id}: ${errorMessage}`).to.be.oneOf(['SUCCESS', 'INFO'])
      }
    })
  })

  describe('to the client of the SDK, over a proxy that breaks connections in mid-stream', () => {
    let proxy: Breaker
    let client: Client
    let transport: StreamableHTTPClientTransport

    beforeEach(async () => {
      proxy = await new Breaker(demo.url).listening()
      client = new Client(
        { name: 'spec', version: '1.0.0' },
        { capabilities: { elicitation: {}, sampling: {} } },
      )
      transport = new StreamableHTTPClientTransport(new URL(`${proxy.url}/mcp`))
      await client.connect(transport as Parameters<Client['connect']>[0])
    })

    afterEach(async () => {
      await client.close()
      await proxy.close()
    })

    it('The progress of a tool and its result arrive, each once and in order', async () => {
      proxy.frames = 4
      const heard: number[] = []
      const result = await client.callTool({ name: 'count', arguments: { to: 12 } }, undefined, {
        onprogress: ({ progress }) => heard.push(progress),
      })
      expect(heard).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
      expect(result.content).to.deep.equal([{ type: 'text', text: 'Counted to 12' }])
      // the place and three, then four, four; then the last and the result
      expect(proxy.broken).to.equal(3)
    })

    it('What the server asks of the client is asked once, and its answer reaches the tool', async () => {
      proxy.frames = 1
      const asked: string[] = []
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
        asked.push(params.message)
        return { action: 'accept', content: { username: 'ada', email: 'ada@example.com' } }
      })
      const result = await client.callTool({ name: 'test_elicitation', arguments: { message: 'Who?' } })
      expect(asked).to.deep.equal(['Who?'])
      expect(JSON.stringify(result.content)).to.contain('ada@example.com')
      expect(proxy.broken).to.be.at.least(1)
    })

    it('What is said unasked arrives once, by the stream that has nothing to answer', async () => {
      const heard: string[] = []
      let last = () => {}
      const all = new Promise<void>((resolve) => {
        last = resolve
      })
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params: { uri } }) => {
        heard.push(uri)
        if (heard.length === 4) last()
      })
      for (const uri of ['test://a', 'test://b']) await client.subscribeResource({ uri })
      proxy.frames = 2
      for (const uri of ['test://a', 'test://none', 'test://b', 'test://b', 'test://a'])
        await client.callTool({ name: 'touch', arguments: { uri } })
      await all
      await client.ping()
      expect(heard).to.deep.equal(['test://a', 'test://b', 'test://b', 'test://a'])
    })

    it('A server that hangs up on purpose is polled', async () => {
      const result = await client.callTool({ name: 'test_reconnection' })
      expect(result.content).to.deep.equal([{ type: 'text', text: 'Said after the client came back' }])
    })

    it('A session that its client ends is over', async () => {
      const id = transport.sessionId!
      await transport.terminateSession()
      const answer = await rpc({ id: 1, method: 'ping' }, { 'Mcp-Session-Id': id })
      expect(answer.status).to.equal(404)
    })
  })

  /** Posts a message of JSON-RPC. */
  const rpc = (message: object, headers: Record<string, string> = {}) =>
    demo.post('/mcp', { jsonrpc: '2.0', ...message }, { Accept: 'application/json', ...headers })

  const initialize = { id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18' } }

  it('A client that takes JSON alone gets JSON', async () => {
    const opened = await rpc(initialize)
    expect(await opened.json()).to.have.nested.property('result.protocolVersion', '2025-06-18')
    const session = { 'Mcp-Session-Id': opened.headers.get('mcp-session-id')! }
    expect((await rpc({ method: 'notifications/initialized' }, session)).status).to.equal(202)
    const answer = await rpc({ id: 'a', method: 'tools/call', params: { name: 'test_simple_text' } }, session)
    expect(answer.headers.get('content-type')).to.equal('application/json')
    expect(await answer.json()).to.have.nested.property('result.content[0].type', 'text')
    for (const [method, code] of [
      ['tools/none', -32601],
      ['prompts/get', -32602],
    ] as const) {
      const refused = await rpc({ id: 2, method }, session)
      expect(await refused.json(), method)
        .to.include({ id: 2 })
        .and.have.nested.property('error.code', code)
    }
  })

  it('A refusal has the shape of JSON-RPC: of which session, which version, from where', async () => {
    for (const [status, headers] of [
      [400, {}],
      [404, { 'Mcp-Session-Id': 'none' }],
      [400, { 'MCP-Protocol-Version': '1999-01-01' }],
      [403, { Origin: 'http://evil.example' }],
    ] as const) {
      const answer = await rpc({ id: 2, method: 'ping' }, headers)
      expect(answer.status).to.equal(status)
      expect(await answer.json())
        .to.include({ jsonrpc: '2.0', id: null })
        .and.have.nested.property('error.message')
    }
  })

  it('A call that is cancelled stops its tool, and its stream ends without an answer', async () => {
    const opened = await rpc({
      ...initialize,
      params: { ...initialize.params, capabilities: { elicitation: {} } },
    })
    const session = { 'Mcp-Session-Id': opened.headers.get('mcp-session-id')! }
    const call = {
      id: 7,
      method: 'tools/call',
      params: { name: 'test_elicitation', arguments: { message: 'Who?' } },
    }
    const stream = await rpc(call, { Accept: 'text/event-stream', ...session })
    let heard = ''
    for await (const piece of stream.body!.pipeThrough(new TextDecoderStream())) {
      const wasAsked = heard.includes('elicitation/create')
      heard += piece
      if (!wasAsked && heard.includes('elicitation/create'))
        await rpc({ method: 'notifications/cancelled', params: { requestId: 7 } }, session)
    }
    expect(heard).to.include('elicitation/create').and.not.include('"id":7')
  })

  it('What is said unasked goes to one stream: to that which came last', async () => {
    const opened = await rpc(initialize)
    const session = { 'Mcp-Session-Id': opened.headers.get('mcp-session-id')! }
    const listen = () => demo.ask('/mcp', { Accept: 'text/event-stream', ...session })
    const [first, second] = [await listen(), await listen()]
    const uri = 'test://a'
    await rpc({ id: 1, method: 'resources/subscribe', params: { uri } }, session)
    await rpc({ id: 2, method: 'tools/call', params: { name: 'touch', arguments: { uri } } }, session)
    expect(await first.text()).not.to.include('updated')
    let heard = ''
    for await (const piece of second.body!.pipeThrough(new TextDecoderStream())) {
      heard += piece
      if (heard.includes('updated')) break
    }
    expect(heard).to.include('updated')
  })

  it('What is no message of JSON-RPC, such as a batch, is refused', async () => {
    const opened = await rpc(initialize)
    const session = { 'Mcp-Session-Id': opened.headers.get('mcp-session-id')! }
    const ping = { jsonrpc: '2.0', id: 2, method: 'ping' }
    for (const body of [[ping], 'null', { id: 2, method: 'ping' }, {}]) {
      const answer = await demo.post('/mcp', body, { Accept: 'application/json', ...session })
      expect(answer.status, JSON.stringify(body)).to.equal(400)
      expect(await answer.json()).to.have.nested.property('error.message')
    }
  })

  it('A client that does not come back to a stream of another session hears nothing of it', async () => {
    const [mine, other] = await Promise.all([rpc(initialize), rpc(initialize)])
    const idOf = ({ headers }: Response) => headers.get('mcp-session-id')!
    const stream = await demo.post(
      '/mcp',
      { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'test_simple_text' } },
      { Accept: 'text/event-stream', 'Mcp-Session-Id': idOf(mine) },
    )
    const [, first] = /^id: (.*)$/m.exec(await stream.text())!
    const back = (session: Response) =>
      demo.ask('/mcp', {
        Accept: 'text/event-stream',
        'Mcp-Session-Id': idOf(session),
        'Last-Event-ID': first!,
      })
    expect(await (await back(mine)).text()).to.contain('simple text response')
    const stranger = (await back(other)).body!.getReader()
    const heard = Buffer.from((await stranger.read()).value!).toString()
    await stranger.cancel()
    expect(heard).not.to.contain('simple text response')
  })
})

/** Carries requests to a server. Each event stream is broken in the middle of a frame, after so many whole ones. */
class Breaker {
  frames = Number.POSITIVE_INFINITY
  broken = 0
  url = ''
  readonly #server: Server

  constructor(target: string) {
    this.#server = createServer((req, res) => {
      const { method, headers } = req
      const forward = request(`${target}${req.url}`, { method: method!, headers, agent: false }, (answer) => {
        res.writeHead(answer.statusCode!, answer.headers)
        if (answer.headers['content-type'] !== 'text/event-stream') answer.pipe(res)
        else this.#carry(answer, res).catch(() => res.destroy())
      })
      forward.on('error', () => res.destroy())
      res.on('close', () => forward.destroy())
      req.pipe(forward)
    })
  }

  async #carry(answer: IncomingMessage, res: ServerResponse): Promise<void> {
    let [rest, whole] = ['', 0]
    for await (const piece of answer.setEncoding('utf8')) {
      rest += piece
      for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
        if (whole++ === this.frames) {
          this.broken++
          // what was written before is on its way by then
          res.write(rest.slice(0, end / 2), () => res.destroy())
          return
        }
        res.write(rest.slice(0, end + 2))
        rest = rest.slice(end + 2)
      }
    }
    res.end(rest)
  }

  async listening(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, resolve))
    this.url = `http://localhost:${(this.#server.address() as AddressInfo).port}`
    return this
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
