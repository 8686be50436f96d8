import { expect } from 'chai'
import { loop, raw, stop } from '../../lib/index.js'
import { Log } from '../support/log.js'
import { flood, stage, staged } from '../support/stage.js'

describe('A client that falls behind again (docs/guide/loop.md)', () => {
  staged()

  it('gets all that waits for it, though it does not keep up while its queue is handed on', async () => {
    const log = new Log()
    const count = 4
    const site = await stage.now.serve(
      loop({
        format: raw('application/octet-stream'),
        stream: { heartbeat: false, maxQueuedBytes: 2 ** 28 },
        async subscribe({ write, drained }) {
          for (let n = 0; n < count; n++) write(flood)
          log.add('written')
          await drained()
          return stop()
        },
      }),
    )
    const client = site.get()
    await log.until('written')
    const { bytes } = await client.whole()
    expect(bytes.length).to.equal(count * flood.length)
  })
})
