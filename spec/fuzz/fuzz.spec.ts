import { parse } from 'node:url'
import { expect } from 'chai'
import express from 'express'
import { memoryAfter } from '../../tools/fuzz/memory.js'
import { fuzz, type Tried } from '../../tools/fuzz/run.js'
import { staysClean } from '../support/clean.js'
import { currentExpress, onBoth } from '../support/http.js'

const seed = 5_2026
const inputs = 250

const nothing = (): Tried => ({ inputs: 0, bytes: 0, statuses: new Map() })

onBoth('Whatever comes over a connection', () => {
  // Express asks Node's old parser, which warns once of an absolute URL that is none (DEP0170), and later throws
  before(() => {
    process.noDeprecation = true
    try {
      parse('http://a:b/')
    } catch {
      // no warning, then
    }
    process.noDeprecation = false
  })
  staysClean()

  it(`Every request that Node takes is answered once, in form, and all is let go (seed ${seed}, ${inputs} inputs)`, async () => {
    const tried = nothing()
    await fuzz(50, seed + 1, currentExpress(), nothing())
    const before = await memoryAfter()
    await fuzz(inputs, seed, currentExpress(), tried)
    expect(tried.inputs).to.equal(inputs)
    expect([...tried.statuses.keys()].length, 'different statuses').to.be.above(12)
    expect((await memoryAfter()) - before).to.be.below(16 * 2 ** 20)
  }).timeout(120_000)
})

describe('The fuzzer', () => {
  it('Reports the shortest input that breaks a rule, and the seed that finds it again', async () => {
    const failing = () => {
      const app = express()
      app.use((req, _res, next) => next(req.method === 'PUT' ? new Error('It is broken') : undefined))
      return app
    }
    const attempt = () =>
      fuzz(500, seed, Object.assign(failing, express) as typeof express, nothing()).then(
        () => 'nothing is found',
        (error: Error) => error.message,
      )
    const told = await attempt()
    expect(told).to.include(`With seed ${seed}`)
    const [, parts = '[]'] = /^(\[".*"\])$/m.exec(told) ?? []
    expect((JSON.parse(parts) as string[]).join('')).to.match(/^PUT \S+ HTTP\/1\.1\r\n(?:\S+\r\n){0,2}\r\n$/)
    expect(await attempt()).to.equal(told)
  }).timeout(120_000)
})
