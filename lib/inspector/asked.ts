// Keeps the last requests: what each got and why, with the steps that led there for those that came while somebody looked.
import { clock } from '../clock.js'
import type { Decisions, Refused } from '../declare/decisions.js'
import { Ring } from './ring.js'
import { cut, errorText, fieldsOf, redacted, valueText } from './text.js'

export interface Step {
  readonly question: string
  readonly answer: string
  readonly value?: string
  readonly ms: number
}

/** A request, as a row. */
export interface AskedRow {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly method: string
  readonly url: string
  readonly route: string
  readonly client: string
  readonly userAgent: string
  readonly accept: string
  status: number | null
  outcome: string
  question: string | null
  error: string | null
  readonly ms: number | null
  readonly hasSteps: boolean
  /** The id of the stream that it became. */
  stream: string | null
}

/** A request, in full. */
export interface AskedInFull extends AskedRow {
  readonly steps: readonly Step[]
  readonly headers: Readonly<Record<string, string>>
}

/** What is told of any request. */
type Request = Pick<Decisions, 'route' | 'method' | 'url' | 'client' | 'headers'>

interface Kept {
  readonly row: AskedRow
  readonly steps: readonly Step[]
  readonly headers: Readonly<Record<string, string>>
}

export class Asked {
  // apart, so that a flood of answers does not push out the one refusal that is looked for
  readonly #answered = new Ring<Kept>()
  readonly #refused = new Ring<Kept>()
  /** By the header fields of the request: a refusal follows its decisions. */
  readonly #known = new WeakMap<object, AskedRow>()
  #count = 0

  /** A request was decided; told only while somebody looks. */
  decided(told: Decisions): void {
    const { steps, outcome } = told
    const status = statusOf(outcome)
    const row = this.#row(told, {
      status,
      outcome: outcome.kind,
      question: steps.at(-1)?.question ?? null,
      error: outcome.kind === 'error' ? (errorText(outcome.error) ?? null) : null,
      ms: rounded(steps.reduce((sum, { ms }) => sum + ms, 0)),
      hasSteps: true,
    })
    const kept = { row, steps: steps.map(stepOf), headers: fieldsOf(told.headers) }
    this.#known.set(told.headers, row)
    if (status !== null && status >= 400) this.#refused.push(kept)
    else this.#answered.push(kept)
  }

  /** A request was refused, after its decisions or without any that were told. */
  refused(told: Refused): AskedRow {
    const { status, question } = told
    const error = errorText(told.error) ?? null
    const known = this.#known.get(told.headers)
    const row = known ?? this.#row(told, { status, outcome: '', question, error, ms: null, hasSteps: false })
    const wasRefused = known && known.status !== null && known.status >= 400
    row.status = status
    row.error ??= error
    row.outcome = told.error === undefined ? 'refused' : 'error'
    row.question = question ?? row.question
    if (wasRefused) return row
    const decided = known && this.#find(known.id)
    this.#refused.push(decided ?? { row, steps: [], headers: fieldsOf(told.headers) })
    return row
  }

  /** A request became a stream. */
  opened(headers: object, stream: string): void {
    const row = this.#known.get(headers)
    if (row) row.stream = stream
  }

  /** The id of a request by its header fields, as long as it is kept. */
  idOf(headers: object): string | null {
    const row = this.#known.get(headers)
    return row && this.#find(row.id) ? row.id : null
  }

  #row(
    told: Request,
    rest: Pick<AskedRow, 'status' | 'outcome' | 'question' | 'error' | 'ms' | 'hasSteps'>,
  ): AskedRow {
    const { method, url, route, headers, client } = told
    return {
      id: (++this.#count).toString(36),
      at: clock.date(),
      method: cut(method, 20),
      url: redacted(url),
      route: cut(route),
      client: cut(client, 100),
      userAgent: cut(String(headers['user-agent'] ?? '')),
      accept: cut(String(headers.accept ?? '')),
      stream: null,
      ...rest,
    }
  }

  /** The newest first. */
  rows(): AskedRow[] {
    const all = new Set<AskedRow>()
    for (const { row } of this.#refused) all.add(row)
    for (const { row } of this.#answered) all.add(row)
    return [...all].sort((one, other) => Number.parseInt(other.id, 36) - Number.parseInt(one.id, 36))
  }

  inFull(id: string): AskedInFull | undefined {
    const found = this.#find(id)
    return found && { ...found.row, steps: found.steps, headers: found.headers }
  }

  #find(id: string): Kept | undefined {
    for (const ring of [this.#refused, this.#answered])
      for (const kept of ring) if (kept.row.id === id) return kept
    return undefined
  }
}

function statusOf(outcome: Decisions['outcome']): number | null {
  switch (outcome.kind) {
    case 'left':
      return null
    case 'error':
      return errorStatus(outcome.error)
    default:
      return outcome.status
  }
}

/** The status that Express answers an error with. */
function errorStatus(error: unknown): number {
  try {
    const status = (error as { status?: unknown } | null | undefined)?.status
    return typeof status === 'number' && status >= 400 && status < 600 ? status : 500
  } catch {
    return 500
  }
}

function stepOf({ question, answer, value, ms }: Decisions['steps'][number]): Step {
  return {
    question,
    answer: answer === true ? 'yes' : answer === false ? 'no' : answer,
    // what a provider answers is the app's data
    ...(value === undefined ? {} : { value: valueText(value, question === 'provide') }),
    ms: rounded(ms),
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
