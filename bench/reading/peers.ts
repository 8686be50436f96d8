import { createRequire } from 'node:module'
import { buildSync } from 'esbuild'
import { EventSource } from 'eventsource'
import { createEventSource } from 'eventsource-client'
import { createParser } from 'eventsource-parser'
import { follow } from '../../lib/client.js'

/** What each event says. */
export interface Said {
  readonly n: number
}

/** Reads a stream, and hands on the data of each event, parsed. Returns how to stop. */
export type Read = (url: string, take: (said: Said) => void) => () => void

export type Name = keyof typeof peers

/** All that read the same events, each as its docs say. */
export const peers = {
  'express-lariat/client, SSE': { path: '/sse', read: followed('text/event-stream') },
  'express-lariat/client, NDJSON': { path: '/ndjson', read: followed('application/x-ndjson') },
  'fetch, eventsource-parser': { path: '/sse', read: parsed },
  'eventsource-client, for await': { path: '/sse', read: iterated },
  'eventsource-client, onMessage': {
    path: '/sse',
    read: (url, take) => {
      const source = createEventSource({ url, onMessage: ({ data }) => take(JSON.parse(data)) })
      return () => source.close()
    },
  },
  '@microsoft/fetch-event-source': { path: '/sse', read: microsoft },
  eventsource: {
    path: '/sse',
    read: (url, take) => {
      const source = new EventSource(url)
      source.onmessage = ({ data }) => take(JSON.parse(data))
      return () => source.close()
    },
  },
} as const satisfies Readonly<Record<string, { path: string; read: Read }>>

export const names = Object.keys(peers) as Name[]

function followed(accept: string): Read {
  return (url, take) => {
    const stream = follow<Said>(url, { accept })
    void (async () => {
      for await (const { data } of stream) take(data)
    })()
    return () => stream.close()
  }
}

function iterated(url: string, take: (said: Said) => void): () => void {
  const source = createEventSource({ url })
  void (async () => {
    for await (const { data } of source) take(JSON.parse(data))
  })()
  return () => source.close()
}

function parsed(url: string, take: (said: Said) => void): () => void {
  const leaving = new AbortController()
  const parser = createParser({ onEvent: ({ data }) => take(JSON.parse(data)) })
  void (async () => {
    const { body } = await fetch(url, { signal: leaving.signal })
    const decoder = new TextDecoder()
    for await (const chunk of body!) parser.feed(decoder.decode(chunk, { stream: true }))
  })().catch(() => {})
  return () => leaving.abort()
}

/** The package is for pages: here it gets a `window` and a `document` of its own. */
function microsoft(url: string, take: (said: Said) => void): () => void {
  const { outputFiles } = buildSync({
    entryPoints: [createRequire(import.meta.url).resolve('@microsoft/fetch-event-source')],
    bundle: true,
    format: 'iife',
    globalName: 'loaded',
    write: false,
  })
  const load = new Function('window', 'document', `${outputFiles[0]!.text}; return loaded.fetchEventSource`)
  const fetchEventSource = load(globalThis, new EventTarget())
  const leaving = new AbortController()
  const onmessage = ({ data }: { data: string }) => {
    // an id-only frame, or a `retry`, is an event to it
    if (data !== '') take(JSON.parse(data))
  }
  void fetchEventSource(url, { onmessage, signal: leaving.signal, openWhenHidden: true })
  return () => leaving.abort()
}
