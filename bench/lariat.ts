import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

/** The folder of another checkout whose build is measured beside this one: `LARIAT_BESIDE=../before npm run bench`. */
export const beside = process.env.LARIAT_BESIDE

export type Lariat = typeof import('../lib/index.js')

/** The library of this checkout, or the one that was built in the other. */
export async function lariatOf(which: 'here' | 'beside'): Promise<Lariat> {
  if (which === 'here') return import('../lib/index.js')
  const build = [`${beside}/dist/esm/index.js`, `${beside}/dist/index.js`].find(existsSync)
  if (!build) throw new Error(`${beside} is not built`)
  return import(pathToFileURL(build).href)
}
