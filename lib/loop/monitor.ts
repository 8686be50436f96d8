// Decides when a target that a stream depends on is dead, and whether it has failed.
import type { ChildProcess } from 'node:child_process'
import * as stream from 'node:stream'
import type { Worker } from 'node:worker_threads'
import type { Watched } from '../declare/context.js'
import { LariatError, misuse, show } from '../errors.js'
import { forsake, quietly } from '../guard.js'
import { isPromise, nextTurn } from '../promise.js'
import { hasMethod } from '../rules.js'
import { isWebStream } from '../values/readable.js'
import {
  type Attached,
  type Down,
  isEmitter,
  isEventTarget,
  listen,
  react,
  type StreamLike,
} from './listeners.js'

/** A watch over one target. */
export interface Watch {
  /** Resolves once a target that was dead from the start has reported it; absent if that is known at once. */
  readonly known?: Promise<unknown>
  /** The target is not dead, and will tell soon how it died. */
  readonly isDying: boolean
  stop(): unknown
}

/**
 * Watches a target: Erlang's `monitor`. A target that is already dead is reported at once.
 *
 * Dead is a Node stream at close, error or end; a Web stream closed or errored; a ChildProcess at `close`, once its
 * output has been read; a Worker at exit; an AbortSignal aborted; a promise settled; an EventEmitter or EventTarget at
 * `close` or `error`; and anything with `onDown` when it calls back.
 *
 * Failed is one that died of an error: an `error` event, a rejection, a stream destroyed with an error, an exit code
 * other than 0, a signal, an `onDown` that calls back with an error. An aborted AbortSignal has not failed.
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
  return {
    stop,
    ...(known && { known }),
    get isDying() {
      return isChild(target) && isDying(target)
    },
  }
}

function attach(target: Watched, down: Down): Attached {
  if (isWatchable(target)) {
    const undo = target.onDown((error) => down(error ?? undefined))
    if (typeof undo === 'function') return { undo: undo as () => unknown }
    forsake(undo)
    return {}
  }
  if (isPromise(target)) return attachPromise(target, down)
  if (isWebStream(target) || target instanceof WritableStream) return attachWebStream(target, down)
  if (isChild(target)) return attachChild(target, down)
  if (isWorker(target)) return attachWorker(target, down)
  if (target instanceof AbortSignal) return attachSignal(target, down)
  if (isStreamLike(target)) return attachStreamLike(target, down)
  if (isEmitter(target)) {
    return listen(target, down, (told) => ({
      close: () => told(),
      error: (error) => told(failure(error)),
    }))
  }
  if (isEventTarget(target)) {
    const failed = (told: Down) => (event: unknown) => told(failure((event as { error?: unknown }).error))
    return listen(target, down, (told) => ({ close: () => told(), error: failed(told) }))
  }
  throw misuse(
    'LARIAT_ANSWER',
    `monitor(${show(target)}): expected a Node or Web stream, a ChildProcess, a Worker, an AbortSignal, ` +
      'a promise, an EventEmitter, an EventTarget, or an object with onDown(callback)',
  )
}

// recognised by what they have: to load their modules costs every app, and few watch one

function isChild(target: unknown): target is ChildProcess {
  return isEmitter(target) && 'exitCode' in target && 'stdio' in target
}

function isWorker(target: unknown): target is Worker {
  return isEmitter(target) && hasMethod(target, 'postMessage') && 'threadId' in target
}

/** A settled promise calls its reactions within a few microtasks. */
function attachPromise(target: PromiseLike<unknown>, down: Down): Attached {
  return react(
    target,
    down,
    (told) =>
      void target.then(
        () => told(),
        (error) => told(failure(error)),
      ),
  )
}

function attachWebStream(target: object, down: Down): Attached {
  return react(target, down, (told) => {
    stream.finished(target as NodeJS.ReadableStream, (error) => {
      // one that was errored with nothing tells no error
      const hasFailed = error || stream.isErrored(target as NodeJS.ReadableStream)
      told(hasFailed ? failure(error) : undefined)
    })
  })
}

function attachChild(target: ChildProcess, down: Down): Attached {
  if (isClosed(target)) down(fateOf(target))
  // 'error' is fatal only if the child could not start; without a listener it would end the process
  const failed = (told: Down) => (error: unknown) => {
    if (target.pid === undefined) told(failure(error))
  }
  const attached = listen(target, down, (told) => ({
    close: () => told(fateOf(target)),
    error: failed(told),
  }))
  // Node reads the output that nobody wants, and tells of a failed start, in a later turn
  if (target.pid === undefined) return { ...attached, known: nextTurn().then(() => down(fateOf(target))) }
  return hasExited(target) ? { ...attached, known: nextTurn() } : attached
}

function hasExited({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

/** The child has exited, and its output has been read. */
function isClosed(child: ChildProcess): boolean {
  if (!hasExited(child) || child.connected) return false
  return child.pid === undefined || child.stdio.every((each) => !each || (each as StreamLike).closed)
}

/** The child has exited, or has no more output. */
function isDying(child: ChildProcess): boolean {
  return hasExited(child) || child.stdio.some((each) => (each as StreamLike | null)?.readableEnded)
}

/** The error of a child that failed. */
function fateOf({ pid, exitCode, signalCode }: ChildProcess): Error | undefined {
  if (pid === undefined) return downError('The process could not be started')
  if (signalCode !== null) return downError(`The process was ended by ${signalCode}`)
  return exitCode === 0 ? undefined : downError(`The process exited with code ${exitCode}`)
}

function attachWorker(target: Worker, down: Down): Attached {
  if (target.threadId === -1) down()
  return listen(target, down, (told) => ({
    exit: (code) => told(code === 0 ? undefined : downError(`The Worker exited with code ${code}`)),
    error: (error) => told(failure(error)),
  }))
}

/** An aborted signal ends what it stands for on purpose: nothing has failed, whatever its reason. */
function attachSignal(target: AbortSignal, down: Down): Attached {
  if (target.aborted) down()
  return listen(target, down, (told) => ({ abort: () => told() }))
}

function attachStreamLike(target: StreamLike, down: Down): Attached {
  // a transform still has output after its input has ended
  const hasEnded = 'readableEnded' in target ? target.readableEnded : target.writableFinished
  const fate = () => target.errored ?? undefined
  if (target.destroyed || target.closed || hasEnded) down(fate())
  return listen(target, down, (told) => ({
    close: () => told(fate()),
    end: () => told(),
    error: (error) => told(failure(error)),
  }))
}

/** The error of a target that failed; some fail without one. */
function failure(error: unknown): unknown {
  return error ?? downError('The monitored target failed')
}

function downError(message: string): LariatError {
  return new LariatError('LARIAT_DOWN', message)
}

function isWatchable(target: unknown): target is { onDown(callback: Down): unknown } {
  return hasMethod(target, 'onDown')
}

function isStreamLike(target: unknown): target is StreamLike {
  return (
    isEmitter(target) &&
    (hasMethod(target, 'pipe') || hasMethod(target, '_write') || hasMethod(target, 'write'))
  )
}
