import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const compiler = (path: string) => fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url))

/** The oldest and the newest TypeScript that the types are made for. */
export const compilers = {
  'TypeScript 5.4': compiler('typescript5.4/lib/tsc.js'),
  'TypeScript 7': compiler('typescript/bin/tsc'),
}

/** What a compiler has against a project; empty if nothing. */
export function complaints(
  compiler: string,
  project: string,
  ...options: readonly string[]
): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [compiler, '-p', project, ...options], (error, stdout, stderr) => {
      resolve(error ? stdout || stderr || error.message : '')
    })
  })
}
