import fc from 'fast-check'
import { type Context, ndjson, resource, sse } from '../../lib/index.js'
import type { Spec } from '../../spec/support/http.js'

export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY']
export const bodyLimit = 64
export const etag = '"a"'

/** Takes the body in one of the ways that there are. */
export const read = (way: 'json' | 'text' | 'bytes') => async (context: Context<undefined>) => {
  await context[way]()
  return { body: 'taken' }
}

/** A QUERY creates nothing: that one would is a fault of the app. */
const create = ({ req }: Context<undefined>) => (req.method === 'QUERY' ? true : { created: '/c' })

/** What hardly ever happens, so that most requests come far. */
const mostly = (usual: unknown, ...others: readonly unknown[]) => [...Array(20).fill(usual), ...others]

/** What each callback may answer. */
const answers: Readonly<Record<string, readonly unknown[]>> = {
  serviceAvailable: mostly(true, false, 5),
  knownMethods: [[...methods, 'LINK', 'TRACE']],
  uriTooLong: mostly(false, true),
  allowedMethods: mostly([...methods, 'LINK'], ['GET', 'POST']),
  malformedRequest: mostly(false, true),
  isAuthorized: mostly(true, 'Basic realm="a"', ['Basic', 'Bearer']),
  forbidden: mostly(false, true),
  rateLimited: mostly(false, new Date(0)),
  validContentHeaders: mostly(true, false),
  validEntityLength: mostly(true, false),
  options: [{}, { 'X-Options': 'yes' }],
  contentTypesProvided: [
    { 'text/plain': () => 'hello', 'text/event-stream': sse(), 'application/json': () => ({ a: 1 }) },
    [sse(), ndjson()],
    { 'text/html;level=1': () => Promise.resolve('hello'), 'application/x-ndjson': () => ndjson() },
  ],
  languagesProvided: mostly(['en', 'de-AT'], []),
  charsetsProvided: [['utf-8', 'iso-8859-1']],
  encodingsProvided: mostly(['identity', 'gzip'], ['br', 'deflate'], ['gzip'], []),
  rangesProvided: ['auto', 'none'],
  variances: [[], ['Cookie']],
  resourceExists: [true, true, false],
  generateEtag: [etag, 'W/"a"', undefined],
  lastModified: [new Date(0), new Date(), undefined],
  expires: [undefined, new Date(0), '0'],
  previouslyExisted: [false, true],
  movedPermanently: [false, false, '/é\r\n'],
  movedTemporarily: [false, '/b'],
  headers: [{}, { 'X-Stream': 'yes' }],
  multipleChoices: [false, false, true],
  contentTypesAccepted: [
    { 'application/json': read('json'), 'text/*': read('text'), '*/*': read('bytes') },
    { '*/*': () => true, 'text/plain': () => false },
    { 'text/plain': () => sse(), '*/*': create },
    { '*/*': () => ({ seeOther: '/d' }) },
  ],
  allowMissingPost: [true, false],
  isConflict: [false, false, true],
  deleteResource: [true, { body: 'deleted' }, false],
  deleteCompleted: [true, false],
}

const choices = fc.record(
  Object.fromEntries(
    Object.entries(answers).map(([callback, values]) => [
      callback,
      fc.record({ answer: fc.constantFrom(...values), isAsync: fc.boolean() }),
    ]),
  ),
)

const subscribes = {
  'a list': () => ['event one', 'event two'],
  'a held stream': ({ send }) => {
    send('event one')
  },
  'a held stream that is slow to begin': async ({ send }) => {
    await new Promise((resolve) => setImmediate(resolve))
    send('event one')
    return () => {}
  },
} satisfies Record<string, Spec['subscribe']>

/** A resource with every callback on, each of which answers something. */
export const chosen = fc.record({
  choices,
  kind: fc.constantFrom(...(Object.keys(subscribes) as (keyof typeof subscribes)[])),
})
export type Chosen = typeof chosen extends fc.Arbitrary<infer Each> ? Each : never

export function resourceOf({ choices, kind }: Chosen) {
  const callbacks = Object.fromEntries(
    Object.entries(choices).map(([name, { answer, isAsync }]) => [
      name,
      () => (isAsync ? Promise.resolve(answer) : answer),
    ]),
  )
  return resource({ ...callbacks, bodyLimit, subscribe: subscribes[kind] } as Spec)
}
