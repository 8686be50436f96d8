// Describes a refusal, and asks the callback `problem` for another body of it.
import { STATUS_CODES } from 'node:http'
import type { Response } from 'express'
import type { Problem, ProblemAnswer } from '../declare/answers.js'
import type { Plan } from '../declare/plan.js'
import { report } from '../errors.js'
import type { Fields } from '../http/field.js'
import { isPromise } from '../promise.js'
import type { Rules } from '../rules.js'
import { answerRules, checkAnswer } from '../values/stop.js'
import { withDeadline } from './callback.js'
import { discard } from './discard.js'
import type { Exchange } from './exchange.js'

/** A refusal by the terms of RFC 9457. */
export function problemOf({ draft }: Exchange, status: number): Problem {
  const { detail, offered } = draft
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Unknown Status', status, detail, offered }
}

const rules: Rules = { headers: answerRules.headers, body: [...answerRules.body, 'needed'] }

function adviseKey(key: string): string {
  if (key === 'status') return 'the status stays'
  return `the body is one key of the answer: write { body: { ${key}: … } }`
}

interface Then {
  /** Sends the answer. Calls `failed` if it cannot be sent, as long as the head is not out. */
  shaped(answer: Required<ProblemAnswer>, failed: (error: unknown) => void): void
  /** Answers otherwise: `problem` has failed, or its answer cannot be sent. */
  unshaped(): void
}

/** Asks `problem`, within `decisionTimeout`. An answer for a client that has left is discarded. */
export function askProblem(
  x: Exchange,
  ask: NonNullable<Plan['problem']>,
  problem: Problem,
  { shaped, unshaped }: Then,
): void {
  const failed = (error: unknown) => {
    if (x.hasLeft) return
    const [path] = x.req.originalUrl.split('?', 1)
    report(`problem failed at ${path}, which got the problem body of RFC 9457`, error)
    if (!x.isOver) unshaped()
  }
  const answered = (answer: unknown) => {
    // it may have answered through `res`
    if (x.isOver) return discard(answer)
    try {
      checkAnswer('problem answered', answer, rules, adviseKey)
      const { body, headers = {} } = answer as ProblemAnswer
      shaped({ body, headers: additional(headers, x.res) }, failed)
    } catch (error) {
      discard(answer)
      failed(error)
    }
  }
  try {
    const answer = ask({ ...problem }, x.context)
    if (isPromise(answer)) withDeadline('problem', answer, x.plan.decisionTimeout).then(answered, failed)
    else answered(answer)
  } catch (error) {
    failed(error)
  }
}

/** Fields that say why a request is refused, and what the client may do: no other answer replaces them. */
const ofRefusals = /^(?:allow|www-authenticate|proxy-authenticate|retry-after|content-range|accept(?:-.+)?)$/i

function additional(headers: Fields, res: Response): Fields {
  const isKept = (name: string) => ofRefusals.test(name) && res.hasHeader(name)
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isKept(name)))
}
