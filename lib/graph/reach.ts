// Checks a spec against its `allowedMethods`: is a needed callback missing, can any callback never be called?
import { type CallbackName, callbacks } from '../declare/callbacks.js'
import type { AnySpec } from '../declare/spec.js'
import { wrong } from '../rules.js'
import { type Exit, first, graph, holding, type Question } from './graph.js'
import { questions } from './questions.js'

/** All that requests by some methods can reach. */
interface Reached {
  readonly questions: Set<Question>
  readonly callbacks: Set<CallbackName>
}

/**
 * Checks which callbacks a constant `allowedMethods`, or the default, needs and reaches.
 *
 * @throws TypeError for a callback that is missing, and for one that would never be called
 */
export function checkReach(where: string, spec: AnySpec): void {
  const { allowedMethods = callbacks.allowedMethods.fallback } = spec
  if (typeof allowedMethods === 'function') return
  const methods = allowedMethods as readonly string[]
  for (const [method, needed] of Object.entries(needs)) {
    if (methods.includes(method) && spec[needed] === undefined)
      wrong(`${where}: allowedMethods has ${method}, and there is no \`${needed}\` to answer it`)
  }
  const reached = reachOf(methods)
  const unreachable = (name: string): never =>
    wrong(`${where}: \`${name}\` can never be reached: allowedMethods is ${methods.join(', ') || 'empty'}`)
  for (const name of Object.keys(callbacks) as CallbackName[])
    if (spec[name] !== undefined && !reached.callbacks.has(name)) unreachable(name)
  if (spec.subscribe && !holding.some((each) => reached.questions.has(each))) unreachable('subscribe')
}

/** The callback without which a method could only fail. */
const needs: Readonly<Record<string, CallbackName>> = {
  DELETE: 'deleteResource',
  POST: 'contentTypesAccepted',
  QUERY: 'contentTypesAccepted',
  PUT: 'contentTypesAccepted',
  PATCH: 'contentTypesAccepted',
}

function reachOf(methods: readonly string[]): Reached {
  const reached: Reached = { questions: new Set(), callbacks: new Set() }
  // any other method is refused
  for (const question of questionsOf('', false)) add(reached, question, '')
  for (const method of methods)
    for (const question of questionsOf(method, true)) add(reached, question, method)
  return reached
}

function add(reached: Reached, question: Question, method: string): void {
  reached.questions.add(question)
  const { asks, also = [], onlyFor } = questions[question]
  if (onlyFor && !onlyFor(method)) return
  if (asks) reached.callbacks.add(asks)
  for (const name of also) reached.callbacks.add(name)
}

/** The questions that a request by this method can reach. */
function questionsOf(method: string, isAllowed: boolean): ReadonlySet<Question> {
  const found = new Set<Question>()
  const visit = (exit: Exit): void => {
    if (typeof exit === 'number' || found.has(exit)) return
    found.add(exit)
    const [yes, no] = graph[exit]
    const { onlyFor, otherwise = false, isPassed } = questions[exit]
    if (exit === 'methodAllowed') return visit(isAllowed ? yes : no)
    if (onlyFor && !onlyFor(method)) return visit(otherwise ? yes : no)
    visit(yes)
    if (!isPassed) visit(no)
  }
  visit(first)
  return found
}
