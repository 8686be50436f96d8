import { markdown } from '../../../bench/fanout/table.js'
import { mebibytes } from '../../../spec/support/bytes.js'
import type { Outcome } from './course.js'

/** Tables that say what came of it. */
export function report({ disturbances, balance, events, gone, held, grown }: Outcome): string {
  const byKind = markdown(
    [
      'disturbance',
      'times',
      'reconnects',
      '503, or no answer',
      'all back after, s',
      'gaps told: trimmed',
      'unknown',
      'twice',
      'lost untold',
    ],
    disturbances.map(({ name, times, reconnects, refusals, backIn, gaps, twice, lost }) => [
      name,
      ...[times, reconnects, refusals].map(String),
      backIn.toFixed(1),
      ...[gaps.trimmed, gaps.unknown, twice, lost].map(String),
    ]),
  )
  const { confirmed, refused, uncertain, lost, stored, expected } = balance
  return [
    byKind,
    '',
    `${events} events were delivered. Of what was published ${confirmed} were confirmed, ${uncertain} of them uncertain at ` +
      `first and published again with the same key; ${refused} were refused. Redis lost ${lost} confirmed ones with its ` +
      `last second; it has ${stored} of the ${expected} that channels with a long history have to have.`,
    `After all had left: ${gone.reduce((sum, { subscribers }) => sum + subscribers, 0)} subscribers, ` +
      `${held.subscribed.length} subscriptions and ${held.connections.length} connections at Redis; heaps of ` +
      `${gone.map(({ heap }) => mebibytes(heap)).join(', ')} MiB, which is ` +
      `${grown.map((bytes) => `${(bytes / 1024).toFixed(0)}`).join(', ')} KiB more than before all came and left once more.`,
  ].join('\n')
}
