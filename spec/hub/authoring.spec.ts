import { expect } from 'chai'
import { type Backend, backend, createHub, gap, stored } from '../../lib/index.js'

/** What is thrown; a TypeError with a code. */
function refused(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    expect(error).to.be.instanceOf(TypeError)
    expect(error).to.have.property('code', 'LARIAT_SPEC')
    return (error as Error).message
  }
  throw new Error('nothing is thrown')
}

describe('What an author of a backend hands over (docs/guide/backends.md)', () => {
  const hostile = ['', 'two words', 'a\nid: b', 'a\0', 'zoë', 'earliest', 'now', 7, undefined, null]

  it('an id that no header or frame can carry is a TypeError, of an event and of a gap', () => {
    const parts = { requested: 'whatever a client\nsent', from: 'a-2', reason: 'unknown', id: 'a-1' } as const
    expect(gap(parts)).to.include(parts)
    for (const id of hostile as string[]) {
      expect(refused(() => stored(id, 1))).to.match(/^stored\(.*\): expected visible ASCII/)
      expect(refused(() => gap({ ...parts, id }))).to.match(/^gap\(.*\): expected visible ASCII/)
      expect(refused(() => gap({ ...parts, from: id }))).to.match(/^gap\(.*\): expected visible ASCII/)
    }
  })

  it('a part of a backend that is no function is a TypeError', () => {
    const parts = { open: () => undefined, close: () => {} }
    for (const name of ['open', 'on', 'close']) {
      const message = refused(() => backend({ ...parts, [name]: 'x' } as never))
      expect(message).to.equal(`backend: \`${name}\` is 'x': expected a function`)
    }
    refused(() => backend(undefined as never))
  })

  it('what is no log is a TypeError where the channel is asked for, a promise of one too', async () => {
    const opening = (open: () => unknown) =>
      refused(() => createHub(backend({ open: open as Backend['open'], close: () => {} })).channel('a'))
    expect(opening(() => undefined)).to.equal("backend: open('a') returned undefined: expected a log")
    const promised = "backend: open('a') returned a promise: expected a log; its methods may return promises"
    expect(opening(async () => ({}))).to.equal(promised)
    expect(opening(() => Promise.reject(new Error('broken')))).to.equal(promised)
  })
})
