// Decides the answer of `loop()`: the stream for GET and HEAD, with the headers of the spec; else 405.
import type { AnyLoopSpec } from '../declare/spec.js'
import { mediaTypesOf } from '../formats/format.js'
import { isAllowed } from './access.js'
import type { Table } from './graph.js'
import { question, type Resolver } from './question.js'
import { link, type Step } from './step.js'

type Question = 'methodAllowed' | 'headers'

/** The graph of a loop from the onset. `headers` always answers with the stream, so its exits are never taken. */
const table: Table<Question> = {
  methodAllowed: ['headers', 405],
  headers: [200, 200],
}

const methods = ['GET', 'HEAD']

const questions: Readonly<Record<Question, Resolver>> = {
  methodAllowed: question({ answer: (x) => isAllowed(x, methods) }),

  headers: question({
    asks: 'headers',
    isSilent: true,
    answer: (x, ask) => {
      // this table walks only specs of loops
      const { format, status = 200 } = x.plan.spec as unknown as AnyLoopSpec
      x.negotiated.chosen = format
      x.negotiated.mediaType = mediaTypesOf(format)[0]
      return ask(x, 'headers', (headers) => ({ kind: 'loop', format, status, headers }))
    },
  }),
}

/** The first step of every loop. No step depends on a spec, so all loops share them. */
export const onset: Step = link(table, questions, 'methodAllowed')
