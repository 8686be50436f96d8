import { byId } from './dom.js'
import { follow } from './follow.js'
import { holdWhileVisible } from './held.js'

const width = 240 // samples: a minute
const height = 64

/** Follows the samples of the machine; when their source dies, waits for another. */
export function showMachine() {
  const state = byId('machine-state')
  /** @type {HTMLButtonElement} */
  const kill = byId('kill')
  const charts = [new Chart('cpu'), new Chart('memory')]
  let isWanted = false
  /** @type {ReturnType<typeof follow> | undefined} */
  let stream
  /** @type {number | undefined} */
  let pid

  const open = () => {
    stream?.close()
    stream = follow('/api/stream', {
      types: ['message', 'end'],
      event: (message) => {
        const data = JSON.parse(message.data)
        if (message.type === 'end') return void ended(data.reason)
        pid = data.pid
        for (const chart of charts) chart.add(data[chart.name])
        state.dataset.state = 'open'
        state.textContent = `Live, from process ${pid}.`
        kill.disabled = false
      },
      state: (now) => {
        if (now === 'lost') {
          state.dataset.state = 'lost'
          state.textContent = 'Lost the connection. Coming back …'
        }
      },
    })
  }

  /**
   * The stream is complete. An EventSource would come back at once, and give up at the 503 of a dead source: so look
   * when there is another.
   *
   * @param {string} reason
   */
  const ended = async (reason) => {
    stream?.close()
    state.dataset.state = 'lost'
    state.textContent =
      reason === 'down'
        ? `Process ${pid} has died, and its streams have ended, complete. Waiting for another …`
        : `The stream has ended: ${reason}. Coming back …`
    while (isWanted) {
      await new Promise((resolve) => setTimeout(resolve, 1000))
      const source = await fetch('/api/stream/source')
        .then((response) => response.json())
        .catch(() => ({ isAlive: false }))
      if (source.isAlive && isWanted) return open()
    }
  }

  holdWhileVisible('others', state, () => {
    isWanted = true
    open()
    return () => {
      isWanted = false
      stream?.close()
    }
  })

  kill.addEventListener('click', async () => {
    kill.disabled = true
    await fetch('/api/stream/source', { method: 'DELETE' }).catch(() => {})
  })
}

/** The last minute of a value between 0 and 1. */
class Chart {
  /** @type {number[]} */
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

  /** @param {number} value */
  add(value) {
    this.#values.push(value)
    if (this.#values.length > width) this.#values.shift()
    this.output.textContent = `${Math.round(value * 100)} %`
    const first = width - this.#values.length
    const points = this.#values.map(
      (each, index) => `${first + index},${(height - 2 - each * (height - 4)).toFixed(1)}`,
    )
    this.#line.setAttribute('d', `M${points.join('L')}`)
    this.#area.setAttribute('d', `M${first},${height}L${points.join('L')}L${width},${height}Z`)
  }
}
