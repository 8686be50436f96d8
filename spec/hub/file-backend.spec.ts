import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { files } from '../../demo/file-backend.js'
import { clock } from '../../lib/clock.js'
import type { Backend, Log } from '../../lib/hub/backend.js'
import { backend, createHub, loop, sse } from '../../lib/index.js'
import { useManualTime } from '../support/clock.js'
import { backendContract } from '../support/conformance.js'
import { stage, staged } from '../support/stage.js'

const root = new URL('../../', import.meta.url)

/** Folders of this spec's, and the folder of each backend. */
const folders: string[] = []
const folderOf = new WeakMap<Backend, string>()

function make(folder = mkdtempSync(join(tmpdir(), 'lariat-'))): Backend {
  folders.push(folder)
  // the time that a test turns, and not the milliseconds that pass beside it
  const origin = clock.date() - clock.now()
  const made = files(folder, () => origin + clock.now())
  folderOf.set(made, folder)
  return made
}

function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

describe('A backend of one’s own: files', () => {
  const time = useManualTime()
  afterEach(removeFolders)

  backendContract('demo/file-backend.ts', () => make(), {
    time: { now: () => clock.date(), advance: (milliseconds) => time.advance(milliseconds) },
    async reopen(backend) {
      await backend.close()
      return make(folderOf.get(backend))
    },
  })
})

describe('Channels in files (docs/guide/backends.md)', () => {
  staged()
  afterEach(removeFolders)

  it('a client that comes back after a restart gets what it missed, and the end', async () => {
    const folder = folderOf.get(make()) as string
    const before = createHub(make(folder)).channel<number>('news', { history: 9 })
    const ids = [await before.publish(1), await before.publish(2)]
    const hub = createHub(make(folder))
    const site = await stage.now.serve(
      loop({ format: sse(), subscribe: () => hub.channel<number>('news', { history: 9 }) }),
    )
    const back = site.get(`/?lastEventId=${ids[0]}`)
    await back.until('data: 2\n\n')
    const id = await hub.channel<number>('news', { history: 9 }).publish(3)
    expect(await back.until('data: 3\n\n')).to.include(`id: ${ids[1]}\ndata: 2\n\nid: ${id}\ndata: 3\n\n`)
    await hub.channel<number>('news', { history: 9 }).end()
    expect((await back.whole()).isWhole).to.equal(true)
  })

  it('a line that a crash has cut is no event, and spoils no other', async () => {
    const folder = folderOf.get(make()) as string
    const path = join(folder, 'news.jsonl')
    const before = createHub(make(folder)).channel<number>('news', { history: 9 })
    const one = await before.publish(1)
    const [lost] = [await before.publish(2)]
    const whole = readFileSync(path, 'utf8')
    rmSync(path)
    appendFileSync(path, whole.slice(0, -10))
    const after = createHub(make(folder)).channel<number>('news', { history: 9 })
    const three = await after.publish(3)
    expect(three).not.to.equal(lost)
    const again = createHub(make(folder)).channel<number>('news', { history: 9 })
    const found: unknown[] = []
    for await (const { id, data } of again.replay('earliest')) found.push([id, data])
    expect(found).to.deep.equal([
      [one, 1],
      [three, 3],
    ])
  })

  it('a log without one of its methods is a TypeError that says which', () => {
    const open: Backend['open'] = () => ({ publish: () => '1' }) as unknown as Log
    const hub = createHub(backend({ open, close() {} }))
    expect(() => hub.channel('news')).to.throw(
      TypeError,
      "backend: open('news'): `listen` is undefined: expected a function",
    )
    const none = createHub(backend({ open: (() => {}) as never, close() {} }))
    expect(() => none.channel('news')).to.throw(
      TypeError,
      "backend: open('news') returned undefined: expected a log",
    )
  })

  it('the page shows the file as it is', () => {
    const code = readFileSync(new URL('demo/file-backend.ts', root), 'utf8')
      .replace(/^(?:\/\/.*\n)+/, '')
      .replace(/'..\/lib\/index.js' \/\/.*/, "'express-lariat'")
    expect(readFileSync(new URL('docs/guide/backends.md', root), 'utf8')).to.include(code)
  })
})
