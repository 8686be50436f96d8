import { expect } from 'chai'
import type { RequestHandler } from 'express'
import type { ServeOptions } from '../support/stage.js'
import type { Plot } from './plot.js'
import { Scene, type SettingName, settings } from './scene.js'
import { type Options, type Target, targets } from './targets.js'

/** Something that goes wrong. */
export interface Fault<Of extends Target = Target> {
  /** What it is tried on; everything there is, if nothing is said. */
  readonly on?: Readonly<Record<string, Of>>
  /** If nothing is said, the fifth Express, and for the first and the last target whatever there is. */
  readonly in?: readonly SettingName[]
  /** What comes before the endpoint. */
  readonly before?: RequestHandler
  readonly options?: Options | ((plot: Plot) => Options)
  /** The only reasons that `terminate` may be told. */
  readonly reasons: readonly string[]
  run(scene: Scene, target: Of): Promise<unknown>
}

/** Faults by the name that docs/faults.md has for them. */
export type Faults = Readonly<Record<string, Fault>>

/** So that the types of what it is tried on are known to what runs it. */
export function fault<Of extends Target>(each: Fault<Of>): Fault {
  return each as unknown as Fault
}

const uncaught: unknown[] = []
const see = (error: unknown) => {
  uncaught.push(error)
}

const everywhere = Object.keys(settings) as SettingName[]

/** Each fault on each target in each setting: after it nothing is left, and whoever comes next is served. */
export function tryAll(faults: Faults): void {
  before(() => process.on('uncaughtExceptionMonitor', see))
  after(() => process.off('uncaughtExceptionMonitor', see))

  for (const [name, { on = targets, in: around, before, options = {}, reasons, run }] of Object.entries(
    faults,
  )) {
    describe(name, () => {
      for (const [at, [what, target]] of Object.entries(on).entries()) {
        const isOuter = at === 0 || at === Object.keys(on).length - 1
        for (const setting of around ?? (isOuter ? everywhere : ['Express 5' as const])) {
          it(`${what}, ${setting}`, async () => {
            const scene = await Scene.open(target, behind(settings[setting], before), options)
            await run(scene, target)
            await scene.over()
            expect(reasons).to.include.members(scene.kinds)
            await scene.after()
            expect(uncaught.splice(0)).to.deep.equal([])
          })
        }
      }
    })
  }
}

function behind(setting: ServeOptions, middleware: RequestHandler | undefined): ServeOptions {
  return middleware ? { ...setting, before: [...(setting.before ?? []), middleware] } : setting
}
