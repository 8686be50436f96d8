import { type Awaitable, isPromise } from '../promise.js'
import type { Answer, Exchange, Outcome } from '../request/exchange.js'
import * as access from './access.js'
import * as conditional from './conditional.js'
import * as conneg from './conneg.js'
import type { Question } from './graph.js'
import * as methods from './methods.js'

/** Every question of the graph. */
export const questions: Readonly<Record<Question, (x: Exchange) => Awaitable<Answer>>> = {
  ...access.questions,
  ...conneg.questions,
  ...conditional.questions,
  ...methods.questions,
}

/** Told of each step of a walk: a question, and yes or no. */
export type OnStep = (question: Question, answer: boolean) => void

/** Asks question after question until one has an outcome; a promise only if an answer was one. */
export function walk(x: Exchange, onStep?: OnStep): Awaitable<Outcome> {
  return onward(x, x.plan.first, onStep)
}

function onward(x: Exchange, from: Question, onStep?: OnStep, settled?: Answer): Awaitable<Outcome> {
  let question = from
  let answer: Awaitable<Answer> = settled ?? questions[question](x)
  for (;;) {
    if (isPromise(answer)) {
      const asked = question
      return answer.then((value) => onward(x, asked, onStep, value as Answer))
    }
    if (typeof answer === 'object') return answer as Outcome
    onStep?.(question, answer)
    const exit = x.plan.graph[question][answer ? 0 : 1]
    if (typeof exit === 'number') return { kind: 'status', status: exit }
    question = exit
    answer = questions[question](x)
  }
}
