// Names what the server sends, for the type check of the page: there is nothing to run.

/**
 * @typedef {import('../about.js').About & { now: number }} About
 * @typedef {import('../streams.js').StreamRow} StreamRow
 * @typedef {import('../record.js').EndedRow} EndedRow
 * @typedef {import('../channels.js').ChannelRow} ChannelRow
 * @typedef {import('../asked.js').AskedRow} DecisionRow
 * @typedef {import('../asked.js').AskedInFull} Decision
 * @typedef {import('../asked.js').Step} Step
 * @typedef {import('../overview.js').OverviewRow} RouteRow
 * @typedef {import('../overview.js').BackendRow} Backend
 * @typedef {import('../findings.js').Finding} Finding
 * @typedef {import('../items.js').Batch} Batch
 */

/** @typedef {Omit<import('../items.js').Item, 'kind'> & { kind: string }} TailItem */

/**
 * A view, with what some views have besides.
 *
 * @template [Row=any]
 * @typedef {import('../rows.js').Page<Row> & {
 *   about: About,
 *   view: string,
 *   reasons?: Readonly<Record<string, number>>,
 *   alerts?: readonly Finding[],
 *   backends?: readonly Backend[],
 *   routes?: readonly string[],
 *   formats?: readonly string[],
 * }} Snapshot
 */

export {}
