import { byId } from './dom.js'
import { follow } from './follow.js'
import { shareWhileVisible } from './held.js'

const width = 240 // samples: a minute
const height = 64

/**
 * What there is to show: a sample; or that there is none, and why; or it begins anew.
 *
 * @typedef {{ pid: number, cpu: number, memory: number } | { why: string, isBreak?: boolean } | 'anew'} Update
 */

/** Follows the samples of the machine; when their source dies, waits for another. */
export function showMachine() {
  const state = byId('machine-state')
  /** @type {HTMLButtonElement} */
  const kill = byId('kill')
  const charts = [new Chart('cpu'), new Chart('memory')]
  /** @type {Update[]} */
  const shown = []

  shareWhileVisible('machine', state, {
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
      const isLive = 'pid' in update
      state.dataset.state = isLive ? 'open' : 'lost'
      state.textContent = isLive ? `Live, from process ${update.pid}.` : update.why
      kill.disabled = !isLive
      if (isLive) for (const chart of charts) chart.add(update[chart.name])
      else if (update.isBreak) for (const chart of charts) chart.add(undefined)
    },
    all: () => [/** @type {Update} */ ('anew'), ...shown],
  })

  kill.addEventListener('click', async () => {
    kill.disabled = true
    await fetch('/api/stream/source', { method: 'DELETE' }).catch(() => {})
  })
}

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

  // An EventSource gives up at the 503 of a dead source: so look first whether there is one.
  const begin = async () => {
    for (let isFirst = pid === undefined; isWanted; isFirst = false) {
      const source = await fetch('/api/stream/source', { cache: 'no-store' })
        .then((response) => response.json())
        .catch(() => undefined)
      if (!isWanted) return
      if (source?.isAlive) return open()
      if (isFirst)
        tell({ why: source ? 'The source is dead. Waiting for another …' : 'The server is away …' })
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  }

  const open = () => {
    stream = follow('/api/stream', {
      types: ['message', 'end'],
      event: (message) => {
        const data = JSON.parse(message.data)
        if (message.type === 'end') return ended(data.reason)
        pid = data.pid
        tell(data)
      },
      state: (now) => {
        if (now === 'lost') tell({ why: 'Lost the connection. Reconnecting …', isBreak: true })
      },
    })
  }

  /** @param {string} reason */
  const ended = (reason) => {
    stream?.close()
    const why =
      reason === 'down'
        ? `Process ${pid} has died, and its streams have ended, complete. Waiting for another …`
        : `The stream has ended: ${reason}. Reconnecting …`
    tell({ why, isBreak: true })
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
