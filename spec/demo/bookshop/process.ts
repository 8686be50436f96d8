import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { atEnd } from '../../support/at-end.js'
import { bundled } from '../../support/bundled.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The log files of the servers that are started here, which are not those of whoever works on the demo. */
const logs = mkdtempSync(join(tmpdir(), 'lariat-logs-'))
atEnd(() => rmSync(logs, { recursive: true, force: true }))

/** Runs a command at the project's root, with nothing of the demo's settings but what is given. */
export function run(
  command: string,
  given: readonly string[],
  settings: Record<string, string>,
  options: SpawnOptions = {},
): ChildProcess {
  const { REDIS_URL: _, HOST: __, ...env } = process.env
  return spawn(command, given, {
    cwd: root,
    env: { ...env, LOGS: logs, PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  })
}

/** The demo's server as a process of its own. */
export async function startServer(
  settings: Record<string, string> = {},
  given: readonly string[] = [],
): Promise<ChildProcess> {
  return run(process.execPath, [await bundled('demo/bookshop/server.ts'), ...given], settings)
}

/** Where it says that it is. */
export async function urlOf({ stdout }: ChildProcess): Promise<string> {
  for await (const line of createInterface(stdout!)) {
    const url = /http:\/\/localhost:\d+/.exec(line)?.[0]
    if (url) return url
  }
  throw new Error('It did not say where it is')
}
