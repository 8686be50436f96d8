// Listens to the targets that streams depend on: one set of listeners for each, however many streams watch it.
import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { afterTurns } from '../clock.js'
import { quietly } from '../guard.js'
import { isPromise, nextTurn } from '../promise.js'
import { hasMethod } from '../rules.js'
import { apart } from '../scope.js'

/** Called once when the target dies: with an error if it failed, with undefined if it ended in peace. */
export type Down = (error?: unknown) => void

/** What was attached to a target. */
export interface Attached {
  readonly undo?: () => unknown
  /** Resolves once a target that was dead from the start has told. */
  readonly known?: Promise<unknown>
}

/** A Node stream, or what is like one. */
export type StreamLike = EventEmitter & {
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
export function react(target: object, down: Down, add: (told: Down) => void): Attached {
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

/** Turns for which the listeners of a target stay after its last watch: what a stream's end breaks may say so late. */
const turnsAfterLast = 3

/** The watchers of an emitter, sharing one set of listeners. */
const watchers = new WeakMap<object, { readonly all: Set<Down>; readonly unlisten: () => void }>()

export function listen(
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
  const forget = () => {
    if (all.size > 0 || watchers.get(target) !== watching) return
    watchers.delete(target)
    // one that is being destroyed may tell its error after that
    if (isBreaking(target)) tolerate(target)
    quietly(unlisten)
  }
  return {
    undo() {
      all.delete(down)
      if (all.size > 0) return
      // an `error` that no listener hears ends the process: only an emitter's
      if (isEmitter(target)) apart(() => afterTurns(turnsAfterLast, forget))
      else forget()
    },
  }
}

/** What it was made with was aborted, or it was destroyed, and has not told all yet. */
function isBreaking(target: object): boolean {
  const { destroyed, closed, killed, exitCode, signalCode } = target as StreamLike & Partial<ChildProcess>
  return killed ? exitCode === null && signalCode === null : destroyed === true && closed !== true
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

export function isEmitter(target: unknown): target is EventEmitter {
  return target instanceof EventEmitter || (hasMethod(target, 'on') && hasMethod(target, 'off'))
}

export function isEventTarget(target: unknown): target is EventTarget {
  return hasMethod(target, 'addEventListener')
}

const tolerated = new WeakSet<object>()

/**
 * Makes the failure of a target that nobody watches harmless: it was given to `monitor`, so nothing else handles it.
 * However often it is called, a target has one listener of it.
 */
export function tolerate(target: unknown): void {
  if (typeof target !== 'object' || target === null || tolerated.has(target)) return
  tolerated.add(target)
  apart(() =>
    quietly(() => {
      if (isPromise(target)) return target
      if (isEmitter(target)) target.on('error', () => {})
    }),
  )
}
