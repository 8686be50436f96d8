// Maps each question that graph.ts lists to the way it is answered, made by question.ts.
import { access } from './access.js'
import { conditional } from './conditional.js'
import { conneg } from './conneg.js'
import type { Question } from './graph.js'
import { methods } from './methods.js'
import type { Resolver } from './question.js'

export const questions = {
  ...access,
  ...conneg,
  ...conditional,
  ...methods,
} satisfies Record<Question, Resolver> as Readonly<Record<Question, Resolver>>
