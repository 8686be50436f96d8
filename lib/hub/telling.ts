// Tells the diagnostics channels what becomes of publishes, deliveries and backends.
import { clock } from '../clock.js'
import { channels } from '../diagnostics.js'
import type { BackendTurn, Delivered, Publication } from '../values/diagnostics.js'
import type { Hub } from '../values/feed.js'

/** Publishes, and tells what came of it. `publish` is given a function to call for an event that is appended. */
export async function tellingOutcome(
  { hub, channel }: Pick<Publication, 'hub' | 'channel'>,
  publish: (appended: () => void) => Promise<string>,
): Promise<string> {
  const since = clock.now()
  let isNew = false
  const tellOf = (outcome: Publication['outcome'], id?: string, error?: unknown) => {
    const ms = clock.now() - since
    channels.publish.publish({ hub, channel, outcome, ms, id, error } satisfies Publication)
  }
  try {
    const id = await publish(() => {
      isNew = true
    })
    tellOf(isNew ? 'confirmed' : 'duplicate', id)
    return id
  } catch (error) {
    const { isUncertain } = Object(error) as { isUncertain?: unknown }
    tellOf(isUncertain === true ? 'uncertain' : 'refused', undefined, error)
    throw error
  }
}

/** Events of a channel were handed to the last stream. */
export function delivered(delivery: Delivered): void {
  channels.delivery.publish(delivery)
}

/** The store of a hub is lost, or back. */
export function turned(hub: Hub, state: BackendTurn['state']): void {
  channels.backend.publish({ hub, state } satisfies BackendTurn)
}
