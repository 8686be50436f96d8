import { expect } from 'chai'
import type { RequestHandler } from 'express'
import type { Client } from '../support/raw.js'
import type { ServeOptions } from '../support/stage.js'
import type { Plot } from './plot.js'
import { Scene, type SettingName, settings } from './scene.js'
import { type Options, type Target, targets } from './targets.js'

/** Something that goes wrong. */
export interface Fault<Of extends Target = Target> {
  /** What it is tried on; everything there is, if nothing is said. */
  readonly on?: Readonly<Record<string, Of>>
  /** If nothing is said, the fifth Express, for the first target the fourth too, and for the last compression(). */
  readonly in?: readonly SettingName[]
  /** What comes before the endpoint. */
  readonly before?: RequestHandler
  readonly options?: Options | ((plot: Plot) => Options)
  /** What `terminate` is told by its end: each of them, and nothing else. */
  readonly reasons: readonly string[]
  /** Streams are open after it: they end when their clients leave. */
  readonly goesOn?: true
  run(scene: Scene, target: Of): Promise<unknown>
  /** What else has to be so when all streams are over. */
  afterwards?(scene: Scene): unknown
}

/** Faults by the name that docs/operate/faults.md has for them. */
export type Faults = Readonly<Record<string, Fault>>

/** So that the types of what it is tried on are known to what runs it. */
export function fault<Of extends Target>(each: Fault<Of>): Fault {
  return each as unknown as Fault
}

/** What `terminate` was told, against what it should be: kinds of reasons, however often each. */
export function expectReasons(told: readonly string[], reasons: readonly string[]): void {
  expect([...new Set(told)], 'reasons').to.have.members(reasons)
}

/** A stream that was interrupted: complete, but what is pulled is cut, as it has not reached its end. */
export async function expectInterrupted(client: Client | undefined, { pushes = false }: Target) {
  const message = await (pushes ? client?.whole() : client?.closed())
  expect(message?.isWhole).to.equal(pushes)
}

const uncaught: unknown[] = []
const see = (error: unknown) => {
  uncaught.push(error)
}

/** Each fault on each target in each setting: after it nothing is left, and whoever comes next is served. */
export function tryAll(faults: Faults): void {
  before(() => process.on('uncaughtExceptionMonitor', see))
  after(() => process.off('uncaughtExceptionMonitor', see))

  for (const [name, fault] of Object.entries(faults)) {
    describe(name, () => {
      const { on = targets } = fault
      for (const [at, [what, target]] of Object.entries(on).entries()) {
        for (const setting of fault.in ?? around(at, Object.keys(on).length)) {
          it(`${what}, ${setting}`, () => tryOne(fault, target, setting))
        }
      }
    })
  }
}

/** What surrounds a target that is one of so many. */
function around(at: number, count: number): SettingName[] {
  const isFirst = at === 0
  const isLast = at === count - 1
  return [
    'Express 5',
    ...(isFirst ? ['Express 4' as const] : []),
    ...(isLast ? ['behind compression()' as const] : []),
  ]
}

async function tryOne(fault: Fault, target: Target, setting: SettingName): Promise<void> {
  const { before, options = {}, reasons, goesOn, afterwards } = fault
  const scene = await Scene.open(target, behind(settings[setting], before), options)
  await fault.run(scene, target)
  if (!goesOn) await scene.over()
  expectReasons(scene.kinds, reasons)
  if (goesOn) await scene.goesOn()
  await afterwards?.(scene)
  await scene.after()
  expect(uncaught.splice(0)).to.deep.equal([])
}

function behind(setting: ServeOptions, middleware: RequestHandler | undefined): ServeOptions {
  return middleware ? { ...setting, before: [...(setting.before ?? []), middleware] } : setting
}
