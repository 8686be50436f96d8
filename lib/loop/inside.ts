// Shows what lies behind an endpoint, and behind a stream, to the parts of the library that observe them.
import type { Plan } from '../declare/plan.js'
import { type Format, isFormat, mediaTypesOf, wire } from '../formats/format.js'
import type { EndpointInside, Mount, StreamInside } from '../values/inside.js'
import type { Outlet } from '../wire/outlet.js'
import { tap } from '../wire/tap.js'
import type { OpenStreams } from './open-streams.js'

/** @param plans one for each place in which the endpoint is mounted */
export function insideOf(streams: OpenStreams, plans: readonly Plan[]): EndpointInside {
  return {
    get endpoint() {
      return streams.endpoint
    },
    streams,
    get isClosing() {
      return streams.isClosing
    },
    get mounts() {
      return mountsOf(plans)
    },
  }
}

/** An endpoint that is in a table is not mounted by itself, as far as is known. */
function mountsOf(plans: readonly Plan[]): readonly Mount[] {
  const inTables = plans.filter(({ route }) => route !== undefined)
  return (inTables.length > 0 ? inTables : plans).map(({ route, spec, provided, stream }) => {
    const { maxStreams, maxStreamsPerClient } = stream
    const { format } = spec as { format?: unknown }
    const formats = isFormat(format)
      ? typesOf(format)
      : (provided ?? []).flatMap(({ provider }) => typesOf(provider))
    return { route, formats, maxStreams, maxStreamsPerClient }
  })
}

function typesOf(provider: unknown): readonly string[] {
  return isFormat(provider) ? mediaTypesOf(provider as Format).slice(0, 1) : []
}

/** A stream, as it is looked at. */
export class InsideOfStream implements StreamInside {
  readonly endpoint: object
  readonly #outlet: Outlet

  constructor(endpoint: object, outlet: Outlet) {
    this.endpoint = endpoint
    this.#outlet = outlet
  }

  get headers(): object {
    return this.#outlet.res.req.headers
  }

  get hasEnvelope(): boolean {
    return this.#outlet.format[wire]?.envelope === true
  }

  get isBehind(): boolean {
    return this.#outlet.isBehind
  }

  get queuedBytes(): number {
    return this.#outlet.queuedBytes
  }

  tap(listener: (bytes: Uint8Array) => void): () => void {
    return tap(this.#outlet, listener)
  }
}
