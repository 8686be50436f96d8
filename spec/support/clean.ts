import { expect } from 'chai'
import { turns } from './stage.js'

const events = ['unhandledRejection', 'uncaughtExceptionMonitor', 'warning'] as const

/** The process stays clean during each test of a block: nothing unhandled, nothing uncaught, no warning. */
export function staysClean(): void {
  const seen: unknown[] = []
  const see = (what: unknown) => {
    seen.push(what)
  }
  beforeEach(() => {
    seen.length = 0
    for (const event of events) process.on(event, see)
  })
  afterEach(async () => {
    // what is unhandled is told after the microtasks, and a warning on the next tick
    await turns(2)
    for (const event of events) process.off(event, see)
    expect(seen).to.deep.equal([])
  })
}
