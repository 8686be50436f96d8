// Collects the questions of the graph.
import { access } from './access.js'
import { conditional } from './conditional.js'
import { conneg } from './conneg.js'
import type { Question } from './graph.js'
import { methods } from './methods.js'
import type { Resolver } from './question.js'

/** How each question of the graph is answered. */
export const questions = {
  ...access,
  ...conneg,
  ...conditional,
  ...methods,
} satisfies Record<Question, Resolver> as Readonly<Record<Question, Resolver>>
