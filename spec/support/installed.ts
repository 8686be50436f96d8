import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A program that some specs need, and the machine may not have. */
export type Program = keyof typeof programs

/** The variable that says where it is instead, and the names that it goes by. */
export const programs = {
  chromium: {
    variable: 'CHROMIUM',
    // the shell has no windows to draw, and takes two thirds of the time
    names: [
      'chromium-headless-shell',
      'chromium',
      'chromium-browser',
      'google-chrome',
      'google-chrome-stable',
    ],
  },
  'redis-server': { variable: 'REDIS_SERVER', names: ['redis-server'] },
  'valkey-server': { variable: 'VALKEY_SERVER', names: ['valkey-server'] },
  nginx: { variable: 'NGINX', names: ['nginx'] },
  haproxy: { variable: 'HAPROXY', names: ['haproxy'] },
  curl: { variable: 'CURL', names: ['curl'] },
  python3: { variable: 'PYTHON', names: ['python3'] },
  openssl: { variable: 'OPENSSL', names: ['openssl'] },
  prometheus: { variable: 'PROMETHEUS', names: ['prometheus'] },
  promtool: { variable: 'PROMTOOL', names: ['promtool'] },
} as const

/** Where servers are installed, which is not on every user's path. */
const systemFolders = ['/usr/sbin', '/usr/local/sbin']

/** Where a program is; undefined if it is not there. */
export function pathOf(program: Program): string | undefined {
  const { variable, names } = programs[program]
  const said = process.env[variable]
  if (said) return isExecutable(said) ? said : undefined
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...systemFolders]
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

const lacking = new WeakMap<Mocha.Suite, Program>()

/** Said in a suite: its tests, and those of the suites in it, are skipped where the program is not there. */
export function needs(program: Program): void {
  before(`needs ${program}`, function () {
    if (pathOf(program)) return
    const suite = this.test!.parent!
    lacking.set(suite, program)
    // its other hooks are skipped, too: they would count on what the first one was to begin
    suite.pending = true
    this.skip()
  })
}

/** The program for want of which a test was skipped. */
export function lackedBy({ parent }: Mocha.Runnable): Program | undefined {
  for (let suite = parent; suite; suite = suite.parent) {
    const program = lacking.get(suite)
    if (program) return program
  }
  return undefined
}
