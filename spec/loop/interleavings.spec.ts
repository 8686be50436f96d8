import { expect } from 'chai'
import fc from 'fast-check'
import { type LoopContext, loop, stop, text } from '../../lib/index.js'
import { Log } from '../support/log.js'
import { stage, staged, turns, waiting } from '../support/stage.js'

type Message = { write: string } | { throws: string } | 'stop'
type Context = LoopContext<undefined, Message>

/** One step of a run: what the app, the source or the client does. */
type Step =
  | { do: 'write' | 'send' | 'pull'; text: string }
  | { do: 'stop' | 'throw' | 'end' | 'fail' | 'revoke' | 'down' | 'leave' | 'reset' | 'half' | 'turn' }

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('write', 'send', 'pull'), text: fc.constant('') }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('turn') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('stop', 'throw', 'end', 'fail', 'revoke', 'down', 'leave', 'reset', 'half'),
    }),
  },
) as fc.Arbitrary<Step>

const plans = fc.record({
  steps: fc.array(steps, { maxLength: 14 }),
  /** How many of the steps are taken before `subscribe` has answered; those from there on after. */
  pending: fc.nat(4),
  returns: fc.constantFrom('source', 'unsubscribe'),
  isAsync: fc.boolean(),
  hasInfo: fc.boolean(),
  isInfoAsync: fc.boolean(),
  version: fc.constantFrom('1.0', '1.1'),
})
type Plan = typeof plans extends fc.Arbitrary<infer Of> ? Of : never

/** Values that are handed over one by one, to whoever asks for them. */
class Pushed implements AsyncIterable<string> {
  readonly #results: (() => Promise<IteratorResult<string>>)[] = []
  #ask: (() => void) | undefined
  isClosed = 0
  asked = 0

  put(result: () => Promise<IteratorResult<string>>): void {
    this.#results.push(result)
    this.#ask?.()
  }

  [Symbol.asyncIterator](): AsyncIterator<string> {
    return {
      next: async () => {
        this.asked += 1
        while (this.#results.length === 0) {
          await new Promise<void>((resolve) => {
            this.#ask = resolve
          })
        }
        return (this.#results.shift() as () => Promise<IteratorResult<string>>)()
      },
      return: async () => {
        this.isClosed += 1
        return { done: true, value: undefined }
      },
    }
  }
}

/** What is seen of one run. */
async function run(plan: Plan) {
  const log = new Log()
  const source = new Pushed()
  const abort = new AbortController()
  const held: { context?: Context } = {}
  let release = () => {}
  const pending = new Promise<void>((resolve) => {
    release = resolve
  })
  const site = await stage.now.serve(
    loop<undefined, Message, Message>({
      format: text({
        serialize: (data) => (typeof data === 'string' ? data : (data as { write: string }).write),
      }),
      subscribe(context) {
        held.context = context as Context
        context.monitor(abort.signal)
        log.add('subscribed')
        const answer = (plan.returns === 'source' ? source : () => log.add('unsubscribe')) as () => void
        return (plan.isAsync ? pending.then(() => answer) : answer) as () => void
      },
      ...(plan.hasInfo && {
        info(message: Message | string, context: LoopContext<undefined>) {
          if (message === 'stop') return stop()
          if (typeof message !== 'string' && 'throws' in message) throw new Error(message.throws)
          const wrote = context.write(message)
          return plan.isInfoAsync ? Promise.resolve(wrote) : wrote
        },
      }),
      terminate: ({ kind }) => log.add(`terminate ${kind}`),
    }),
  )
  const client = site.get('/', { version: plan.version })
  await log.until('subscribed')
  const context = held.context as Context
  let written = ''
  let count = 0
  const texts = new Set<string>()
  const next = () => {
    const text = `<${count++}>`
    texts.add(text)
    return text
  }
  const take = async (step: Step) => {
    switch (step.do) {
      case 'write': {
        const text = next()
        if (context.write({ write: text }) !== 'closed') written += text
        return
      }
      case 'send':
        return context.send({ write: next() })
      case 'pull': {
        const value = next()
        return source.put(async () => ({ done: false, value }))
      }
      case 'stop':
        return plan.hasInfo ? context.send('stop') : context.stream.close()
      case 'throw':
        return plan.hasInfo
          ? context.send({ throws: 'broken' })
          : source.put(() => Promise.reject(new Error('x')))
      case 'end':
        return source.put(async () => ({ done: true, value: undefined }))
      case 'fail':
        return source.put(() => Promise.reject(new Error('broken')))
      case 'revoke':
        return context.stream.close()
      case 'down':
        return abort.abort()
      case 'leave':
        return client.leave()
      case 'reset':
        // Node never closes a socket that is reset while its FIN is on the way
        return client.socket.writableEnded ? client.leave() : client.reset()
      case 'half':
        return client.halfClose()
      case 'turn':
        return turns(3)
    }
  }
  for (const [index, step] of plan.steps.entries()) {
    if (index === plan.pending) release()
    await take(step)
  }
  release()
  await turns(30)
  const isOver = () => log.entries.some((entry) => entry.startsWith('terminate'))
  const isOpen = !isOver()
  const before = log.entries.slice()
  const hasCome = () => client.socket.destroyed || client.messages.at(-1)?.isWhole === true
  if (!isOpen) for (const isTime = waiting(); !hasCome() && isTime(); ) await turns(1)
  // nothing that comes after an end changes anything
  client.leave()
  await client.ended
  for (const isTime = waiting(); !isOver() && isTime(); ) await turns(1)
  await turns(10)
  if (!isOpen) expect(log.entries).to.deep.equal(before)
  const message = client.messages.at(-1)
  const reasons = log.entries.filter((entry) => entry.startsWith('terminate')).map((entry) => entry.slice(10))
  // it had a source that had not come to its end
  const isPulled = source.asked > 0
  return { log, source, context, message, isOpen, reasons, written, texts, client, isPulled }
}

const complete = ['stop', 'end', 'down']

describe('Whatever the order of what the app, the source and the client do (docs/guide/loop.md)', () => {
  staged()

  it('one end: unsubscribed and terminated once, in this order, and whole exactly if the reason is', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const { log, source, context, message, isOpen, reasons, written, texts, isPulled } = await run(plan)

        const stays = !plan.steps.some((step) => ['leave', 'reset', 'half'].includes(step.do))
        expect(reasons, 'reasons').to.have.length(1)
        const [reason] = reasons as [string]
        const isComplete = complete.includes(reason) || (reason === 'revoked' && !isPulled)
        if (isOpen) expect(reason).to.equal('disconnect')
        if (plan.returns === 'unsubscribe')
          expect(log.entries).to.deep.equal(['subscribed', 'unsubscribe', `terminate ${reason}`])
        else expect(source.isClosed, 'closed').to.equal(1)
        expect(context.signal.aborted).to.equal(true)
        expect(context.write('late')).to.equal('closed')
        expect(await context.drained()).to.equal('closed')

        if (message?.status !== 200) {
          // no head, since the client had left or the loop ended first
          expect(message?.status).to.be.oneOf([undefined, 500, 503])
          return
        }
        const came = message.body.match(/<\d+>/g) ?? []
        expect(came.join(''), 'no event in part').to.equal(message.body)
        expect(new Set(came).size, 'no event twice').to.equal(came.length)
        for (const each of came) expect(texts.has(each)).to.equal(true)
        // what was written, and not merely sent, is there in its order, as far as the client stayed for it
        const direct = came.filter((each) => written.includes(each)).join('')
        expect(written.startsWith(direct), 'a prefix').to.equal(true)
        if (isComplete && stays) expect(direct, 'all of it').to.equal(written)
        if (plan.version === '1.1') {
          if (message.isWhole) expect(isComplete, reason).to.equal(true)
          else expect(isComplete && stays, reason).to.equal(false)
        }
      }),
      { numRuns: 150 },
    )
  }).timeout(60_000)
})
