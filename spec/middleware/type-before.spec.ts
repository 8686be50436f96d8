import { expect } from 'chai'
import { resource } from '../../lib/index.js'
import { stage, staged } from '../support/stage.js'

describe('A Content-Type that was there before (docs/guide/existing-app.md)', () => {
  staged()

  it('says nothing about the answer: a body has the type that was negotiated (RFC 9110 8.3)', async () => {
    const site = await stage.now.serve(resource({ contentTypesProvided: { 'text/plain': () => 'a' } }), {
      before: [(_req, res, next) => void next(res.setHeader('Content-Type', 'text/html') && undefined)],
    })
    const { status, headers } = await site.get().whole()
    expect([status, headers['content-type']]).to.deep.equal([200, 'text/plain'])
  })
})
