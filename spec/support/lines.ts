import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { bundledCode } from './bundled.js'

const folder = new URL('../../', import.meta.url)

/** What code says line by line in a process of its own, which has to end by itself. It is run from the root. */
export async function linesOf(code: string): Promise<string[]> {
  const given = ['--no-warnings', await bundledCode(code)]
  const { stdout } = await promisify(execFile)(process.execPath, given, { cwd: folder, timeout: 25_000 })
  return stdout.trim().split('\n')
}
