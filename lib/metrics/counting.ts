// Counts what the diagnostics channels tell of the endpoints and hubs that are measured.

import type { Refused } from '../declare/decisions.js'
import { channels } from '../diagnostics.js'
import { report } from '../errors.js'
import { safely } from '../guard.js'
import type {
  BackendTurn,
  Delivered,
  OfStream,
  Publication,
  StreamBegun,
  StreamEnded,
  StreamOpened,
  StreamResumed,
} from '../values/diagnostics.js'
import type { Sink } from './instruments.js'
import { published } from './known.js'
import type { Sums } from './sums.js'
import type { Watched } from './watched.js'

/** Starts to count. Streams that have ended are added to `ended`. Returns the function that stops it. */
export function count(watched: Watched, sink: Sink, ended: Sums): () => void {
  const labelsOf = ({ endpoint, route, format }: OfStream) => ({
    route: watched.routeOf(endpoint, route),
    format: watched.formatOf(format),
  })

  return listen({
    open(message: StreamOpened) {
      if (!watched.has(message.endpoint)) return
      const labels = labelsOf(message)
      sink.count('streams_opened_total', labels, 1)
      sink.time('head_seconds', labels, message.msToHead / 1000)
    },

    first(message: StreamBegun) {
      if (!watched.has(message.endpoint)) return
      sink.time('first_event_seconds', labelsOf(message), message.msToFirst / 1000)
    },

    end(message: StreamEnded) {
      if (!watched.has(message.endpoint)) return
      const labels = labelsOf(message)
      const sum = ended.of(labels.route, labels.format)
      sum.events += message.events
      sum.bytes += message.bytes
      sum.dropped += message.dropped
      if (!message.wasOpen) return
      sink.count('streams_ended_total', { ...labels, reason: message.reason.kind }, 1)
      sink.time('stream_life_seconds', labels, message.life / 1000)
    },

    refusal({ endpoint, route, status, question }: Refused) {
      if (!watched.has(endpoint)) return
      const labels = { route: watched.routeOf(endpoint, route), status: String(status), question }
      sink.count('refused_total', labels, 1)
    },

    resume({ endpoint, route, outcome }: StreamResumed) {
      if (!watched.has(endpoint)) return
      const labels = {
        route: watched.routeOf(endpoint, route),
        outcome: outcome === 'earliest' ? 'found' : outcome,
      }
      sink.count('resumed_total', labels, 1)
    },

    publish({ hub, channel, outcome, ms }: Publication) {
      if (!watched.hubOf(hub)) return
      const labels = { channel: watched.channels.of(channel), outcome: published[outcome] }
      sink.count('published_total', labels, 1)
      sink.time('publish_seconds', labels, ms / 1000)
    },

    delivery({ hub, channel, ms }: Delivered) {
      // the clock of a store may be ahead of this one
      if (watched.hubOf(hub))
        sink.time('delivery_seconds', { channel: watched.channels.of(channel) }, Math.max(0, ms) / 1000)
    },

    backend({ hub, state }: BackendTurn) {
      const store = watched.hubOf(hub)
      if (store && state === 'down') sink.count('backend_lost_total', { backend: store.backend }, 1)
    },
  })
}

type Listeners = { readonly [Name in keyof typeof channels]?: (message: never) => void }

/** A failure of the instruments is told once: what is counted goes on, and a message may not end the process. */
function listen(listeners: Listeners): () => void {
  let hasFailed = false
  const failed = (error: unknown) => {
    if (!hasFailed) report('Metrics: counting failed', error)
    hasFailed = true
  }
  const entries = Object.entries(listeners).map(([name, listener]) => {
    const told = (message: unknown) => safely(() => listener(message as never), failed)
    return [channels[name as keyof typeof channels], told] as const
  })
  for (const [channel, listener] of entries) channel.subscribe(listener)
  return () => {
    for (const [channel, listener] of entries) channel.unsubscribe(listener)
  }
}
