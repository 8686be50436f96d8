import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export type Lariat = typeof import('../../lib/index.js')

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The CommonJS build of the library, beside the ES modules that the specs import: a second copy in this process. */
export async function loadOtherCopy(): Promise<Lariat> {
  // below node_modules, so that it finds the packages that it requires
  const cache = join(root, 'node_modules/.cache')
  await mkdir(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'other-copy-'))
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    await promisify(execFile)(process.execPath, [
      ...[tsc, '-p', join(root, 'tsconfig.build.cjs.json')],
      ...['--outDir', folder, '--declaration', 'false'],
    ])
    writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }')
    return createRequire(import.meta.url)(join(folder, 'index.js'))
  } finally {
    await rm(folder, { recursive: true })
  }
}
