// Decides when a target that a stream depends on is dead.
import { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import * as stream from 'node:stream'
import { Worker } from 'node:worker_threads'
import type { Watched } from '../declare/context.js'
import { misuse, show } from '../errors.js'
import { forsake, quietly } from '../guard.js'
import { isPromise, nextTurn } from '../promise.js'
import { apart } from '../scope.js'
import { isWebStream } from '../values/readable.js'

/** Called once when the target dies, with its error if there is one. */
type Down = (error?: unknown) => void

/** A watch over one target. */
export interface Watch {
  /** Resolves once a target that was dead from the start has reported it; absent if that is known at once. */
  readonly known?: Promise<unknown>
  stop(): unknown
}

/**
 * Watches a target: Erlang's `monitor`. A target that is already dead is reported at once.
 *
 * Dead is a Node stream at close, error or end; a Web stream closed or errored; a ChildProcess or Worker at
 * exit; an AbortSignal aborted; a promise settled; an EventEmitter or EventTarget at `close` or `error`; and
 * anything with `onDown` when it calls back.
 *
 * @throws TypeError for a value that cannot be watched
 */
export function watch(target: Watched, down: Down): Watch {
  // user code may keep `once`; it must not keep the stream alive
  let tell: Down | undefined = down
  let isWatching = true
  let unwatch: (() => unknown) | undefined
  const stop = () => {
    tell = undefined
    isWatching = false
    const undo = unwatch
    unwatch = undefined
    return undo?.()
  }
  const once: Down = (error) => {
    const told = tell
    tell = undefined
    told?.(error)
    quietly(stop)
  }
  const { known, undo } = attach(target, once)
  if (isWatching) unwatch = undo
  else forsake(undo?.())
  return { stop, ...(known && { known }) }
}

interface Attached {
  readonly undo?: () => unknown
  readonly known?: Promise<unknown>
}

function attach(target: Watched, down: Down): Attached {
  if (isWatchable(target)) {
    const undo = target.onDown(down)
    if (typeof undo === 'function') return { undo: undo as () => unknown }
    forsake(undo)
    return {}
  }
  if (isPromise(target)) return attachPromise(target, down)
  if (isWebStream(target) || target instanceof WritableStream) return attachWebStream(target, down)
  if (target instanceof ChildProcess) return attachChild(target, down)
  if (target instanceof Worker) return attachWorker(target, down)
  if (target instanceof AbortSignal) return attachSignal(target, down)
  if (isStreamLike(target)) return attachStreamLike(target, down)
  if (isEmitter(target)) return listen(target, down, (told) => ({ close: () => told(), error: told }))
  if (isEventTarget(target)) {
    const failed = (told: Down) => (event: unknown) => told((event as { error?: unknown }).error)
    return listen(target, down, (told) => ({ close: () => told(), error: failed(told) }))
  }
  throw misuse(
    'LARIAT_ANSWER',
    `monitor(${show(target)}): expected a Node or Web stream, a ChildProcess, a Worker, an AbortSignal, ` +
      'a promise, an EventEmitter, an EventTarget, or an object with onDown(callback)',
  )
}

/** A settled promise calls its reactions within a few microtasks. */
function attachPromise(target: PromiseLike<unknown>, down: Down): Attached {
  return react(target, down, (told) => void target.then(() => told(), told))
}

function attachWebStream(target: object, down: Down): Attached {
  return react(target, down, (told) => {
    stream.finished(target as NodeJS.ReadableStream, (error) => told(error ?? undefined))
  })
}

function attachChild(target: ChildProcess, down: Down): Attached {
  if (target.exitCode !== null || target.signalCode !== null) down()
  // 'error' is fatal only if the child could not start; without a listener it would end the process
  const failed = (told: Down) => (error: unknown) => {
    if (target.pid === undefined) told(error)
  }
  const attached = listen(target, down, (told) => ({ exit: () => told(), error: failed(told) }))
  return target.pid === undefined ? { ...attached, known: nextTurn() } : attached
}

function attachWorker(target: Worker, down: Down): Attached {
  if (target.threadId === -1) down()
  return listen(target, down, (told) => ({ exit: () => told(), error: told }))
}

function attachSignal(target: AbortSignal, down: Down): Attached {
  if (target.aborted) down(target.reason)
  return listen(target, down, (told) => ({ abort: () => told(target.reason) }))
}

function attachStreamLike(target: StreamLike, down: Down): Attached {
  // a transform still has output after its input has ended
  const hasEnded = 'readableEnded' in target ? target.readableEnded : target.writableFinished
  if (target.destroyed || target.closed || hasEnded) down(target.errored ?? undefined)
  return listen(target, down, (told) => ({ close: () => told(), end: () => told(), error: told }))
}

type StreamLike = EventEmitter & {
  readonly destroyed?: boolean
  readonly closed?: boolean
  readonly readableEnded?: boolean
  readonly writableFinished?: boolean
  readonly errored?: Error | null
}

type Listeners = Readonly<Record<string, (...values: unknown[]) => void>>

/** The watchers of a target that cannot forget a reaction, and its death once known. */
interface Reaction {
  readonly all: Set<Down>
  death?: { readonly error?: unknown }
}

const reactions = new WeakMap<object, Reaction>()

/** Shares one reaction per target, since reactions cannot be removed. */
function react(target: object, down: Down, add: (told: Down) => void): Attached {
  let reaction = reactions.get(target)
  if (!reaction) {
    const made: Reaction = { all: new Set() }
    reaction = made
    reactions.set(target, made)
    // a pending promise keeps the async context in which its reaction was added
    apart(() =>
      add((error) => {
        made.death = { error }
        for (const each of [...made.all]) each(error)
      }),
    )
  }
  if (reaction.death) down(reaction.death.error)
  const { all, death } = reaction
  if (death) return {}
  all.add(down)
  return { undo: () => all.delete(down), known: nextTurn() }
}

/** The watchers of an emitter, sharing one set of listeners. */
const watchers = new WeakMap<object, { readonly all: Set<Down>; readonly unlisten: () => void }>()

function listen(
  target: EventEmitter | EventTarget,
  down: Down,
  listeners: (told: Down) => Listeners,
): Attached {
  let watching = watchers.get(target)
  if (!watching) {
    const all = new Set<Down>()
    const tellAll: Down = (error) => {
      for (const each of [...all]) each(error)
    }
    watching = { all, unlisten: addListeners(target, listeners(tellAll)) }
    watchers.set(target, watching)
  }
  const { all, unlisten } = watching
  all.add(down)
  return {
    undo() {
      all.delete(down)
      if (all.size > 0) return
      watchers.delete(target)
      unlisten()
    },
  }
}

function addListeners(target: EventEmitter | EventTarget, listeners: Listeners): () => void {
  const isTarget = isEventTarget(target)
  for (const [name, listener] of Object.entries(listeners)) {
    if (isTarget) target.addEventListener(name, listener)
    else target.on(name, listener)
  }
  return () => {
    for (const [name, listener] of Object.entries(listeners)) {
      if (isTarget) target.removeEventListener(name, listener)
      else target.off(name, listener)
    }
  }
}

function isWatchable(target: unknown): target is { onDown(callback: Down): unknown } {
  return has(target, 'onDown')
}

function isStreamLike(target: unknown): target is StreamLike {
  return isEmitter(target) && (has(target, 'pipe') || has(target, '_write') || has(target, 'write'))
}

function isEmitter(target: unknown): target is EventEmitter {
  return target instanceof EventEmitter || (has(target, 'on') && has(target, 'off'))
}

function isEventTarget(target: unknown): target is EventTarget {
  return has(target, 'addEventListener')
}

function has(target: unknown, method: string): boolean {
  return (
    typeof target === 'object' &&
    target !== null &&
    typeof (target as Record<string, unknown>)[method] === 'function'
  )
}
