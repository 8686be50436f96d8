import { ServerResponse } from 'node:http'
import { expect } from 'chai'
import type { Response } from 'express'
import { type CallbackName, callbacks } from '../../lib/declare/callbacks.js'
import type { Request } from '../../lib/declare/context.js'
import { plan } from '../../lib/declare/plan.js'
import type { AnySpec } from '../../lib/declare/spec.js'
import { shorten } from '../../lib/graph/shorten.js'
import { walk } from '../../lib/graph/walk.js'
import { Exchange } from '../../lib/request/exchange.js'
import { type Step, toSteps } from '../support/walked.js'

/** The questions that a GET is asked. */
function asked(spec: AnySpec): readonly string[] {
  const steps: Step[] = []
  const req = { method: 'GET', headers: {} } as Request
  const res = new ServerResponse(req) as Response
  const outcome = walk(new Exchange(plan(spec), req, res), shorten(spec), toSteps(steps))
  expect(outcome).not.to.be.an.instanceOf(Promise)
  return steps.map(([question]) => question)
}

const names = Object.keys(callbacks) as CallbackName[]

describe('A constant of a spec is resolved when it is declared', () => {
  it('A request is asked only what depends on it', () => {
    expect(asked({})).to.deep.equal([
      'knownMethod',
      'methodAllowed',
      'isOptions',
      'acceptableMediaType',
      'ifMatchParses',
      'ifMatch',
      'ifUnmodifiedSince',
      'ifNoneMatchParses',
      'ifNoneMatch',
      'ifModifiedSince',
      'isDelete',
      'isReplacement',
      'isAccepting',
      'isReading',
      'provide',
      'isPartial',
    ])
  })

  for (const name of names.filter((name) => typeof callbacks[name].fallback === 'boolean')) {
    it(`${name} that is constant and its default is as if it were absent`, () => {
      expect(asked({ [name]: callbacks[name].fallback })).to.deep.equal(asked({}))
    })
  }
})
