import { createHash } from 'node:crypto'
import { createClient } from '@redis/client'
import { scripts } from '../../../lib/redis/scripts.js'

/** What a client sends scripts with. */
type Command = readonly string[]

/**
 * The library's scripts, as a server of the specs gets them: their time is not the server's, but the last argument. It
 * is for specs alone that a store's time can be turned, so nothing in the library knows of it.
 */
const timed = new Map(
  Object.values(scripts).map(({ text, sha }) => {
    const given = text.replaceAll(`redis.call('TIME')`, 'given')
    const own = `local ms = tonumber(table.remove(ARGV))
local given = { math.floor(ms / 1000), ms % 1000 * 1000 }
${given}`
    return [sha, { text, own, sha: createHash('sha1').update(own).digest('hex') }]
  }),
)
const byText = new Map([...timed.values()].map((script) => [script.text, script.own]))

function inTime([name, script, ...rest]: Command, ms: number): Command {
  if (name === 'EVALSHA') return [name, timed.get(script!)!.sha, ...rest, String(ms)]
  return name === 'EVAL' ? [name, byText.get(script!)!, ...rest, String(ms)] : [name!, script!, ...rest]
}

type Client = ReturnType<typeof createClient>

/** The client of one backend: a test sees when nothing is on its way, and gives the time of the store. */
export class Observed {
  readonly client: Client
  readonly #subscribers = new Map<Client, () => Promise<unknown>>()
  readonly #pending = new Set<Promise<unknown>>()
  #asked = 0
  #seen = 0

  /** @param now the time of the store, in whole milliseconds; its own if none is given */
  constructor(url: string, now?: () => number) {
    this.client = createClient({ url })
    const duplicate = this.client.duplicate.bind(this.client)
    this.client.duplicate = ((overrides: never) =>
      this.#observed(duplicate(overrides) as Client, now)) as never
  }

  /** Something was asked since it was at rest last. */
  get isBusy(): boolean {
    return this.#asked !== this.#seen || this.#pending.size > 0
  }

  /** Waits until all that was asked is answered, and all told that was published by then. */
  async rest(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending)
    this.#seen = this.#asked
    // what was told on a connection has come before the answer to what was asked last on it
    await Promise.allSettled([...this.#subscribers].map(([{ isOpen }, ping]) => isOpen && ping()))
  }

  #observed(made: Client, now: (() => number) | undefined): Client {
    const send = made.sendCommand.bind(made)
    for (const name of ['connect', 'subscribe', 'unsubscribe', 'sendCommand'] as const) {
      const call = (made[name] as (...given: unknown[]) => Promise<unknown>).bind(made)
      const asked = (...[first, ...more]: unknown[]) => {
        this.#asked += 1
        if (name === 'subscribe') this.#subscribers.set(made, () => send(['PING']))
        const answer = call(name === 'sendCommand' && now ? inTime(first as Command, now()) : first, ...more)
        this.#pending.add(answer)
        const done = () => this.#pending.delete(answer)
        answer.then(done, done)
        return answer
      }
      Object.assign(made, { [name]: asked })
    }
    made.on('end', () => this.#subscribers.delete(made))
    return made
  }
}
