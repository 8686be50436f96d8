import { Readable } from 'node:stream'
import { expect } from 'chai'
import { loop, resource, sse } from '../../lib/index.js'
import { stage, staged } from '../support/stage.js'

describe('A spec is a plain object', () => {
  class Guarded {
    contentTypesProvided = { 'text/plain': () => 'secret' }
    isAuthorized() {
      return 'Bearer'
    }
  }
  class Held {
    format = sse()
    subscribe() {}
  }

  it('An instance of a class is refused: its methods would silently not be asked', () => {
    const saying = /expected a plain object/
    expect(() => resource(new Guarded()))
      .to.throw(TypeError, saying)
      .with.property('code', 'LARIAT_SPEC')
    expect(() => loop(new Held())).to.throw(TypeError, saying)
    expect(() => resource(Object.create({ isAuthorized: 'Bearer' }))).to.throw(TypeError, saying)
  })

  it('One without a prototype is plain as well', () => {
    resource(Object.assign(Object.create(null), { serviceAvailable: false }))
  })
})

describe('A coded body is of another length', () => {
  staged()

  it('A Content-Length that a callback has set for a stream is not that of its coding', async () => {
    const site = await stage.now.serve(
      resource({
        encodingsProvided: ['gzip'],
        contentTypesProvided: {
          'text/plain': ({ res }) => {
            res.set('Content-Length', '5000')
            return Readable.from(['x'.repeat(5000)])
          },
        },
      }),
    )
    const message = await site.get('/', { headers: { 'Accept-Encoding': 'gzip' } }).whole()
    expect(message.isWhole).to.equal(true)
    expect(message.headers).not.to.have.property('content-length')
  })
})
