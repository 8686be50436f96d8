import { flawOf } from './books.js'
import { byId, enable, onPress } from './dom.js'
import { follow } from './follow.js'
import { shareWhileVisible } from './held.js'
import { reach, say, sayFailed } from './reach.js'
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

/** Why a stream ends to which one has to come back. */
const passing = ['down', 'expired', 'revoked', 'shutdown']

/**
 * @param {(update: Update) => void} tell
 * @returns {() => void} how to stop
 */
function followSource(tell) {
  let isWanted = true
  /** @type {ReturnType<typeof follow> | undefined} */
  let stream
  /** @type {number | undefined} */
  let pid

  /** @type {Wait | undefined} */
  let wait
  let ms = 5000

  const look = () =>
    reach('/api/stream/source', { cache: 'no-store' })
      .then((response) => (response.ok ? response.json() : undefined))
      .catch(() => undefined)

  // An EventSource gives up at the 503 of a dead source: so look first whether there is one.
  const begin = async () => {
    for (let isFirst = pid === undefined; isWanted; isFirst = false) {
      const source = await look()
      if (!isWanted) return
      if (source) ms = source.restartAfter
      if (source?.isAlive) return open()
      if (isFirst)
        tell({
          why: source
            ? 'The source is dead. Waiting for another …'
            : 'The server does not answer. Trying again …',
        })
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  }

  const open = () => {
    stream = follow('/api/stream', {
      types: ['message', 'end', 'reconnect', 'failed'],
      event: (message) => {
        const data = JSON.parse(message.data)
        // `end`: it is over; `reconnect`: it is not, and who wants more has to come back; `failed`: its process has
        if (message.type !== 'message') return ended(data.reason ?? 'down', message.type)
        pid = data.pid
        tell({ ...data, ...(wait && { took: Date.now() - wait.since }) })
        wait = undefined
      },
      state: (now) => {
        if (now === 'lost') void lost()
      },
    })
  }

  // a browser may throw away what came just before a cut, and with it the event that says why
  const lost = async () => {
    tell({ why: 'Lost the connection. Reconnecting …', isBreak: true })
    const cut = stream
    const source = await look()
    const hasDied = source && !(source.isAlive && source.pid === pid)
    if (isWanted && stream === cut && hasDied) ended('down', 'failed')
  }

  /**
   * @param {string} reason
   * @param {string} type
   */
  const ended = (reason, type) => {
    stream?.close()
    stream = undefined
    if (type === 'end' && !passing.includes(reason))
      return tell({ why: `The stream is over: ${reason}.`, isBreak: true })
    const hasDied = reason === 'down'
    wait = hasDied ? { since: Date.now(), ms } : undefined
    const why = hasDied
      ? `Process ${pid} has died, and its streams were cut. Another takes its place in about ${Math.ceil(ms / 1000)} s.`
      : `The stream has ended: ${reason}. Reconnecting …`
    tell({ why, isBreak: true, wait })
    void begin()
  }

  void begin()
  return () => {
    isWanted = false
    stream?.close()
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
