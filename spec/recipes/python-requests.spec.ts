import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { expect } from 'chai'
import express from 'express'
import { resource, sse } from '../../lib/index.js'
import { python } from '../clients/programs.js'
import { needs } from '../support/installed.js'

const run = promisify(execFile)
const page = readFileSync(new URL('../../docs/recipes/clients-and-proxies.md', import.meta.url), 'utf8')
const [, program = ''] = /^```python\n(.*?)^```$/ms.exec(page)!

/** What is two bytes or three in UTF-8, and what some take for the end of a line. */
const title = 'Zoë – one\u2028line\u0085 🪢'

describe('Python’s requests (docs/recipes/clients-and-proxies.md)', function () {
  this.timeout(30_000)
  needs('python3')
  let server: Server
  let url: string
  let interpreter: string | undefined

  before(async function () {
    // the system's own has the packages of the system
    for (const each of [python(), '/usr/bin/python3'])
      if (await run(each, ['-c', 'import requests']).catch(() => false)) interpreter ??= each
    if (!interpreter) this.skip()
    async function* news() {
      yield { title }
    }
    async function* broken() {
      yield { title }
      throw new Error('meant')
    }
    const app = express()
      .use('/whole', resource({ contentTypesProvided: [sse()], subscribe: news }))
      .use('/cut', resource({ contentTypesProvided: [sse()], subscribe: broken, terminate() {} }))
    server = createServer(app)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })

  after(() => server?.close())

  const prints = (text: string, path: string) =>
    run(interpreter!, ['-X', 'utf8', '-c', text.replace('http://localhost:3000/news', url + path)])
  const printed = `{'title': ${JSON.stringify(title).replaceAll('"', "'").replace('\u2028', '\\u2028').replace('\u0085', '\\x85')}}\n`

  it('The program of the page reads events as UTF-8, and each line as one', async () => {
    expect((await prints(program, '/whole')).stdout).to.equal(printed)
  })

  it('It tells a cut stream from a whole one', async () => {
    const { stdout, stderr } = await prints(program, '/cut').catch((error) => error)
    expect(stdout).to.equal(printed)
    expect(stderr).to.include('ChunkedEncodingError')
  })

  it('What it does not say would be read as Latin-1, or with lines that are none', async () => {
    const unsaid = program
      .replace('iter_lines()', 'iter_lines(decode_unicode=True)')
      .replace('line.decode()', 'line')
      .replace('print(json.loads(value))', 'print(value)')
    expect(unsaid).not.to.equal(program)
    expect((await prints(unsaid, '/whole')).stdout).to.include('ZoÃ«')
    const said = unsaid.replace(/^( +)for /m, "$1response.encoding = 'utf-8'\n$1for ")
    expect((await prints(said, '/whole')).stdout).to.equal('{"title":"Zoë – one\n')
  })
})
