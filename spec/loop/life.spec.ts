import { expect } from 'chai'
import fc from 'fast-check'
import { type LoopContext, loop, text } from '../../lib/index.js'
import { life, type State, type Turn } from '../../lib/loop/life.js'
import { Log } from '../support/log.js'
import { stage, staged, turns } from '../support/stage.js'

/** The table as it is meant to be: each cell is seen from outside. */
const meant: typeof life = {
  asking: { answered: 'checking', over: 'left', failed: 'ended' },
  checking: { known: 'open', over: 'ended' },
  open: { over: 'ended' },
  left: { answered: 'ended', failed: 'ended' },
  ended: {},
}
const states = Object.keys(meant) as State[]
const all: readonly Turn[] = ['answered', 'known', 'over', 'failed']

/** Ways for `subscribe` to answer, or not to. */
interface Pending {
  resolve(answer: unknown): void
  reject(error: unknown): void
}

/** A held response whose `subscribe` is pending, and that monitors a promise which stays pending. */
async function begin() {
  const log = new Log()
  const pending: Pending[] = []
  const contexts: LoopContext<undefined>[] = []
  let isAnswered = false
  const site = await stage.now.serve(
    loop({
      format: text(),
      subscribe(context) {
        contexts.push(context)
        context.monitor(new Promise(() => {}))
        log.add('subscribed')
        return {
          // biome-ignore lint/suspicious/noThenProperty: it calls back as often as it is told to
          then: (resolve: never, reject: never) => void pending.push({ resolve, reject }),
        } as never
      },
      terminate: ({ kind }) => log.add(`terminate ${kind}`),
    }),
  )
  const client = site.get()
  await log.until('subscribed')
  const [context] = contexts as [LoopContext<undefined>]
  const { res, signal } = context
  await microtasks()

  /** The state as it can be seen from outside. */
  const state = (): State => {
    if (log.entries.some((entry) => entry.startsWith('terminate'))) return 'ended'
    if (signal.aborted) return 'left'
    if (res.headersSent) return 'open'
    return isAnswered ? 'checking' : 'asking'
  }
  const take: Readonly<Record<Turn, () => unknown>> = {
    answered() {
      if (state() === 'asking') isAnswered = true
      pending[0]?.resolve(() => log.add('unsubscribe'))
    },
    // time in which what is dead says so
    known: () => turns(3),
    over: () => context.stream.close(),
    // too late for an answer, and not for anything else
    failed() {
      pending[0]?.reject(new Error('refused'))
      stage.now.time.advance(30_000)
    },
  }
  return {
    log,
    client,
    state,
    async take(turn: Turn): Promise<void> {
      await take[turn]()
      await microtasks()
    },
  }
}

async function microtasks(): Promise<void> {
  for (let count = 0; count < 10; count++) await undefined
}

/** The turns that lead to each state. */
const to: Readonly<Record<State, readonly Turn[]>> = {
  asking: [],
  checking: ['answered'],
  open: ['answered', 'known'],
  left: ['over'],
  ended: ['answered', 'known', 'over'],
}

describe('The life of a held response (lib/loop/life.ts)', () => {
  staged()

  it('has these states and turns', () => expect(life).to.deep.equal(meant))

  for (const state of states) {
    for (const turn of all) {
      const next = meant[state][turn]
      it(`${state}: ${turn} ${next ? `leads to ${next}` : 'changes nothing'}`, async () => {
        const held = await begin()
        for (const each of to[state]) await held.take(each)
        expect(held.state(), 'before').to.equal(state)
        await held.take(turn)
        expect(held.state(), 'after').to.equal(next ?? state)
        for (const each of ['over', 'answered'] as const) await held.take(each)
        expect(held.state(), 'at last').to.equal('ended')
      })
    }
  }

  it('Every path over the table ends once: unsubscribed once if there is how, terminated once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...all), { maxLength: 8 }), async (path) => {
        const held = await begin()
        let expected: State = 'asking'
        let isAdopted = false
        let isKnown = false
        for (const turn of path) {
          const next: State | undefined = meant[expected][turn]
          if (turn === 'answered' && next) isAdopted = true
          if (turn === 'known') isKnown = true
          expected = next ?? expected
          // what was known before it was asked for is not waited for
          if (expected === 'checking' && isKnown) expected = meant.checking.known as State
          await held.take(turn)
          expect(held.state(), path.join()).to.equal(expected)
        }
        // whatever the state, this is the end
        for (const turn of ['over', 'answered', 'failed'] as const) {
          if (turn === 'answered' && meant[expected].answered) isAdopted = true
          expected = meant[expected][turn] ?? expected
          await held.take(turn)
        }
        expect(held.state()).to.equal('ended')
        const ends = held.log.entries.filter((entry) => entry !== 'subscribed')
        expect(ends.length - (isAdopted ? 1 : 0), ends.join()).to.equal(1)
        if (isAdopted) expect(ends[0]).to.equal('unsubscribe')
      }),
      { numRuns: 60 },
    )
  }).timeout(60_000)
})
