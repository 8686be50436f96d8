import { expect } from 'chai'
import { callbacks } from '../../lib/declare/callbacks.js'
import { ndjson, resource } from '../../lib/index.js'
import { onBoth, writable } from '../support/http.js'
import type { Ask } from '../support/raw.js'
import { staged } from '../support/stage.js'
import { deciding } from './deciding.js'
import { type Fault, type Foreign, faults } from './faults.js'
import { meet, type Seen, settle, silently } from './meet.js'

const post: Ask = { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: 'x' }
const put: Ask = { ...post, method: 'PUT' }
const remove: Ask = { method: 'DELETE' }
const missing = { resourceExists: false }

/** What leads to a callback, where it is not a GET of a resource that is there. */
const ways: Readonly<Record<string, { ask?: Ask; spec?: object }>> = {
  options: { ask: { method: 'OPTIONS' } },
  headers: { spec: { contentTypesProvided: [ndjson()] } },
  languagesProvided: { ask: { headers: { 'Accept-Language': 'en' } } },
  charsetsProvided: { ask: { headers: { 'Accept-Charset': 'utf-8' } } },
  encodingsProvided: { ask: { headers: { 'Accept-Encoding': 'gzip' } } },
  contentTypesAccepted: { ask: post },
  allowMissingPost: { ask: post, spec: missing },
  isConflict: { ask: put },
  deleteResource: { ask: remove },
  deleteCompleted: { ask: remove, spec: { deleteResource: true } },
  previouslyExisted: { spec: missing },
  movedPermanently: { spec: { ...missing, previouslyExisted: true } },
  movedTemporarily: { spec: { ...missing, previouslyExisted: true } },
  'an accept callback': { ask: post },
}

/** Callbacks for which nothing is an answer. */
const optional: readonly string[] = [
  'init',
  ...Object.entries(callbacks)
    .filter(([, { fits }]) => fits(undefined))
    .map(([name]) => name),
]

/** Where a callback stands in a spec: a provider and an accept callback are within others. */
function placed(name: string, callback: Foreign): object {
  if (name === 'a provider') return { contentTypesProvided: { 'text/plain': callback } }
  if (name === 'an accept callback') return { contentTypesAccepted: { 'text/plain': callback } }
  return { [name]: callback }
}

function seen(name: string, fault: Fault): Seen | readonly Seen[] {
  if (fault === 'never answers') return '503'
  // the first call counts
  if (fault === 'calls back twice, then throws' && optional.includes(name))
    return ['200', '204', '301', '404']
  return '500'
}

onBoth('A callback that decides (docs/guide/callbacks.md)', () => {
  staged()
  silently()

  for (const name of deciding) {
    for (const [fault, act] of Object.entries(faults) as [Fault, Foreign][]) {
      it(`${name} ${fault}: an answer, and nothing for the process`, async () => {
        let asked = 0
        const { ask, spec } = ways[name] ?? {}
        const endpoint = resource({
          ...writable,
          subscribe: () => {},
          ...spec,
          ...placed(name, (...given: never[]) => {
            asked += 1
            return act(...given)
          }),
        } as never)
        const { client, sees } = await meet(endpoint, { ...(ask && { ask }) })
        await sees(seen(name, fault))
        expect(asked, 'a callback without a way that leads to it').to.equal(1)
        expect(await settle(endpoint, client)).to.deep.equal([])
      })
    }
  }

  for (const name of ['isAuthorized', 'forbidden'] as const) {
    for (const [fault, act] of Object.entries(faults) as [Fault, Foreign][]) {
      it(`${name} ${fault} when it is asked again: the stream is over, and nothing for the process`, async () => {
        let asked = 0
        const endpoint = resource({
          contentTypesProvided: [ndjson()],
          subscribe: () => {},
          stream: { reauthorize: 1000 },
          [name]: (...given: never[]) => (asked++ === 0 ? callbacks[name].fallback : act(...given)),
        } as never)
        const { client, sees } = await meet(endpoint)
        await sees('200')
        expect(asked).to.equal(2)
        await settle(endpoint, client)
      })
    }
  }
})
