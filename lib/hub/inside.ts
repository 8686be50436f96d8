// Shows what lies behind a hub to the parts of the library that observe it.
import type { ChannelInside, HubInside } from '../values/inside.js'
import type { Channel } from './channel.js'
import type { Names } from './names.js'
import { tap } from './tap.js'

export function insideOf(backend: string, isUp: boolean, channels: Names<Channel<never>>): HubInside {
  return {
    backend,
    isUp,
    get channels() {
      return [...channels].map(channelInside)
    },
    channel(name) {
      const channel = channels.get(name)
      return channel && channelInside(channel)
    },
  }
}

function channelInside(channel: Channel<never>): ChannelInside {
  const { root } = channel
  return {
    name: root.name,
    channel: channel as never,
    get subscribers() {
      return channel.subscribers
    },
    get source() {
      return root.source
    },
    get hasEnded() {
      return root.hasEnded
    },
    retained: () => root.retained(),
    tap: (listener) => tap(root, listener),
  }
}
