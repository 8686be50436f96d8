import { Readable } from 'node:stream'
import { createHub } from '../../lib/index.js'

/** What JSON has no text for. */
export const unserialisable: readonly unknown[] = [
  () => 1,
  Symbol('a'),
  1n,
  { deep: [1n] },
  // JSON would make {} of them
  Promise.resolve(1),
  new Map([['a', 1]]),
  new (class Registry extends Map {
    name = 'a'
  })(),
  new Set([1]),
  new WeakMap(),
  Object.assign(new Error('a'), { code: 'A' }),
  new Response('a'),
  new Request('http://a'),
  new Headers({ a: 'b' }),
  new FormData(),
  new URLSearchParams('a=b'),
  new Blob(['a']),
  /a/,
  (function* () {})(),
  (async function* () {})(),
  [1].values(),
  new ArrayBuffer(1),
  new DataView(new ArrayBuffer(1)),
  new AbortController().signal,
  // JSON would write what they are made of
  Readable.from([1]),
  new (class Observable {
    _subscribe = () => {}
    source = 1
    '@@observable'() {
      return this
    }
  })(),
  createHub().channel('a'),
  circle(),
  {
    toJSON() {
      throw new Error('no')
    },
  },
  { toJSON: () => undefined },
  {
    get a() {
      // biome-ignore lint/style/useThrowOnlyError: what users throw need not be one
      throw 'not even an error'
    },
  },
]

function circle(): object {
  const made: { self?: object } = {}
  made.self = made
  return made
}
