import { type CallbackName, callbacks } from '../../lib/declare/callbacks.js'
import {
  type Endpoint,
  event,
  format,
  loop,
  multipart,
  ndjson,
  raw,
  resource,
  resources,
  sse,
  stop,
  text,
} from '../../lib/index.js'
import { type Asked, type Spec, writable } from '../support/http.js'

/**
 * What becomes of a text in a place:
 * - `field`: it is a header's value, or a part of one, and refused if it cannot be
 * - `token`: it is a name, and refused if it is none
 * - `line`: it is a line of an event, and refused if it would be several
 * - `encoded`: it goes out, as ASCII
 * - `body`: it goes out in the body alone
 * - `unsent`: nobody is told of it
 * - `refused`: it is of the wrong type
 */
export type Fate = 'field' | 'token' | 'line' | 'encoded' | 'body' | 'unsent' | 'refused'

/** A place where an app can put a text that a client may have had a hand in. */
export interface Place {
  readonly what: string
  readonly fate: Fate
  /** What the error calls it. */
  readonly label?: string
  readonly asked?: Asked
  put(text: string): Endpoint
}

/** A place that is a callback of the REST part: its constant, and what it is asked by. */
interface Answered {
  readonly fate: Fate
  readonly value: (text: string) => unknown
  readonly asked?: Asked
  readonly beside?: Spec
}

const methods = writable.allowedMethods as readonly string[]
const hello: Spec = { contentTypesProvided: { 'text/plain': () => 'hello' } }
const missing: Spec = { ...hello, resourceExists: false }
const streamed: Spec = { contentTypesProvided: { 'text/plain': text() }, subscribe: () => [] }

/** Each callback: where a text can come into what it answers, and what becomes of that. */
export const answered: Readonly<Record<CallbackName, readonly Answered[]>> = {
  ...(Object.fromEntries(
    Object.keys(callbacks).map((name) => [name, [{ fate: 'refused', value: (text: string) => text }]]),
  ) as unknown as Record<CallbackName, readonly Answered[]>),
  knownMethods: [{ fate: 'token', value: (text) => ['GET', text] }],
  allowedMethods: [
    { fate: 'token', value: (text) => [...methods, text], asked: { method: 'OPTIONS' } },
    {
      fate: 'token',
      value: (text) => [...methods, text],
      asked: { method: 'LINK' },
      beside: { knownMethods: ['LINK'] },
    },
  ],
  isAuthorized: [
    { fate: 'field', value: (text) => text },
    { fate: 'field', value: (text) => ['Basic', text] },
  ],
  options: [
    { fate: 'field', value: (text) => ({ 'X-Own': text }), asked: { method: 'OPTIONS' } },
    { fate: 'token', value: (text) => ({ [text]: 'own' }), asked: { method: 'OPTIONS' } },
  ],
  contentTypesProvided: [
    { fate: 'token', value: (text) => ({ [`text/${text}`]: () => 'hello' }) },
    { fate: 'field', value: (text) => ({ [`text/plain;a="${text}"`]: () => 'hello' }) },
    {
      fate: 'field',
      value: (text) => ({ [`text/plain;a="${text}"`]: sse() }),
      beside: { subscribe: () => [] },
    },
    { fate: 'body', value: (text) => ({ 'text/plain': () => text }) },
    { fate: 'body', value: (text) => ({ 'application/json': () => ({ [text]: text }) }) },
  ],
  languagesProvided: [{ fate: 'token', value: (text) => [text] }],
  charsetsProvided: [{ fate: 'token', value: (text) => [text] }],
  encodingsProvided: [{ fate: 'refused', value: (text) => [text] }],
  variances: [{ fate: 'token', value: (text) => [text] }],
  generateEtag: [{ fate: 'field', value: (text) => `"${text}"` }],
  expires: [{ fate: 'field', value: (text) => text }],
  movedPermanently: [
    { fate: 'encoded', value: (text) => `/${text}`, asked: { method: 'PUT' }, beside: missing },
  ],
  movedTemporarily: [
    { fate: 'encoded', value: (text) => text, beside: { ...missing, previouslyExisted: true } },
    {
      fate: 'encoded',
      value: (text) => new URL(`http://a/${text}`),
      beside: { ...missing, previouslyExisted: true },
    },
  ],
  deleteResource: [{ fate: 'body', value: (text) => ({ body: text }) }],
  contentTypesAccepted: [
    { fate: 'token', value: (text) => ({ [`text/${text}`]: () => true }) },
    { fate: 'field', value: (text) => ({ [`text/plain;a="${text}"`]: () => true }) },
    {
      fate: 'field',
      value: (text) => ({ [`text/plain;a="${text}"`]: () => true }),
      asked: { method: 'PATCH', headers: { 'content-type': 'image/png' }, body: 'a' },
    },
    {
      fate: 'field',
      value: (text) => ({ [`text/plain;a="${text}"`]: () => true }),
      asked: { method: 'QUERY', headers: { 'content-type': 'image/png' }, body: 'a' },
      beside: { allowedMethods: () => ['QUERY', 'OPTIONS'] },
    },
    {
      fate: 'field',
      value: (text) => ({ [`text/plain;a="${text}"`]: () => true }),
      asked: { method: 'OPTIONS' },
      beside: { allowedMethods: () => ['QUERY', 'OPTIONS'] },
    },
  ],
  headers: [
    { fate: 'field', value: (text) => ({ 'X-Own': text }), beside: streamed },
    { fate: 'token', value: (text) => ({ [text]: 'own' }), beside: streamed },
  ],
}

/** What brings a request to a callback. */
const reaching: Partial<Record<CallbackName, readonly [asked: Asked, beside: Spec]>> = {
  options: [{ method: 'OPTIONS' }, {}],
  isConflict: [{ method: 'PUT', headers: { 'content-type': 'text/plain' }, body: 'a' }, {}],
  contentTypesAccepted: [{ method: 'POST', headers: { 'content-type': 'image/png' }, body: 'a' }, {}],
  deleteResource: [{ method: 'DELETE' }, {}],
  deleteCompleted: [{ method: 'DELETE' }, {}],
  allowMissingPost: [{ method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'a' }, missing],
  previouslyExisted: [{}, missing],
  movedPermanently: [{ method: 'PUT', headers: { 'content-type': 'text/plain' }, body: 'a' }, missing],
}

const usual: Spec = { ...writable, ...hello, deleteResource: true, isConflict: false }

const ofCallbacks: readonly Place[] = (Object.keys(answered) as CallbackName[]).flatMap((name) =>
  answered[name].map(({ fate, value, asked, beside }, index): Place => {
    const [defaultAsked = {}, defaultBeside = {}] = reaching[name] ?? []
    return {
      what: `${name} (${index + 1})`,
      fate,
      label: name,
      asked: asked ?? defaultAsked,
      put: (text) => resource({ ...usual, ...(beside ?? defaultBeside), [name]: () => value(text) } as Spec),
    }
  }),
)

const post: Asked = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'a' }
const accepting = (answer: (text: string) => unknown) => (text: string) =>
  resource({ ...usual, contentTypesAccepted: { 'text/plain': () => answer(text) as true } })
const stopping =
  (...[status, answer]: [number, (text: string) => object]) =>
  (text: string) =>
    resource({ ...usual, forbidden: () => stop(status, answer(text)) })
const streaming = (
  endpoint: Omit<Parameters<typeof loop>[0], 'format'> & { format?: ReturnType<typeof sse> },
) => loop({ format: text(), ...endpoint } as Parameters<typeof loop>[0])

const others: readonly Place[] = [
  { what: '{ created }', fate: 'encoded', asked: post, put: accepting((text) => ({ created: `/${text}` })) },
  { what: '{ seeOther }', fate: 'encoded', asked: post, put: accepting((text) => ({ seeOther: text })) },
  { what: '{ body } of who accepts', fate: 'body', asked: post, put: accepting((text) => ({ body: text })) },
  {
    what: 'a header that stop() sets',
    fate: 'field',
    label: 'stop',
    put: stopping(200, (text) => ({ headers: { 'X-Own': text } })),
  },
  {
    what: 'the name of a header that stop() sets',
    fate: 'token',
    label: 'stop',
    put: stopping(200, (text) => ({ headers: { [text]: 'own' } })),
  },
  {
    what: 'the Content-Type that stop() sets',
    fate: 'field',
    label: 'stop',
    put: stopping(200, (text) => ({ headers: { 'Content-Type': text }, body: 'hello' })),
  },
  { what: 'the detail of stop()', fate: 'body', put: stopping(403, (text) => ({ detail: text })) },
  { what: 'the body of stop()', fate: 'body', put: stopping(403, (text) => ({ body: text })) },
  {
    what: 'stop() of subscribe',
    fate: 'field',
    label: 'stop',
    put: (text) => streaming({ subscribe: () => stop(400, { headers: { 'X-Own': text } }) }),
  },
  {
    what: 'headers of a loop',
    fate: 'field',
    label: 'headers',
    put: (text) => streaming({ headers: () => ({ 'X-Own': text }), subscribe: () => [] }),
  },
  {
    what: 'the names of headers of a loop',
    fate: 'token',
    label: 'headers',
    put: (text) => streaming({ headers: () => ({ [text]: 'own' }), subscribe: () => [] }),
  },
  {
    what: 'clientKey',
    fate: 'unsent',
    put: (text) => streaming({ stream: { clientKey: () => text }, subscribe: () => [] }),
  },
  {
    what: 'an error that a callback throws',
    fate: 'unsent',
    label: 'a',
    put: (text) =>
      resource({
        ...hello,
        forbidden: () => {
          throw Object.assign(new TypeError(`a ${text}`), { headers: { [text]: text } })
        },
      }),
  },
  {
    what: 'the data of an event',
    fate: 'body',
    put: (text) => streaming({ format: sse(), subscribe: () => [event(text)] }),
  },
  {
    what: 'the comment of an event',
    fate: 'body',
    put: (text) => streaming({ format: sse(), subscribe: () => [event('a', { comment: text })] }),
  },
]

/** Events whose metadata is a text, sent before the head. */
const ofEvents: readonly Place[] = (['id', 'type', 'retry'] as const).map((name) => ({
  what: `the ${name} of an event`,
  fate: name === 'retry' ? 'refused' : 'line',
  label: name,
  put: (text) =>
    streaming({
      format: sse(),
      subscribe: ({ send }) => {
        send(event('a', { [name]: text }))
        return []
      },
    }),
}))

/** What is declared, and refused there: formats, and what they are made with. */
export const declarations: readonly {
  readonly what: string
  readonly fate: Fate
  make(text: string): unknown
}[] = [
  ...(Object.keys(answered) as CallbackName[]).flatMap((name) =>
    answered[name]
      .filter(({ fate }) => fate === 'field' || fate === 'token' || fate === 'refused')
      .map(({ fate, value, beside }, index) => ({
        what: `${name} (${index + 1})`,
        fate,
        make: (text: string) =>
          resource({ ...usual, subscribe: () => [], ...beside, [name]: value(text) } as Spec),
      })),
  ),
  {
    what: 'headers of a loop',
    fate: 'field',
    make: (text) => streaming({ headers: { 'X-Own': text }, subscribe: () => [] }),
  },
  {
    what: 'the names of headers of a loop',
    fate: 'token',
    make: (text) => streaming({ headers: { [text]: 'own' }, subscribe: () => [] }),
  },
  { what: 'raw()', fate: 'token', make: (text) => raw(`text/${text}`) },
  { what: 'sse({ mediaType })', fate: 'token', make: (text) => sse({ mediaType: `text/${text}` }) },
  {
    what: 'ndjson({ mediaType })',
    fate: 'field',
    make: (text) => ndjson({ mediaType: `text/a;a="${text}"` }),
  },
  { what: 'multipart()', fate: 'token', make: (text) => multipart(`text/${text}`) },
  {
    what: 'multipart(…, { mediaType })',
    fate: 'token',
    make: (text) => multipart('text/plain', { mediaType: `multipart/${text}` }),
  },
  {
    what: 'format({ mediaType })',
    fate: 'token',
    make: (text) => format({ mediaType: ['text/plain', `text/${text}`], encode: () => '' }),
  },
  {
    what: 'resources()',
    fate: 'refused',
    make: (text) => resources({ '/': { isAuthorised: text } as never }),
  },
]

export const places: readonly Place[] = [...ofCallbacks, ...others, ...ofEvents]
