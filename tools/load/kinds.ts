/** What is asked for under load: each kind of stream feeds in its own way. */
export const kinds = {
  /** A channel, encoded once for all. */
  shared: { path: '/events', accept: 'text/event-stream' },
  /** A channel, told when it ends. */
  told: { path: '/told', accept: 'text/event-stream' },
  /** A channel through `info`. */
  informed: { path: '/informed', accept: 'application/x-ndjson' },
  /** Sent to by who keeps a list of all, through `info`. */
  sent: { path: '/sent', accept: 'application/x-ndjson' },
  /** A source that is pulled from. */
  pulled: { path: '/pulled', accept: 'application/x-ndjson' },
} as const

export type Kind = keyof typeof kinds

/** Half of all are on a channel with Server-Sent Events. */
const mixture = [
  'shared',
  'informed',
  'shared',
  'sent',
  'told',
  'pulled',
  'shared',
  'pulled',
] as const satisfies Kind[]

/** The kinds of so many streams. */
export function mixed(count: number): Kind[] {
  return Array.from({ length: count }, (_, at) => mixture[at % mixture.length]!)
}
