import { type Entry, entry, type Name } from './peers.js'
import type { Measure, Samples, Summary } from './samples.js'
import { neverRead } from './stalled.js'

export interface Goal {
  readonly what: string
  readonly goal: string
  readonly measured: string
  readonly reached: boolean
}

const ideal: Name = 'raw, pre-framed'
const byTurn: Name = 'raw, gathered'
const byHand: Name = 'raw, res.write'
const plain: Name = 'Express, res.write'
const observed: Name = 'express-lariat, observed'
const oneATurn: Measure = 'cpu, one a turn, 1000'
const allowed = neverRead * 2 ** 20

/** What this library means to reach, with what it did reach; nothing about what was not measured. */
export function goals(samples: Samples, ours: Name, all: readonly Name[]): Goal[] {
  const of = (...kinds: Entry['kind'][]) => all.filter((name) => kinds.includes(entry(name).kind))
  const ratio = (measure: Measure, to: Name) => samples.ratio(ours, measure, to)
  const grown = samples.summary(ours, 'rss grown by')
  const found: (Goal | undefined)[] = [
    atMost(
      'CPU per delivered event, 1,000 streams, one a turn, to raw pre-framed',
      1.15,
      ratio(oneATurn, ideal),
    ),
    ...[100, 5000].map((count) =>
      atMost(`the same, ${count} streams`, 1.15, ratio(`cpu, one a turn, ${count}`, ideal)),
    ),
    ...of('plain', 'library').map((name) => atMost(`the same, to ${name}`, 1, ratio(oneATurn, name))),
    atLeast('highest rate, to raw gathered', 0.4, ratio('saturation', byTurn)),
    atLeast('highest rate, to raw res.write', 8, ratio('saturation', byHand)),
    atMost(
      'CPU per delivered event, 100 a second gathered for 50 ms, to raw pre-framed',
      0.3,
      samples.ratio('express-lariat, gather 50', 'cpu, a fast channel', ideal),
    ),
    ...of('library').map((name) => atLeast(`highest rate, to ${name}`, 20, ratio('saturation', name))),
    atMost(
      'CPU per delivered event, 10,000 streams to 100',
      1.5,
      samples.ratio(ours, 'cpu, one a turn, 10000', ours, 'cpu, one a turn, 100'),
    ),
    atMost('p99 latency at 20,000 deliveries/s, to raw pre-framed', 1.5, ratio('p99, 1000', ideal)),
    ...[1000, 5000].map((count) =>
      atMost(
        `heap per idle stream, ${count.toLocaleString('en')} open, above plain Express, in bytes`,
        1024,
        samples.difference('express-lariat, in a table', `heap, ${count}`, plain),
        0,
      ),
    ),
    ...[1000, 5000].map((count) =>
      atMost(
        `the same through app.use, ${count.toLocaleString('en')} open`,
        512,
        samples.difference(ours, `heap, ${count}`, plain),
        0,
      ),
    ),
    ...of('ours')
      .filter((name) => name === observed)
      .flatMap((name) => [
        atMost(
          'CPU per delivered event while every diagnostics channel has a listener, 1,000 streams, to none',
          1.03,
          samples.ratio(name, oneATurn, ours),
        ),
        atMost('CPU to open a stream, the same', 1.1, samples.ratio(name, 'opening, 1000', ours)),
      ]),
    ...of('ours').flatMap((name) => {
      const { looked } = entry(name)
      return looked
        ? [
            atMost(
              `CPU per delivered event of ${name}, 1,000 streams, to neither imported`,
              looked.goal,
              samples.ratio(name, 'cpu, operated', ours),
              3,
            ),
          ]
        : []
    }),
    ...of('beside').flatMap((before) =>
      [1000, 5000].flatMap((count) => [
        atMost(
          `CPU per delivered event, ${count} streams, to ${before}`,
          1.03,
          ratio(`cpu, one a turn, ${count}`, before),
        ),
        atMost(`the same, 50 events a turn`, 1.03, ratio(`cpu, bursts, ${count}`, before)),
        atMost(
          `CPU to open a stream, ${count} streams, to ${before}`,
          1.03,
          ratio(`opening, ${count}`, before),
        ),
      ]),
    ),
    atMost('CPU to open a stream, to plain Express', 1.3, ratio('opening, 1000', plain)),
    atMost(
      'memory grown by while 100 of 1,000 never read, to what they are allowed',
      1,
      grown && divided(grown, allowed),
    ),
    atMost(
      'p99 latency of the other readers, to that without those 100',
      1.5,
      samples.ratio(ours, 'p99 of readers, some stalled', ours, 'p99 of readers, none stalled'),
    ),
  ]
  return found.filter((goal) => goal !== undefined)
}

export function atMost(
  what: string,
  goal: number,
  measured: Summary | undefined,
  places = 2,
): Goal | undefined {
  return (
    measured && {
      what,
      goal: `at most ${goal}`,
      measured: measured.median.toFixed(places),
      reached: measured.median <= goal,
    }
  )
}

function atLeast(what: string, goal: number, measured: Summary | undefined): Goal | undefined {
  return (
    measured && {
      what,
      goal: `at least ${goal}`,
      measured: measured.median.toFixed(2),
      reached: measured.median >= goal,
    }
  )
}

function divided({ median, least, most }: Summary, by: number): Summary {
  return { median: median / by, least: least / by, most: most / by }
}
