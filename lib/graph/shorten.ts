// Shortens the graph: skips the questions whose answer a spec settles before any request.
import { callbacks } from '../declare/callbacks.js'
import type { AnySpec } from '../declare/spec.js'
import { first, graph, type Question } from './graph.js'
import { questions } from './questions.js'
import { link, type Settled, type Step } from './step.js'

/** The whole graph, for a request whose decisions are traced. */
export const whole: Step = link(graph, questions, first)

/** The graph of a spec: a request pays only for questions that depend on the request. */
export function shorten(spec: AnySpec): Step {
  return link(graph, questions, first, settle(spec))
}

/** The questions whose callback is absent, or a constant equal to its default. */
function settle(spec: AnySpec): Settled<Question> {
  const settled = new Map<Question, boolean>()
  for (const [question, { asks, byDefault }] of Object.entries(questions)) {
    if (!asks || byDefault === undefined) continue
    const value = spec[asks]
    if (value === undefined || value === callbacks[asks].fallback)
      settled.set(question as Question, byDefault)
  }
  return settled
}
