import { expect } from 'chai'
import { clock } from '../../lib/clock.js'
import { memory } from '../../lib/hub/memory.js'
import { createHub, type LariatError } from '../../lib/index.js'
import { type Abilities, type AsyncMemory, asyncMemory, type Fate, randomLag } from '../../lib/testing.js'
import { useManualTime } from '../support/clock.js'
import { backendContract } from '../support/conformance.js'
import { turns } from '../support/stage.js'

// hooks of its own: outside of a block they would be those of every spec there is
describe('Backends', () => {
  const clocked = useManualTime()
  const time = { now: () => clock.date(), advance: (milliseconds: number) => clocked.advance(milliseconds) }

  backendContract('memory()', memory, { time })

  let made: AsyncMemory[] = []
  beforeEach(() => {
    made = []
  })

  function keep(backend: AsyncMemory): AsyncMemory {
    made.push(backend)
    return backend
  }

  /** All that such a store can go through. */
  const abilities: Abilities<AsyncMemory> = {
    time,
    async settled() {
      for (const backend of made) await backend.delivered()
    },
    another: (backend) => keep(backend.another()),
    async reopen(backend) {
      await backend.close()
      return keep(backend.another())
    },
    loss: { down: (backend) => backend.lose(), up: (backend) => backend.restore() },
    freeze: (backend, fate) => backend.freeze(fate),
    async rollBack(backend, meanwhile) {
      const restore = backend.copy()
      await meanwhile()
      restore()
    },
    empty: (backend) => backend.empty(),
  }

  backendContract('a store that answers at once', () => keep(asyncMemory()), abilities)

  backendContract('a store that takes its time', () => keep(asyncMemory({ lag: randomLag(1) })), {
    ...abilities,
    another: (backend) => keep(backend.another({ lag: randomLag(2) })),
  })

  for (const [fate, told] of Object.entries({
    refused: { isUncertain: undefined, came: 0 },
    came: { isUncertain: true, came: 1 },
    lost: { isUncertain: true, came: 0 },
  })) {
    it(`the store of these specs can be frozen: ${fate}`, async () => {
      const backend = keep(asyncMemory())
      const channel = createHub(backend).channel<number>('a', { history: 5 })
      backend.freeze(fate as Fate)
      const publishing = channel.publish(1).catch((error: LariatError) => error)
      await turns()
      backend.lose()
      const { code, isUncertain } = (await publishing) as LariatError
      expect({ code, isUncertain }).to.deep.equal({ code: 'LARIAT_DOWN', isUncertain: told.isUncertain })
      backend.restore()
      const came: number[] = []
      for await (const { data } of channel.replay('earliest')) came.push(data)
      expect(came).to.have.length(told.came)
    })
  }
})
