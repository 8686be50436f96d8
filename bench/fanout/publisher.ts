import type { Peer } from './peer.js'
import { now, tick } from './tick.js'

export interface Publishing {
  readonly events: number
  /** Events of one turn of the event loop; may be a part of one. */
  readonly perTurn: number
  /** From turn to turn, in milliseconds. */
  readonly interval: number
  /** Bytes of an event as JSON. */
  readonly size: number
  /** What is late comes in one turn, as it would from a socket, and its stamp tells when it was due. */
  readonly catchUp?: boolean
}

/** Turns are due on a fixed grid. */
export class Publisher {
  readonly #peer: Pick<Peer, 'publish'>
  #stopped = false

  constructor(peer: Pick<Peer, 'publish'>) {
    this.#peer = peer
  }

  /** Returns how many were published: fewer than asked if it was stopped. */
  async publish({ events, perTurn, interval, size, catchUp = false }: Publishing): Promise<number> {
    this.#stopped = false
    const began = now()
    let published = 0
    const due = (turn: number) => began + turn * interval * 1e3
    for (let turn = 0; published < events && !this.#stopped; turn++) {
      await until(due(turn))
      if (catchUp) turn = Math.max(turn, Math.floor((now() - began) / interval / 1e3))
      const upTo = Math.min(events, Math.ceil((turn + 1) * perTurn))
      while (published < upTo) {
        const time = catchUp ? Math.round(due(Math.floor(published / perTurn))) : now()
        published += 1
        this.#peer.publish(tick(published, time, size))
      }
    }
    return published
  }

  stop(): void {
    this.#stopped = true
  }
}

function until(at: number): Promise<void> {
  const left = (at - now()) / 1e3
  return new Promise((resolve) => {
    if (left > 0.5) setTimeout(resolve, left)
    else setImmediate(resolve)
  })
}
