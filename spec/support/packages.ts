import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Runs npm in a folder, with what it has downloaded before. */
export async function npm(folder: string, ...given: readonly string[]): Promise<void> {
  await run('npm', [...given, '--prefer-offline', '--no-audit', '--no-fund', '--prefix', folder], {
    cwd: folder,
    maxBuffer: Infinity,
  })
}

/** Where installed packages are kept from one run to the next: `npm ci` empties node_modules. */
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'express-lariat')

/**
 * A folder in which packages are installed that are not among this project's own, since only their use is tested. It is
 * made once for a list, and kept.
 *
 * @param list names with versions, as `npm install` takes them
 */
export async function packagesOf(list: readonly string[]): Promise<string> {
  const name = createHash('sha256').update(list.join('\n')).digest('hex').slice(0, 12)
  const folder = join(cache, name)
  if (existsSync(folder)) return folder
  const making = join(cache, `${name}.${process.pid}`)
  await mkdir(making, { recursive: true })
  try {
    await writeFile(join(making, 'package.json'), '{ "private": true }')
    await npm(making, 'install', '--ignore-scripts', ...list)
    // another process may have made it meanwhile
    await rename(making, folder).catch((error) => {
      if (!existsSync(folder)) throw error
    })
  } finally {
    await rm(making, { recursive: true, force: true })
  }
  return folder
}

const unreached = new WeakSet<Mocha.Suite>()

/**
 * Said in a suite: makes what the suite needs of npm's registry before its tests. Where that fails because the registry
 * is not reached, its tests are skipped.
 */
export function needsRegistry(make: () => Promise<unknown>): void {
  before('needs npm’s registry', async function () {
    try {
      await make()
    } catch (error) {
      if (!isUnreached(error)) throw error
      const suite = this.test!.parent!
      unreached.add(suite)
      suite.pending = true
      this.skip()
    }
  })
}

function isUnreached(error: unknown): boolean {
  return /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTCACHED|E40[13]|E5\d\d)\b/.test(
    String(error),
  )
}

/** Whether a test was skipped for want of the registry. */
export function isForRegistry({ parent }: Mocha.Runnable): boolean {
  for (let suite = parent; suite; suite = suite.parent) if (unreached.has(suite)) return true
  return false
}
