import type { Census } from './server.js'

/** What is not as it has to be. */
export class Findings {
  readonly all: string[] = []

  /** Notes whatever is not as it should be. */
  expect(where: string, what: Readonly<Record<string, readonly [is: unknown, shouldBe: unknown]>>): void {
    for (const [name, [is, shouldBe]] of Object.entries(what)) {
      const [one, other] = [JSON.stringify(is), JSON.stringify(shouldBe)]
      if (one !== other) this.all.push(`${where}: ${name}: ${one}, not ${other}`)
    }
  }

  atMost(where: string, what: string, is: number, limit: number): void {
    if (!(is <= limit)) this.all.push(`${where}: ${what}: ${Math.round(is)}, more than ${Math.round(limit)}`)
  }

  /** Everybody is gone, and all is as it was before they came. */
  isBack(where: string, now: Census, before: Census): void {
    const { tally } = now
    this.expect(where, {
      listening: [now.listening, 0],
      streams: [now.streams, 0],
      connections: [now.connections, 0],
      'left, of those who joined': [tally.left, tally.joined],
      'unsubscribed, of those subscribed': [tally.unsubscribed, tally.subscribed],
      'terminated, of those begun': [tally.terminated, tally.begun],
      'ended twice, or out of order': [tally.wrong, 0],
      'open files': [now.files, before.files],
      deadlines: [now.deadlines, before.deadlines],
      listeners: [now.listeners, before.listeners],
      'active resources': [now.resources, before.resources],
      faults: [now.faults, []],
    })
  }
}
