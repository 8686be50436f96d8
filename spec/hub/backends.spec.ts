import { expect } from 'chai'
import type { Backend } from '../../lib/hub/backend.js'
import { memory } from '../../lib/hub/memory.js'
import { createHub, type LariatError } from '../../lib/index.js'
import { backendContract } from '../contracts/backend.js'
import { AsyncBackend, type Fate, randomLag } from '../support/async-backend.js'
import { useManualTime } from '../support/clock.js'
import { turns } from '../support/stage.js'

// hooks of its own: outside of a block they would be those of every spec there is
describe('Backends', () => {
  const time = useManualTime()
  const advance = (milliseconds: number) => time.advance(milliseconds)

  backendContract('memory()', { make: memory, settled: () => turns(2), advance })

  let made: AsyncBackend[] = []
  beforeEach(() => {
    made = []
  })

  function keep(backend: AsyncBackend): AsyncBackend {
    made.push(backend)
    return backend
  }

  const loss = {
    down: (backend: Backend) => (backend as AsyncBackend).down(),
    up: (backend: Backend) => (backend as AsyncBackend).up(),
  }
  const store = {
    async reopen(backend: Backend) {
      await backend.close()
      return keep(new AsyncBackend((backend as AsyncBackend).store))
    },
    freeze: (backend: Backend, fate: Fate) => (backend as AsyncBackend).freeze(fate),
    rollBack: async (backend: Backend, meanwhile: () => Promise<void>) => {
      const restore = (backend as AsyncBackend).store.copy()
      await meanwhile()
      restore()
    },
    empty: (backend: Backend) => (backend as AsyncBackend).store.empty(),
  }
  const settled = async () => {
    for (const backend of made) await backend.deliver()
  }

  backendContract('a store that answers at once', {
    make: () => keep(new AsyncBackend()),
    another: (backend) => keep(new AsyncBackend((backend as AsyncBackend).store)),
    settled,
    advance,
    loss,
    ...store,
  })

  backendContract('a store that takes its time', {
    make: () => keep(new AsyncBackend(undefined, randomLag(1))),
    another: (backend) => keep(new AsyncBackend((backend as AsyncBackend).store, randomLag(2))),
    settled,
    advance,
    loss,
    ...store,
  })

  for (const [fate, told] of Object.entries({
    refused: { isUncertain: undefined, came: 0 },
    came: { isUncertain: true, came: 1 },
    lost: { isUncertain: true, came: 0 },
  })) {
    it(`the store of these specs can be frozen: ${fate}`, async () => {
      const backend = keep(new AsyncBackend())
      const channel = createHub(backend).channel<number>('a', { history: 5 })
      backend.freeze(fate as Fate)
      const publishing = channel.publish(1).catch((error: LariatError) => error)
      await turns()
      backend.down()
      const { code, isUncertain } = (await publishing) as LariatError
      expect({ code, isUncertain }).to.deep.equal({ code: 'LARIAT_DOWN', isUncertain: told.isUncertain })
      backend.up()
      const came: number[] = []
      for await (const { data } of channel.replay('earliest')) came.push(data)
      expect(came).to.have.length(told.came)
    })
  }
})
