import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Demo, runDemo } from '../demo/bookshop/demo.js'
import { cases } from '../support/cases.js'

/** What is in none of the demo's folders that it answers from. */
const secret = 'a secret of the machine'

/** Ways out of a folder, and other names that are none. Sent as they are: no client mends them. */
const tricks = [
  '../secret.log',
  '../../secret.log',
  '....//secret.log',
  '..././secret.log',
  '..;/secret.log',
  '%2e%2e/secret.log',
  '%2e%2e%2fsecret.log',
  '%252e%252e%252fsecret.log',
  '..%5csecret.log',
  '..%255csecret.log',
  '%c0%ae%c0%ae%c0%afsecret.log',
  '%u002e%u002e%u2215secret.log',
  '..%00/secret.log',
  'app.log%00',
  'app.log%0a',
  'app.log%20',
  'app.log.',
  'app.log::$DATA',
  'app.log/',
  '//app.log',
  './app.log',
  'folder/../app.log',
  'folder%2f..%2fapp.log',
  'link.log',
  'linked/secret.log',
  // full-width dots and a slash, which some normalise
  '%ef%bc%8e%ef%bc%8e%ef%bc%8fsecret.log',
  // the same letter, composed otherwise
  'u%cc%88.log',
  'a'.repeat(255),
  'a'.repeat(4000),
  'CON',
  '~/.ssh/id_rsa',
  '$HOME',
  '`id`',
  '|id',
  '*',
  'app.*',
]

describe('No path of the demo leads out of where it may (CWE-22)', () => {
  let demo: Demo
  before(async () => {
    demo = await runDemo()
    const outside = join(demo.logs, 'outside')
    await mkdir(outside)
    await writeFile(join(outside, 'secret.log'), secret)
    await writeFile(join(demo.logs, 'app.log'), 'a line\n')
    await writeFile(join(demo.logs, 'ü.log'), 'a line\n')
    await mkdir(join(demo.logs, 'folder'))
    await symlink(join(outside, 'secret.log'), join(demo.logs, 'link.log'))
    await symlink(outside, join(demo.logs, 'linked'))
  })
  after(() => demo.close())

  /** The status and the text of a request whose target goes out as it is, byte for byte. */
  async function get(target: string): Promise<[status: number, text: string]> {
    const socket = connect(Number(new URL(demo.url).port), '127.0.0.1')
    socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nConnection: close\r\n\r\n`)
    let text = ''
    for await (const piece of socket.setEncoding('latin1')) {
      text += piece
      // what is followed has no end
      if (text.includes(secret)) break
    }
    return [Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]), text]
  }

  function expectNothing(
    target: string,
    [status, text]: [number, string],
    statuses: readonly number[],
  ): void {
    expect(status, target).to.be.oneOf(statuses)
    expect(text, target)
      .not.to.include(secret)
      .and.not.to.match(/root:|node_modules|\n\s+at |\.ts:\d/)
    expect(text, target).not.to.include(demo.logs)
  }

  cases(
    'A detour reaches no log file, book, answer or file of the page',
    tricks,
    (trick) => `${trick.slice(0, 40)}: no log file, book, answer or file of the page`,
    async (trick) => {
      for (const encoded of [trick, encodeURIComponent(trick)]) {
        const log = `/api/tail?file=${encoded}`
        expectNothing(log, await get(log), [404])
        for (const prefix of ['/api/books/', '/', '//', '/page/'])
          expectNothing(prefix + encoded, await get(prefix + encoded), [400, 404])
        // whether an answer is spoken is said of any id
        const answer = `/api/ask/answers/${encoded}`
        expectNothing(answer, await get(answer), [200, 400, 404])
      }
    },
  )

  cases(
    'A detour to a served file is a 404, or that file',
    ['/style.css', '/graph.svg', '/main.js', `/api/tail?file=missing`],
    (target) => `${target} by a way round is not found, or what it is`,
    async (target) => {
      const [, path] = /^\/(.*)/.exec(target) as unknown as [string, string]
      for (const around of [
        `/./${path}`,
        `/a/../${path}`,
        `//${path}`,
        `/%2e/${path}`,
        `/..%2f${path}`,
        `/${path}%00`,
        `/${path}/`,
      ])
        expectNothing(around, await get(around), [200, 400, 403, 404])
    },
  )

  it('A file of the page is found by its own path alone, and no other file of its folders', async () => {
    expect((await get('/style.css'))[0]).to.equal(200)
    for (const path of [
      '/tsconfig.json',
      '/index.html',
      '/callbacks.md',
      '/generate.ts',
      '/.gitignore',
      '/..%2fserver.ts',
    ])
      expect((await get(path))[0], path).to.equal(404)
  })

  it('A search term of the shelf is text: no pattern, and no member of a book', async () => {
    for (const q of ['.*', '(a+)+$', '__proto__', '%00', '[', '\\', 'a'.repeat(10_000)]) {
      const [status, text] = await get(`/api/books?q=${encodeURIComponent(q)}`)
      expect(status).to.equal(200)
      expect(text).to.match(/\r\n\r\n\[\]$/)
    }
  })
})
