// Makes the instruments of a registry once, however often they are asked for, and lets go of them with the last who asked.
import { shared } from '../brand.js'
import { Measuring } from './measuring.js'
import { type PrometheusClient, PrometheusInstruments, type PrometheusRegistry } from './prom-client.js'
import type { Subjects } from './watched.js'

interface Registered {
  readonly instruments: PrometheusInstruments
  readonly measuring: Measuring
  users: number
}

/** By registry and prefix. Two copies of the package may not make the same instruments. */
const all = shared('metrics', () => new WeakMap<PrometheusRegistry, Map<string, Registered>>())

/** Measures in the instruments of a registry; returns a function that stops it. */
export function measureIn(
  register: PrometheusRegistry,
  prefix: string,
  client: () => PrometheusClient,
  subjects: Subjects,
): () => void {
  const own = all.get(register) ?? new Map<string, Registered>()
  all.set(register, own)
  let found = own.get(prefix)
  if (found && !found.instruments.areRegistered) {
    found.measuring.stop()
    // of those that are left a second cannot be made
    found.instruments.remove()
    found = undefined
  }
  const registered = found ?? made(client(), register, prefix)
  own.set(prefix, registered)
  registered.measuring.add(subjects)
  registered.users += 1
  let isStopped = false
  return () => {
    if (isStopped) return
    isStopped = true
    registered.users -= 1
    if (registered.users > 0) return
    registered.measuring.stop()
    registered.instruments.remove()
    if (own.get(prefix) === registered) own.delete(prefix)
  }
}

function made(client: PrometheusClient, register: PrometheusRegistry, prefix: string): Registered {
  const instruments = new PrometheusInstruments(client, register, prefix, () => measuring.read())
  const measuring: Measuring = new Measuring(instruments)
  return { instruments, measuring, users: 0 }
}
