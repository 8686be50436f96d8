import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, mkdir, rename, symlink, truncate, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect } from 'chai'
import { type Demo, linesOf, next, recordsOf, runDemo, until } from './demo.js'

describe('The demo: /api/tail', () => {
  let demo: Demo
  let file: string

  before(async () => {
    demo = await runDemo()
    file = join(demo.logs, 'app.log')
    await mkdir(join(demo.logs, 'folder'))
    await writeFile(join(demo.logs, 'folder', 'inner.log'), 'inside')
    await symlink('/etc/passwd', join(demo.logs, 'link.log'))
  })

  beforeEach(() => writeFile(file, 'one\ntwo\n'))

  after(() => demo.close())

  const follow = async (name: string) => linesOf(await demo.ask(`GET /api/tail?file=${name}`))

  it('Follows the access log: each request is a line in it, once it is over', async () => {
    await (await demo.ask('GET /api/books')).text()
    await until(async () => (await demo.ask('HEAD /api/tail?file=access.log')).status === 200)
    const lines = await follow('access.log')
    const [first] = await next(1, lines)
    expect(first).to.match(/^\d{4}-\d\d-\d\dT[\d:.]+Z GET \/api\/books 200 \d+ ms$/)
    await (await demo.ask('GET /api/books/1?a=b')).text()
    let line: string | undefined
    while (!line?.includes('/api/books/1')) [line] = await next(1, lines)
    expect(line).to.match(/Z GET \/api\/books\/1\?a=b 404 \d+ ms$/)
    await lines.return(null)
  })

  it('Answers what is in the file, then what is appended', async () => {
    const answer = await demo.ask('GET /api/tail?file=app.log')
    expect(answer.headers.get('content-type')).to.equal('text/plain')
    const lines = linesOf(answer)
    expect(await next(2, lines)).to.deep.equal(['one', 'two'])
    await appendFile(file, 'three\n')
    expect(await next(1, lines)).to.deep.equal(['three'])
    await appendFile(file, 'four\nfive\n')
    expect(await next(2, lines)).to.deep.equal(['four', 'five'])
    await lines.return(null)
  })

  it('Goes on with the new file when the old one is rotated away', async () => {
    const lines = await follow('app.log')
    await next(2, lines)
    await appendFile(file, 'three\n')
    await rename(file, `${file}.1`)
    await writeFile(file, 'four\n')
    expect(await next(2, lines)).to.deep.equal(['three', 'four'])
    await appendFile(file, 'five\n')
    expect(await next(1, lines)).to.deep.equal(['five'])
    await lines.return(null)
  })

  it('Starts again when the file is truncated', async () => {
    const lines = await follow('app.log')
    await next(2, lines)
    await truncate(file)
    await appendFile(file, 'new\n')
    expect(await next(1, lines)).to.deep.equal(['new'])
    await lines.return(null)
  })

  it('?last= begins with so many of the last lines', async () => {
    const first = async (last: number) => {
      const lines = linesOf(await demo.ask(`GET /api/tail?file=app.log&last=${last}`))
      await appendFile(file, 'end\n')
      const [line] = await next(1, lines)
      await lines.return(null)
      return line
    }
    await writeFile(file, Array.from({ length: 1500 }, (_, index) => `${index}\n`).join(''))
    expect(await first(1000)).to.equal('500')
    await writeFile(file, 'one\ntwo\nthree\n')
    expect(await first(0)).to.equal('end')
    await writeFile(file, 'one\ntwo\nthree\n')
    expect(await first(2)).to.equal('two')
    expect(await first(50)).to.equal('one')
    await writeFile(file, '')
    expect(await first(3)).to.equal('end')
    await writeFile(file, `${'x'.repeat(2 ** 19)}\nlast\n`)
    expect(await first(1)).to.equal('last')
  })

  it('?last= of more than is looked through begins with the first whole line of that', async () => {
    await writeFile(file, `${'x'.repeat(2 ** 18)}\n${'line\n'.repeat(20)}`)
    const lines = linesOf(await demo.ask('GET /api/tail?file=app.log&last=50'))
    expect(await next(20, lines)).to.deep.equal(Array(20).fill('line'))
    await lines.return(null)
  })

  it('As NDJSON it is a record for each line, once it is whole', async () => {
    const records = recordsOf(
      await demo.ask('GET /api/tail?file=app.log', { headers: { Accept: 'application/x-ndjson' } }),
    )
    expect(await next(2, records)).to.deep.equal(['one', 'two'])
    const bytes = Buffer.from('h"å"lf\n')
    await appendFile(file, bytes.subarray(0, 3)) // in the midst of a letter
    await appendFile(file, bytes.subarray(3))
    expect(await next(1, records)).to.deep.equal(['h"å"lf'])
    await records.return(null)
  })

  for (const last of ['x', '-1', '1001', '1.5', '']) {
    it(`?last=${last} is 400, and says what is expected`, async () => {
      const answer = await demo.ask(`GET /api/tail?file=app.log&last=${last}`)
      expect(answer.status).to.equal(400)
      expect(await answer.json()).to.deep.include({ detail: 'last: expected how many lines, 0 to 1000' })
    })
  }

  it('Two clients read at their own pace', async () => {
    const one = await follow('app.log')
    const other = await follow('app.log')
    await next(2, one)
    await appendFile(file, 'three\n')
    expect(await next(1, one)).to.deep.equal(['three'])
    expect(await next(3, other)).to.deep.equal(['one', 'two', 'three'])
    await Promise.all([one.return(null), other.return(null)])
  })

  it('Lets go of the file when the client leaves', async () => {
    const watchers = () => process.getActiveResourcesInfo().filter((each) => each === 'FSEventWrap').length
    const before = watchers()
    const lines = await follow('app.log')
    await next(2, lines)
    expect(watchers()).to.equal(before + 1)
    await lines.return(null)
    await until(() => watchers() === before)
  })

  it('Reads no further than the client does, and loses nothing by it', async () => {
    const big = Buffer.alloc(64 * 2 ** 20, 'All work and no play makes Jack a dull boy.\n')
    await writeFile(file, big)
    const port = Number(new URL(demo.url).port)
    const [[socket], client] = (await Promise.all([
      once(demo.server, 'connection'),
      ask(port, '/api/tail?file=app.log'),
    ])) as [[Socket], Socket]
    for (let before = -1; socket.bytesWritten === 0 || socket.bytesWritten !== before; ) {
      before = socket.bytesWritten
      await setTimeout(100)
    }
    expect(socket.bytesWritten).to.be.below(big.length / 2)

    const hash = createHash('sha256')
    let length = 0
    for await (const piece of bodyOf(client)) {
      hash.update(piece)
      length += piece.length
      if (length >= big.length) break
    }
    expect(length).to.equal(big.length)
    expect(hash.digest('hex')).to.equal(createHash('sha256').update(big).digest('hex'))
  })

  it('HEAD has the head and ends', async () => {
    const answer = await demo.ask('HEAD /api/tail?file=app.log')
    expect(answer.status).to.equal(200)
    expect(await answer.text()).to.equal('')
  })

  for (const query of ['', '?file', '?file=a&file=b', '?file[x]=app.log']) {
    it(`GET /api/tail${query} is refused, and says what to ask for`, async () => {
      const answer = await demo.ask(`GET /api/tail${query}`)
      expect(answer.status).to.be.oneOf([400, 404])
      expect(await answer.json()).to.have.property('detail')
    })
  }

  const tricks = [
    '../package.json',
    '..%2Fpackage.json',
    '%2e%2e%2fpackage.json',
    '%252e%252e%252fapp.log',
    '..',
    '.',
    './app.log',
    'app.log/',
    'app.log/../app.log',
    'app.log%00',
    'app.log%00.txt',
    '%00',
    '/etc/passwd',
    '%2Fetc%2Fpasswd',
    'file:///etc/passwd',
    '..%5Capp.log',
    'folder',
    'folder/inner.log',
    'link.log',
    'APP.LOG',
    'missing.log',
    '__proto__',
    'a'.repeat(5000),
  ]

  for (const trick of tricks) {
    it(`The file ${trick.slice(0, 40)} is not in the folder: 404`, async () => {
      const answer = await demo.ask(`GET /api/tail?file=${trick}`)
      expect(answer.status).to.equal(404)
      expect(await answer.json()).to.deep.include({ detail: 'There is no such file in the folder' })
    })
  }

  it('An absolute path to a file of the folder is 404 too', async () => {
    const answer = await demo.ask(`GET /api/tail?file=${encodeURIComponent(file)}`)
    expect(answer.status).to.equal(404)
  })
})

/** A client that has asked, and does not read. */
async function ask(port: number, path: string): Promise<Socket> {
  const client = connect(port, '127.0.0.1')
  await once(client, 'connect')
  client.write(`GET ${path} HTTP/1.0\r\n\r\n`)
  return client
}

/** The body of an answer over HTTP/1.0. */
async function* bodyOf(client: Socket): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const piece of client as AsyncIterable<Buffer>) {
    if (!head) {
      yield piece
      continue
    }
    head = Buffer.concat([head, piece])
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) continue
    yield head.subarray(end + 4)
    head = undefined
  }
}
