import { createHook } from 'node:async_hooks'
import { expect } from 'chai'
import type { RequestHandler, Response } from 'express'
import { type Request, resource, stop } from '../../lib/index.js'
import { type Asked, ask, type Spec } from '../support/http.js'

/** How many promises are made until the endpoint returns, by when the answer is out if nothing is awaited. */
async function promises(spec: Spec, asked: Asked): Promise<{ status: number; made: number; isOut: boolean }> {
  const endpoint = resource(spec)
  let made = 0
  let isOut = false
  const hook = createHook({
    init(_id, type) {
      if (type === 'PROMISE') made += 1
    },
  })
  const counting: RequestHandler = (req, res, next) => {
    hook.enable()
    endpoint(req as Request, res, next)
    hook.disable()
    isOut = (res as Response).writableEnded
  }
  const { status } = await ask(counting as never, asked)
  return { status, made, isOut }
}

const etag = '"1"'

/** Each callback as a synchronous function. */
const functions: Spec = {
  init: () => undefined,
  serviceAvailable: () => true,
  knownMethods: () => ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'],
  uriTooLong: () => false,
  allowedMethods: () => ['GET', 'PUT', 'DELETE', 'OPTIONS'],
  malformedRequest: () => false,
  isAuthorized: () => true,
  forbidden: () => false,
  rateLimited: () => false,
  validContentHeaders: () => true,
  validEntityLength: () => true,
  options: () => ({ 'X-Option': 'a' }),
  contentTypesProvided: () => ({ 'application/json': () => ({ a: 1 }) }),
  languagesProvided: () => ['en'],
  charsetsProvided: () => ['utf-8'],
  encodingsProvided: () => ['identity'],
  rangesProvided: () => 'auto',
  variances: () => ['Cookie'],
  resourceExists: () => true,
  generateEtag: () => etag,
  lastModified: () => new Date(0),
  expires: () => new Date(0),
  deleteResource: () => true,
  deleteCompleted: () => true,
  isConflict: () => false,
  contentTypesAccepted: () => ({ '*/*': () => true }),
  multipleChoices: () => false,
}

const constants: Spec = {
  allowedMethods: ['GET', 'PUT', 'DELETE', 'OPTIONS'],
  contentTypesProvided: { 'application/json': () => ({ a: 1 }) },
  languagesProvided: ['en'],
  rangesProvided: 'auto',
  generateEtag: etag,
  lastModified: new Date(0),
  deleteResource: true,
  contentTypesAccepted: { '*/*': () => true },
}

const cases: readonly (Asked & { status: number })[] = [
  { status: 200, method: 'GET' },
  { status: 200, method: 'OPTIONS' },
  { status: 204, method: 'PUT', headers: { 'Content-Type': 'text/plain' } },
  { status: 204, method: 'DELETE' },
  { status: 206, method: 'GET', headers: { Range: 'bytes=0-1' } },
  { status: 304, method: 'GET', headers: { 'If-None-Match': etag } },
  { status: 405, method: 'PATCH' },
  { status: 406, method: 'GET', headers: { Accept: 'text/html' } },
  { status: 412, method: 'GET', headers: { 'If-Match': '"2"' } },
]

describe('A synchronous callback costs no promise', () => {
  for (const { status, ...asked } of cases) {
    for (const [kind, spec] of Object.entries({ functions, constants })) {
      it(`${status} for ${asked.method} ${JSON.stringify(asked.headers ?? {})}, all ${kind}`, async () => {
        expect(await promises(spec, asked)).to.deep.equal({ status, made: 0, isOut: true })
      })
    }
  }

  it('A stop from one costs none either', async () => {
    const outcome = await promises({ forbidden: () => stop(403) }, { method: 'GET' })
    expect(outcome).to.deep.equal({ status: 403, made: 0, isOut: true })
  })

  it('An asynchronous one costs some, which shows that they are counted', async () => {
    const outcome = await promises({ ...functions, forbidden: async () => false }, { method: 'GET' })
    expect(outcome.status).to.equal(200)
    expect(outcome.made).to.be.greaterThan(0)
    expect(outcome.isOut).to.equal(false)
  })
})
