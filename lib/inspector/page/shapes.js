// Names what the server sends, for the type check of the page: there is nothing to run.

/**
 * @typedef {{
 *   now: number,
 *   pid: number,
 *   host: string,
 *   processes: 'one' | 'several',
 *   recordingSince: number | null,
 *   closing: boolean,
 *   version: string,
 *   actions: boolean,
 *   payloads: boolean,
 * }} About
 */

/**
 * @template [Row=any]
 * @typedef {{
 *   about: About,
 *   view: string,
 *   total: number,
 *   matched: number,
 *   page: number,
 *   pages: number,
 *   rows: readonly Row[],
 *   reasons?: Readonly<Record<string, number>>,
 *   alerts?: Alert[],
 *   backends?: Backend[],
 *   routes?: string[],
 *   formats?: string[],
 * }} Snapshot
 */

/**
 * @typedef {{
 *   id: string,
 *   path: string,
 *   route: string,
 *   format: string,
 *   client: string,
 *   age: number,
 *   sent: number,
 *   bytes: number,
 *   rate: number | null,
 *   queued: number,
 *   queuedBytes: number,
 *   dropped: number,
 *   isBehind: boolean,
 *   decision?: string | null,
 * }} StreamRow
 */

/**
 * @typedef {{
 *   at: number,
 *   id: string,
 *   path: string,
 *   route: string,
 *   format: string,
 *   client: string,
 *   reason: string,
 *   error?: string | null,
 *   life: number,
 *   msToHead?: number | null,
 *   msToFirst?: number | null,
 *   sent: number,
 *   bytes: number,
 *   dropped: number,
 *   decision?: string | null,
 * }} EndedRow
 */

/**
 * @typedef {{
 *   name: string,
 *   subscribers: number,
 *   rate: number | null,
 *   retained: { events: number, bytes?: number | null, age?: number | null } | null,
 *   first?: string | null,
 *   last?: string | null,
 *   source: string,
 *   hasEnded: boolean,
 *   backend: string,
 *   isUp: boolean,
 * }} ChannelRow
 */

/**
 * @typedef {{
 *   id: string,
 *   at: number,
 *   method: string,
 *   url: string,
 *   route: string,
 *   status: number | null,
 *   outcome: string,
 *   question?: string | null,
 *   ms: number,
 *   hasSteps: boolean,
 *   client?: string | null,
 *   userAgent?: string | null,
 *   accept?: string | null,
 *   stream?: string | null,
 * }} DecisionRow
 */

/**
 * @typedef {{
 *   question: string,
 *   answer: boolean | string,
 *   value?: string,
 *   ms: number,
 * }} Step
 */

/**
 * @typedef {DecisionRow & {
 *   steps: Step[],
 *   headers: Readonly<Record<string, string | string[]>>,
 *   error?: string | null,
 * }} Decision
 */

/**
 * @typedef {{
 *   level: string,
 *   text: string,
 *   view?: string,
 * }} Alert
 */

/**
 * @typedef {{
 *   route: string,
 *   format: string,
 *   open: number,
 *   limit: number | null,
 *   behind: number,
 *   queued: number,
 *   queuedBytes: number,
 *   dropped: number,
 *   opened: number,
 *   ended: Readonly<Record<string, number>>,
 *   refused: Readonly<Record<string, number>>,
 *   gaps: number,
 * }} RouteRow
 */

/**
 * @typedef {{
 *   backend: string,
 *   isUp: boolean,
 *   since: number | null,
 *   channels: number,
 * }} Backend
 */

/**
 * @typedef {{
 *   at: number,
 *   kind: string,
 *   id?: string | null,
 *   type?: string | null,
 *   size?: number | null,
 *   data?: string,
 * }} TailItem
 */

export {}
