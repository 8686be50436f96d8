// Walks from question to question until a request has an outcome.
import { type Awaitable, isPromise } from '../promise.js'
import { call } from '../request/callback.js'
import type { Exchange } from '../request/exchange.js'
import type { Answer, Outcome } from '../request/outcome.js'
import type { Step } from './step.js'

/** Told about each step of a walk. */
export interface Listener {
  asking(step: Step): void
  answered(step: Step, answer: boolean): void
}

/** Asks `init`, then the questions from the first step on. Creates a promise only if a callback returns one. */
export function walk(x: Exchange, first: Step, listener?: Listener): Awaitable<Outcome> {
  const { init } = x.plan.spec
  if (!init) return onward(x, first, listener)
  return call(x, 'init', init, (state) => {
    x.state = state
    return onward(x, first, listener)
  })
}

function onward(
  x: Exchange,
  from: Step,
  listener: Listener | undefined,
  settled?: Answer,
): Awaitable<Outcome> {
  let step = from
  let answer: Awaitable<Answer> = settled ?? enter(x, step, listener)
  for (;;) {
    if (isPromise(answer)) {
      const asked = step
      return answer.then((value) => onward(x, asked, listener, value as Answer))
    }
    if (typeof answer === 'object') return answer as Outcome
    listener?.answered(step, answer)
    const next: Step | Outcome = answer ? step.yes : step.no
    if ('kind' in next) return next
    step = next
    answer = enter(x, step, listener)
  }
}

function enter(x: Exchange, step: Step, listener: Listener | undefined): Awaitable<Answer> {
  x.asked = step.question
  listener?.asking(step)
  return step.answer(x)
}
