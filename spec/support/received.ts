// Reads what a client has received: events and notices, from an event stream or from the records of an envelope.

/** An event, or a notice, whose type is its kind. */
export interface Received {
  readonly type: string
  readonly id?: string
  readonly data: unknown
}

/** A gap, as a client is told of it. */
export interface Gap {
  readonly requested: string
  readonly from: string
  readonly reason: string
  /** The place just before `from`. */
  readonly id: string
}

/** The events of an event stream, as a browser dispatches them (WHATWG HTML 9.2.6). */
export function dispatched(body: string): Received[] {
  return body
    .replace(/^(:.*|retry: .*)\n/gm, '')
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]))
      const id = fields.get('id')
      const type = fields.get('event') ?? 'message'
      return { type, ...(id !== undefined && { id }), data: JSON.parse(fields.get('data')!) }
    })
}

/** The records of lines that have come whole. */
export function recordsOf(lines: string): object[] {
  return lines
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}

/** What the records of an envelope say. */
export function opened(records: readonly object[]): Received[] {
  return (records as { notice?: string; type?: string; id?: string; data?: unknown }[]).map((record) => {
    if (record.notice === undefined) return { type: 'message', data: undefined, ...record }
    const { notice, id, ...data } = record
    return { type: notice, ...(id !== undefined && { id }), data }
  })
}

/** Tells the place to come back to, and is no news. */
export const isPosition = ({ type, notice }: { type?: string; notice?: string }) =>
  (notice ?? type) === 'position'

/** What is news: all but positions. */
export const newsIn = (list: readonly Received[]) => list.filter((each) => !isPosition(each))

/** The gap that a client was told of. */
export const gapOf = ({ id, data }: Received) => ({ ...(data as object), id }) as Gap
