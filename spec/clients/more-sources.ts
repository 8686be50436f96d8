import { createRequire } from 'node:module'
import { buildSync } from 'esbuild'
import { EventSourcePlus } from 'event-source-plus'
import { EventSource as Fifth } from 'eventsource-5'
import { createEventSource } from 'eventsource-client'
import { EventSource as Extended } from 'extended-eventsource'
import { listen, type Source } from './event-sources.js'
import { type Listener, Listening, type ListenOptions, types } from './listener.js'

const require = createRequire(import.meta.url)

/** It has no types. */
const { EventSource: LaunchDarkly } = require('launchdarkly-eventsource') as {
  EventSource: new (url: string, options: { initialRetryDelayMillis: number }) => Source
}

/** An event as a client hands it to its one callback. */
interface Message {
  readonly id?: string | undefined
  readonly event?: string | undefined
  readonly data: string
}

/** A client with one callback for all types. */
function calling(follow: (take: (message: Message) => void) => () => void, options: ListenOptions = {}) {
  const { types: wanted = types } = options
  // a client may call back before it has been made
  const listening = new Listening(() => close())
  const close = follow(({ id = '', event, data }) => {
    const type = event || 'message'
    if (wanted.includes(type)) listening.takes({ id, type, data })
  })
  return listening
}

type FetchEventSource = typeof import('@microsoft/fetch-event-source').fetchEventSource

let loaded: FetchEventSource | undefined

/** The package is for pages: here it gets a `window` and a `document` of its own. */
function fetchEventSource(): FetchEventSource {
  loaded ??= loadFetchEventSource()
  return loaded
}

function loadFetchEventSource(): FetchEventSource {
  const { outputFiles } = buildSync({
    entryPoints: [require.resolve('@microsoft/fetch-event-source')],
    bundle: true,
    format: 'iife',
    globalName: 'loaded',
    write: false,
  })
  const load = new Function('window', 'document', `${outputFiles[0]!.text}; return loaded.fetchEventSource`)
  return load(globalThis, new EventTarget())
}

/** More clients that come back by themselves. */
export const more: readonly Listener[] = [
  { name: 'eventsource 5', listen: (url, options) => listen(new Fifth(url) as Source, options) },
  {
    name: 'eventsource-client',
    listen: (url, options) =>
      calling((onMessage) => {
        const source = createEventSource({ url, onMessage })
        return () => source.close()
      }, options),
  },
  {
    name: 'launchdarkly-eventsource',
    listen: (url, options) => listen(new LaunchDarkly(url, { initialRetryDelayMillis: 10 }), options),
  },
  {
    name: 'event-source-plus',
    listen: (url, options) =>
      calling((onMessage) => {
        const controller = new EventSourcePlus(url).listen({ onMessage })
        return () => controller.abort()
      }, options),
  },
  {
    name: 'extended-eventsource',
    listen: (url, options) =>
      listen(new Extended(url, { disableLogger: true }) as unknown as Source, options),
  },
  {
    name: '@microsoft/fetch-event-source',
    listen: (url, options) =>
      calling((onmessage) => {
        const leaving = new AbortController()
        void fetchEventSource()(url, { onmessage, signal: leaving.signal, openWhenHidden: true })
        return () => leaving.abort()
      }, options),
  },
]
