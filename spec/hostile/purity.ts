import { expect } from 'chai'

/** What every object has, and nobody has put there; the first is a way to what all others have. */
export const inherited = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
] as const

const prototypes = [Object, Array, Function, String, Map, Promise].map(({ prototype }) => prototype)
const shapes = () => prototypes.map((each) => Reflect.ownKeys(each))

/** Nothing is added to what all objects share, by any test of a block. */
export function staysPure(): void {
  let before: readonly unknown[]
  beforeEach(() => {
    before = shapes()
  })
  afterEach(() => {
    expect(shapes()).to.deep.equal(before)
    expect(({} as { polluted?: unknown }).polluted).to.equal(undefined)
  })
}

/** An object with a property of its own by any of these names, as JSON makes it. */
export const own = (name: string, value: unknown = 'own') =>
  JSON.parse(`{${JSON.stringify(name)}: ${JSON.stringify(value)}}`)
