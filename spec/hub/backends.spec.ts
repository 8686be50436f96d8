import type { Backend } from '../../lib/hub/backend.js'
import { memory } from '../../lib/hub/memory.js'
import { backendContract } from '../contracts/backend.js'
import { AsyncBackend, randomLag } from '../support/async-backend.js'
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
  const settled = async () => {
    for (const backend of made) await backend.deliver()
  }

  backendContract('a store that answers at once', {
    make: () => keep(new AsyncBackend()),
    another: (backend) => keep(new AsyncBackend((backend as AsyncBackend).store)),
    settled,
    advance,
    loss,
  })

  backendContract('a store that takes its time', {
    make: () => keep(new AsyncBackend(undefined, randomLag(1))),
    another: (backend) => keep(new AsyncBackend((backend as AsyncBackend).store, randomLag(2))),
    settled,
    advance,
    loss,
  })
})
