import { cpus, freemem, loadavg, totalmem } from 'node:os'

/** What a process of its own sees of this machine. */
export interface Sample {
  /** The process that sampled: kill it, and see what the streams do. */
  pid: number
  at: string
  /** The shares in use since the last sample, 0 to 1. */
  cpu: number
  memory: number
  /** The load average of the last minute. */
  load: number
}

let before = ticks()

setInterval(() => {
  const now = ticks()
  const busy = 1 - (now.idle - before.idle) / (now.all - before.all || 1)
  before = now
  const sample: Sample = {
    pid: process.pid,
    at: new Date().toISOString(),
    cpu: round(busy),
    memory: round(1 - freemem() / totalmem()),
    load: round(loadavg()[0] ?? 0),
  }
  process.send?.(sample)
}, 250)

// nobody is left to send to
process.on('error', () => process.exit())

function ticks() {
  const times = cpus().map((cpu) => cpu.times)
  const sum = (numbers: number[]) => numbers.reduce((total, each) => total + each, 0)
  return { idle: sum(times.map((each) => each.idle)), all: sum(times.flatMap((each) => Object.values(each))) }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
