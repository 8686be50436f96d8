import { EventSource as Package } from 'eventsource'
import { EventSource as Undici } from 'undici'
import { type Listener, Listening, type ListenOptions, types } from './listener.js'

/** As much of it as is the same in all of them. */
export interface Source {
  readonly readyState: number
  addEventListener(type: string, listener: (event: MessageEvent) => void): void
  close(): void
}

export function listen(source: Source, { closesOn, types: wanted = types }: ListenOptions = {}): Listening {
  const listening = new Listening(() => source.close())
  for (const type of wanted) {
    source.addEventListener(type, ({ data, lastEventId }) => {
      if (type === closesOn) {
        source.close()
        listening.isClosed = true
      }
      listening.takes({ id: lastEventId, type, data })
    })
  }
  source.addEventListener('open', () => listening.begins())
  source.addEventListener('error', () => listening.fails({ isClosed: source.readyState === 2 }))
  return listening
}

/** undici warns once that its EventSource is experimental. */
function quietly<T>(make: () => T): T {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return make()
  } finally {
    process.emitWarning = emitWarning
  }
}

export const packages: readonly Listener[] = [
  { name: 'eventsource', listen: (url, options) => listen(new Package(url) as Source, options) },
  {
    name: "undici's EventSource",
    listen: (url, options) => listen(quietly(() => new Undici(url)) as Source, options),
  },
]
