import { expect } from 'chai'
import { createHub, loop, sse } from '../../lib/index.js'
import { Log } from '../support/log.js'
import { staged } from '../support/stage.js'
import { Tab } from './chromium.js'
import { eventSources, readers, type Served, serve, usesClients, withEach } from './clients.js'
import { programs } from './programs.js'
import type { Reader } from './reader.js'

/** A stream, and a channel that counts who listens. */
class Left {
  readonly log = new Log()
  readonly channel = createHub().channel<string>('left')
  site!: Served

  constructor() {
    this.channel.on('join', () => this.log.add('join'))
    this.channel.on('leave', () => this.log.add('leave'))
  }

  async serve(client?: Reader | (typeof eventSources)[number]): Promise<string> {
    const stream = loop({
      format: sse(),
      subscribe: () => this.channel,
      terminate: ({ kind }) => this.log.add(kind),
    })
    this.site = await serve({ '/left': stream }, client ? { client } : {})
    return `${this.site.url}/left`
  }

  /** The app has been told, once, and nothing is left. */
  async expectLeft(): Promise<void> {
    await this.log.until('disconnect')
    expect(this.log.entries).to.deep.equal(['join', 'leave', 'disconnect'])
    expect(this.channel.subscribers).to.equal(0)
    expect([...this.site.endpoint.streams]).to.deep.equal([])
  }
}

describe('The app is told that a real client has left: disconnect, once unsubscribed (docs/guide/loop.md: terminate)', () => {
  staged()

  withEach(eventSources, (client) => {
    it('by close()', async () => {
      const left = new Left()
      const listening = client.listen(await left.serve(client))
      await left.log.until('join')
      await left.channel.publish('come')
      await listening.next()
      listening.close()
      await left.expectLeft()
    })
  })

  withEach(readers, (client) => {
    const isProgram = programs.some(({ name }) => name === client.name)
    const ways: readonly (NodeJS.Signals | undefined)[] = isProgram ? ['SIGTERM', 'SIGKILL'] : [undefined]

    for (const signal of ways) {
      it(signal ? `ended by ${signal}` : 'by aborting', async () => {
        const left = new Left()
        const answer = client.read(await left.serve(client))
        await left.log.until('join')
        await left.channel.publish('come')
        await answer.until('come')
        answer.leave(signal)
        await left.expectLeft()
        expect(await answer.ended()).not.to.equal('whole')
      })
    }
  })

  describe("Chromium's pages", () => {
    usesClients('chromium')

    for (const how of ['closed', 'navigated'] as const) {
      for (const what of ['EventSource', 'fetch'] as const) {
        it(`that are ${how}, with ${what}`, async () => {
          const left = new Left()
          const url = await left.serve()
          const tab = await Tab.open()
          try {
            await tab.visit(left.site.url)
            if (what === 'fetch') tab.read(url)
            else tab.listen(url)
            await left.log.until('join')
            if (how === 'closed') await tab.page.close()
            else await tab.page.goto('about:blank')
            await left.expectLeft()
          } finally {
            await tab.close()
          }
        })
      }
    }
  })
})
