// To copy: with `createHub(files('some/folder'))` each channel is kept in a file, and survives a restart. For one process at
// a time; what is no longer retained stays in the file, and in memory while the channel is open. docs/guide/backends.md
import { randomUUID } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import * as lariat from '../lib/index.js' // elsewhere: 'express-lariat'

type Line = { id: string; at: number; data?: unknown; type?: string; key?: string }

export function files(folder: string, now = Date.now): lariat.Backend {
  mkdirSync(folder, { recursive: true })
  const path = (name: string) => join(folder, `${encodeURIComponent(name)}.jsonl`)
  return lariat.backend({ open: (name, limits) => fileLog(path(name), limits, now), close() {} })
}

function fileLog(path: string, limits: lariat.Retention, now: () => number): lariat.Log {
  const { history, historyBytes = Infinity, maxAge = Infinity } = limits
  const most = history ?? (Math.min(historyBytes, maxAge) < Infinity ? Infinity : 0)
  const run = randomUUID().slice(0, 8)
  const all: (Line & { event: lariat.Published })[] = [] // the first is no event: it is the place before all
  const numbers = new Map<string, number>()
  const receivers = new Set<lariat.Receiver>()
  let hasEnded = false

  const take = (line: Line | 'end') => {
    if (line === 'end') hasEnded = true
    else numbers.set(line.id, all.push({ ...line, event: lariat.stored(line.id, line.data, line.type) }) - 1)
  }
  const append = (line: Line | 'end') => {
    appendFileSync(path, `\n${JSON.stringify(line)}`)
    take(line)
  }
  const eventAt = (number: number) => (all[number] as { event: lariat.Published }).event
  const latest = () => eventAt(all.length - 1).id
  const nextId = () => `${run}-${all.length}` // each run has ids of its own: a crash may take the last lines
  const known = (key?: string) => {
    const keyed = key === undefined ? [] : all.filter((line) => line.key !== undefined).slice(-1000)
    return keyed.find((line) => line.key === key && now() - line.at < 120_000)
  }
  const oldest = () => {
    let [number, bytes] = [all.length, 0]
    for (; number > 1 && all.length - number < most; number--) {
      const { data, at } = all[number - 1] as Line
      bytes += lariat.sizeOf(data)
      if (bytes > historyBytes || now() - at > maxAge) break
    }
    return number
  }
  const placeOf = (where: lariat.Where) => {
    if (typeof where === 'string') return where === 'earliest' ? oldest() - 1 : numbers.get(where)
    const count = 'last' in where ? where.last : all.filter(({ at }) => at >= where.since).length
    return Math.max(oldest(), all.length - count) - 1
  }

  for (const text of existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []) {
    try {
      take(JSON.parse(text))
    } catch {} // cut by a crash, or by a full disk: it was not confirmed
  }
  if (all.length === 0) append({ id: nextId(), at: 0 })

  return {
    isImmediate: true,
    isEmpty: true, // the file remembers: the hub may forget this object
    get latest() {
      return latest()
    },
    position: latest,
    compare: (one, other) => (numbers.get(one) ?? -1) - (numbers.get(other) ?? -1),
    publish(data, meta, check) {
      const before = known(meta.key)
      if (before) return before.id
      if (hasEnded) throw new lariat.LariatError('LARIAT_ENDED', 'The channel has ended')
      const line = JSON.parse(JSON.stringify({ id: nextId(), at: now(), data, ...meta }))
      check(lariat.stored(line.id, line.data, line.type))
      if (line.id !== nextId()) return this.publish(data, meta, check) // the check may have published
      append(line)
      for (const receiver of [...receivers]) receiver.event(eventAt(all.length - 1))
      return line.id
    },
    listen(receiver) {
      receivers.add(receiver)
      if (hasEnded) receiver.end()
      return () => receivers.delete(receiver)
    },
    read(where) {
      const [from, place] = [oldest(), placeOf(where)]
      const outcome = place === undefined ? 'unknown' : place < from - 1 ? 'trimmed' : 'found'
      const before = outcome === 'found' ? (place as number) : from - 1
      const ids = { from: eventAt(Math.min(before + 1, all.length - 1)).id, before: eventAt(before).id }
      return { outcome, ...ids, hasEnded, events: all.slice(before + 1).map(({ event }) => event) }
    },
    end() {
      if (hasEnded) return
      append('end')
      for (const receiver of [...receivers]) receiver.end()
    },
    drop: () => rmSync(path, { force: true }),
  }
}
