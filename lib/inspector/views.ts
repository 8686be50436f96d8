// Makes what a query asks for: a view, with what it says of the process.
import { clock } from '../clock.js'
import { type About, thisProcess } from './about.js'
import type { AskedRow } from './asked.js'
import { Channels } from './channels.js'
import type { Made } from './looking.js'
import type { Inspected } from './options.js'
import { overview } from './overview.js'
import type { Query } from './query.js'
import type { EndedRow, Recorder } from './record.js'
import { pageOf } from './rows.js'
import { choices, Streams } from './streams.js'

export class Views {
  readonly streams: Streams
  readonly channels: Channels
  readonly #inspected: Inspected
  readonly #record: Recorder
  readonly #process = thisProcess()

  constructor(inspected: Inspected, record: Recorder) {
    this.#inspected = inspected
    this.#record = record
    this.streams = new Streams(inspected.endpoints, (headers) => record.asked.idOf(headers))
    this.channels = new Channels(inspected.hubs)
  }

  /** Waits for what has to be asked for, such as what a store retains. */
  async ready(query: Query): Promise<void> {
    if (query.view === 'channels') await this.channels.ready(query)
  }

  make(query: Query): Made {
    return { now: clock.date(), about: this.#about(), rows: { view: query.view, ...this.#rows(query) } }
  }

  #about(): About {
    const { actions, payloads } = this.#inspected
    const { recordingSince = null } = this.#record
    return { ...this.#process, recordingSince, closing: this.streams.isClosing, actions, payloads }
  }

  #rows(query: Query): object {
    const { endpoints, hubs } = this.#inspected
    switch (query.view) {
      case 'overview':
        return overview(query, this.streams, endpoints, hubs, this.#record)
      case 'streams':
        return this.streams.page(query)
      case 'ended':
        return endedOf(query, [...this.#record.ended])
      case 'channels':
        return this.channels.page(query)
      case 'decisions':
        return decisionsOf(query, this.#record.asked.rows())
    }
  }
}

function endedOf(query: Query, all: readonly EndedRow[]): object {
  const { q, route, format, state } = query
  const ofAnyReason = all.filter(
    (row) =>
      (!route || row.route === route) &&
      (!format || row.format === format) &&
      hasText(q, row.path, row.client, row.error, row.id),
  )
  const found = ofAnyReason.filter((row) => !state || row.reason === state)
  const reasons: Record<string, number> = {}
  for (const { reason } of ofAnyReason) reasons[reason] = (reasons[reason] ?? 0) + 1
  return {
    ...pageOf(found, all.length, query.page, (row) => row),
    reasons,
    routes: choices(new Set(all.map((row) => row.route))),
    formats: choices(new Set(all.map((row) => row.format))),
  }
}

function decisionsOf(query: Query, all: readonly AskedRow[]): object {
  const { q, route, status, question } = query
  const digits = status.replace('xx', '')
  const found = all.filter(
    (row) =>
      (!route || row.route === route) &&
      (!question || row.question === question) &&
      String(row.status ?? '').startsWith(digits) &&
      hasText(q, row.url, row.client, row.userAgent, row.accept, row.method),
  )
  return {
    ...pageOf(found, all.length, query.page, (row) => row),
    routes: choices(new Set(all.map((row) => row.route))),
    questions: choices(new Set(all.flatMap((row) => row.question ?? []))),
  }
}

function hasText(text: string, ...fields: readonly (string | null)[]): boolean {
  return text === '' || fields.some((field) => field?.toLowerCase().includes(text))
}
