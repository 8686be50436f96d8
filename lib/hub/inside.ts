// Shows what lies behind a hub to the parts of the library that observe it.
import type { ChannelInside, HubInside } from '../values/inside.js'
import type { Channel } from './channel.js'
import type { Names } from './names.js'
import { tap } from './tap.js'

export function insideOf(backend: string, isUp: boolean, channels: Names<Channel<never>>): HubInside {
  return {
    backend,
    isUp,
    /** Made as they are asked for. */
    get channels() {
      return shownOf(channels)
    },
    channel(name) {
      const channel = channels.get(name)
      return channel && new InsideOfChannel(channel)
    },
  }
}

function* shownOf(channels: Iterable<Channel<never>>): Iterable<ChannelInside> {
  for (const channel of channels) yield new InsideOfChannel(channel)
}

/** There may be very many channels: what is shown of each is made of one class, not of functions of its own. */
class InsideOfChannel implements ChannelInside {
  readonly #channel: Channel<never>

  constructor(channel: Channel<never>) {
    this.#channel = channel
  }

  get name(): string {
    return this.#channel.root.name
  }

  get channel(): ChannelInside['channel'] {
    return this.#channel as never
  }

  get subscribers(): number {
    return this.#channel.subscribers
  }

  get source(): ChannelInside['source'] {
    return this.#channel.root.source
  }

  get hasEnded(): boolean {
    return this.#channel.root.hasEnded
  }

  retained(): ReturnType<ChannelInside['retained']> {
    return this.#channel.root.retained()
  }

  tap(listener: Parameters<ChannelInside['tap']>[0]): () => void {
    return tap(this.#channel.root, listener)
  }
}
