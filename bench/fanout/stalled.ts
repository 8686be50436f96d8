import { setTimeout as sleep } from 'node:timers/promises'
import type { Samples } from './samples.js'
import type { Memory } from './serving.js'
import type { Run, Station } from './station.js'

export const streams = 1000
export const neverRead = 100
/** More than the kernel takes for a reader that does not read, long before the end. */
const size = 8 * 1024
const perSecond = 20

export interface Course {
  /** By the second. */
  readonly memory: readonly Memory[]
  readonly closed: number
}

/** The same readers twice: by themselves, and beside some that never read. */
export async function stalledReaders(station: Station, seconds: number, samples: Samples): Promise<Course> {
  const { name } = station
  await station.open(streams - neverRead)
  const alone = await station.run(publishing(Math.min(10, seconds)), Math.min(10, seconds) * 1000 + 10_000)
  samples.add(name, 'p99 of readers, none stalled', 0, alone.p99)
  await station.close()

  await station.open(streams, neverRead)
  const memory = [await station.memory(true)]
  const running = station.run(publishing(seconds), seconds * 1000 + 10_000)
  const beside = await sampled(station, running, seconds, memory)
  memory.push(await station.memory(true))
  samples.add(name, 'p99 of readers, some stalled', 0, beside.p99)
  const { heap, rss } = memory[0]!
  samples.add(name, 'heap grown by', 0, memory.at(-1)!.heap - heap)
  samples.add(name, 'rss grown by', 0, Math.max(...memory.map((each) => each.rss)) - rss)
  await station.close()
  return { memory, closed: beside.closed }
}

function publishing(seconds: number) {
  return { events: perSecond * seconds, perTurn: 1, interval: 1000 / perSecond, size }
}

async function sampled(
  station: Station,
  running: Promise<Run>,
  seconds: number,
  memory: Memory[],
): Promise<Run> {
  for (let second = 1; second <= seconds; second++) {
    await sleep(1000)
    memory.push(await station.memory(false))
  }
  return await running
}
