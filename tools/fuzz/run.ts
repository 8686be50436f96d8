import { inspect } from 'node:util'
import type express from 'express'
import fc from 'fast-check'
import { clock } from '../../lib/clock.js'
import type { Answer } from '../../spec/hostile/wire.js'
import { type Chosen, chosen, resourceOf } from './answers.js'
import { sent } from './bytes.js'
import { converse } from './converse.js'
import { smallest } from './shrink.js'
import { Target } from './target.js'

/** What a run has tried. */
export interface Tried {
  /** Connections. */
  inputs: number
  bytes: number
  /** Answers by status. */
  readonly statuses: Map<number, number>
}

/** Longer than this no input takes, unless something waits that should not. */
const patience = 15_000

/** Tries so many inputs; throws for the first that breaks a rule, with what of it is needed to try it again. */
export async function fuzz(count: number, seed: number, make: typeof express, tried: Tried): Promise<void> {
  const target = await new Target(make).open()
  const attempt = async (parts: readonly Buffer[], choice: Chosen) => {
    target.current = resourceOf(choice)
    target.errors.length = 0
    return await attemptOn(target, parts)
  }
  try {
    const property = fc.asyncProperty(sent, chosen, async (parts, choice) => {
      tried.inputs += 1
      const answers = await attempt(parts, choice)
      for (const part of parts) tried.bytes += part.length
      for (const { status } of answers) tried.statuses.set(status, (tried.statuses.get(status) ?? 0) + 1)
    })
    const said = await fc.check(property, { numRuns: count, seed, endOnFailure: true })
    if (!said.failed) return
    const { counterexample, errorInstance: cause } = said
    if (!counterexample) throw cause
    const [parts, choice] = counterexample
    const fails = (shorter: readonly Buffer[]) =>
      attempt(shorter, choice).then(
        () => false,
        (error) => String(error) === String(cause),
      )
    throw new Error(reproduction(seed, await smallest(parts, fails), choice), { cause })
  } finally {
    target.close()
  }
}

async function attemptOn(target: Target, parts: readonly Buffer[]): Promise<readonly Answer[]> {
  const deadlines = clock.size
  const answers = await inTime(converse(target, parts), 'It is still not answered')
  const [error] = target.errors
  if (error) throw new Error('An error has reached the app', { cause: error })
  // a body may still be decoded, for a client that has left
  const isIdle = async () => {
    while (clock.size > deadlines) await new Promise((resolve) => setImmediate(resolve))
  }
  await inTime(isIdle(), 'Deadlines are left')
  return answers
}

async function inTime<T>(promise: Promise<T>, otherwise: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(otherwise)), patience)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

function reproduction(seed: number, parts: readonly Buffer[], { choices, kind }: Chosen): string {
  const texts = parts.map((part) => JSON.stringify(part.toString('latin1')))
  const answers = Object.entries(choices).map(
    ([name, { answer, isAsync }]) =>
      `  ${name}: ${isAsync ? 'a promise of ' : ''}${inspect(answer, { breakLength: Infinity })}`,
  )
  return [
    `With seed ${seed} an input fails, of which this is needed, in Latin-1:`,
    `[${texts.join(', ')}]`,
    `The callbacks of /any and /json, beside a subscribe that is ${kind}:`,
    ...answers,
  ].join('\n')
}
