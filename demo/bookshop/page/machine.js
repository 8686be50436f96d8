import { follow } from '../../../lib/client.js' // elsewhere: 'express-lariat/client'
import { flawOf } from './books.js'
import { byId, enable, onPress } from './dom.js'
import { shareWhileVisible } from './held.js'
import { lookedOn, reach, say, sayFailed } from './reach.js'
import { showWait } from './wait.js'

const width = 240 // samples: a minute
const height = 64

/**
 * What there is to show: a sample; or that there is none, and why, and until when another process takes the place of
 * a dead one; or it begins anew.
 *
 * @typedef {{ since: number, ms: number }} Wait
 * @typedef {{ pid: number, cpu: number, memory: number, took?: number }} Shown
 * @typedef {Shown | { why: string, isBreak?: boolean, wait?: Wait | undefined } | 'anew'} Update
 */

/** Follows the samples of the machine; when their source dies, waits for another. */
export function showMachine() {
  const state = byId('machine-state')
  const kill = byId('kill')
  const charts = [new Chart('cpu'), new Chart('memory')]
  /** @type {Update[]} */
  const shown = []
  let took = ''
  let isLive = false
  let endWait = () => {}

  shareWhileVisible('machine', {
    open: followSource,
    /** @param {Update} update */
    show(update) {
      if (update === 'anew') {
        shown.length = 0
        for (const chart of charts) chart.clear()
        return
      }
      shown.push(update)
      if (shown.length > width) shown.shift()
      const wasLive = isLive
      isLive = 'pid' in update
      state.dataset.state = isLive ? 'open' : 'lost'
      endWait()
      if (!('pid' in update)) took = ''
      else if (update.took) took = ` It took ${(update.took / 1000).toFixed(1)} s to replace the last one.`
      if (isLive !== wasLive) enable(kill, isLive)
      if ('pid' in update) {
        say(state, `Live, from process ${update.pid}.${took}`)
        for (const chart of charts) chart.add(update[chart.name])
        return
      }
      say(state, update.why)
      if (update.wait) endWait = showWait('replaced', { what: 'Another process starts', ...update.wait })
      if (update.isBreak) for (const chart of charts) chart.add(undefined)
    },
    all: () => [/** @type {Update} */ ('anew'), ...shown],
  })

  const flaw = byId('kill-flaw')
  onPress(kill, async () => {
    enable(kill, false)
    say(flaw, '')
    try {
      const response = await reach('/api/stream/source', { method: 'DELETE' })
      if (!response.ok) throw await flawOf(response)
    } catch (error) {
      sayFailed(flaw, 'Not killed', error)
      enable(kill, isLive)
    }
  })
}

/**
 * @param {(update: Update) => void} tell
 * @param {AbortSignal} signal
 */
async function followSource(tell, signal) {
  /** @type {number | undefined} */
  let pid
  /** @type {Wait | undefined} */
  let wait
  const stream = follow('/api/stream', {
    accept: 'text/event-stream',
    ...lookedOn,
    signal,
    onState(state, { error }) {
      if (state === 'waiting' && !wait) void lost()
      if (state === 'over') tell({ why: `The stream is over${error ? `: ${error}` : ''}.`, isBreak: true })
    },
  })

  /** Says what was lost: the server, or its source, for which it waits then. */
  const lost = async () => {
    const last = pid
    if (last !== undefined) tell({ why: 'Lost the connection. Reconnecting …', isBreak: true })
    const response = await reach('/api/stream/source', { cache: 'no-store' }).catch(() => undefined)
    const source = response?.ok ? await response.json() : undefined
    if (stream.state === 'open' || pid !== last) return
    if (last === undefined)
      return tell({
        why: `The ${source ? 'source is dead. Waiting for another …' : 'server does not answer. Trying again …'}`,
      })
    if (!source || (source.isAlive && source.pid === last)) return
    const ms = source.restartAfter
    wait = { since: Date.now(), ms }
    tell({
      why: `Process ${last} has died, and its streams were cut. Another takes its place in about ${Math.ceil(ms / 1000)} s.`,
      wait,
    })
  }

  for await (const message of stream) {
    const sample = /** @type {Shown} */ (message.data)
    pid = sample.pid
    tell({ ...sample, ...(wait && { took: Date.now() - wait.since }) })
    wait = undefined
  }
}

/** The last minute of a value between 0 and 1; undefined is a break. */
class Chart {
  /** @type {(number | undefined)[]} */
  #values = []
  #line = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  #area = document.createElementNS('http://www.w3.org/2000/svg', 'path')

  /** @param {'cpu' | 'memory'} name */
  constructor(name) {
    this.name = name
    this.output = byId(name)
    this.#line.setAttribute('class', 'line')
    this.#area.setAttribute('class', 'area')
    byId(`${name}-chart`).append(this.#area, this.#line)
  }

  clear() {
    this.#values = []
  }

  /** @param {number | undefined} value */
  add(value) {
    // a break is as wide as to be seen
    this.#values.push(...(value === undefined ? Array(8).fill(undefined) : [value]))
    this.#values.splice(0, Math.max(0, this.#values.length - width))
    this.output.textContent = value === undefined ? '–' : `${Math.round(value * 100)} %`
    const first = width - this.#values.length
    let [line, area, start] = ['', '', 0]
    for (const [index, each] of this.#values.entries()) {
      if (each === undefined) continue
      const x = first + index
      const isStart = index === 0 || this.#values[index - 1] === undefined
      if (isStart) start = x
      const point = `${x},${(height - 2 - each * (height - 4)).toFixed(1)}`
      line += `${isStart ? 'M' : 'L'}${point}`
      area += isStart ? `M${x},${height}L${point}` : `L${point}`
      const isEnd = index === this.#values.length - 1 || this.#values[index + 1] === undefined
      if (isEnd) area += `L${x},${height}H${start}Z`
    }
    this.#line.setAttribute('d', line)
    this.#area.setAttribute('d', area)
  }
}
