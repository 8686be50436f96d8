import { mkdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export type Lariat = typeof import('../../lib/index.js') &
  typeof import('../../lib/redis.js') &
  typeof import('../../lib/testing.js')

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The library as CommonJS, beside the ES modules that the specs import: a second copy in this process. */
export async function loadOtherCopy(): Promise<Lariat> {
  // below node_modules, so that it finds the packages that it requires
  const folder = join(root, 'node_modules/.cache')
  mkdirSync(folder, { recursive: true })
  const outfile = join(folder, `other-copy-${process.pid}.cjs`)
  await build({
    stdin: {
      contents: `export * from './index.js'; export * from './redis.js'; export * from './testing.js'`,
      resolveDir: join(root, 'lib'),
    },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'cjs',
    target: 'es2023',
    outfile,
  })
  try {
    return createRequire(import.meta.url)(outfile)
  } finally {
    rmSync(outfile)
  }
}
