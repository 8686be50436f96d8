import { expect } from 'chai'
import { ndjson, resource } from '../../lib/index.js'
import { staged, turns } from '../support/stage.js'
import { inspecting, Scene } from './scene.js'

describe('An inspector links a stream and the request that became it', () => {
  inspecting()
  staged()

  it('both ways, also when the stream has ended', async () => {
    const endpoint = resource({ contentTypesProvided: [ndjson()], subscribe: () => {} })
    const scene = await Scene.of(endpoint)
    const before = await scene.stream('/early')
    await scene.view('view=overview') // from here on decisions are recorded
    const client = await scene.stream('/late')
    const [early, late] = await scene.rows('view=streams&sort=path')
    const [request] = await scene.rows('view=decisions')
    expect(early).to.include({ path: '/early', decision: null })
    expect(late).to.include({ path: '/late', decision: request.id })
    expect(request).to.include({ stream: late.id, outcome: 'loop', client: '127.0.0.1' })
    client.leave()
    before.leave()
    await turns()
    const ended = await scene.rows('view=ended')
    expect(ended.map(({ path, decision }) => [path, decision])).to.have.deep.members([
      ['/early', null],
      ['/late', request.id],
    ])
  })

  it('the reasons of those that ended are counted whichever reason is asked for', async () => {
    const endpoint = resource({
      contentTypesProvided: [ndjson()],
      subscribe: ({ req }) => (req.path === '/short' ? [] : undefined),
    })
    const scene = await Scene.of(endpoint)
    await (await scene.stream('/short')).whole()
    ;(await scene.stream('/long')).leave()
    await turns()
    const { rows, reasons } = await scene.view('view=ended&state=end')
    expect(reasons).to.deep.equal({ end: 1, disconnect: 1 })
    expect(rows).to.have.length(1)
  })
})
