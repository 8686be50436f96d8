// Asks the callback `problem` for another body of a refusal, and checks what it answers.
import type { Problem, ProblemAnswer } from '../declare/answers.js'
import type { Plan } from '../declare/plan.js'
import { isPromise } from '../promise.js'
import type { Rules } from '../rules.js'
import { answerRules, checkAnswer } from '../values/stop.js'
import { withDeadline } from './callback.js'
import { discard } from './discard.js'
import type { Exchange } from './exchange.js'
import type { Fail } from './outcome.js'

const rules: Rules = { headers: answerRules.headers, body: [...answerRules.body, 'needed'] }

interface Then {
  /** Sends the answer. Calls `failed` if it cannot be sent, as long as the head is not out. */
  shaped(answer: ProblemAnswer, failed: Fail): void
  /** `problem` has failed, or its answer cannot be sent. */
  unshaped: Fail
}

/** Asks `problem`, within `decisionTimeout`. An answer for a client that has left is discarded. */
export function shape(
  x: Exchange,
  ask: NonNullable<Plan['problem']>,
  problem: Problem,
  { shaped, unshaped }: Then,
): void {
  const answered = (answer: unknown) => {
    // it may have answered through `res`
    if (x.isOver) return discard(answer)
    try {
      checkAnswer('problem answered', answer, rules)
      shaped(answer as ProblemAnswer, unshaped)
    } catch (error) {
      discard(answer)
      unshaped(error)
    }
  }
  let answer: unknown
  try {
    answer = ask({ ...problem }, x.context)
  } catch (error) {
    return unshaped(error)
  }
  if (!isPromise(answer)) return answered(answer)
  withDeadline('problem', answer, x.plan.decisionTimeout).then(answered, unshaped)
}
