// Installs the programs that some specs need, where they are not there and where it may: as root on Debian.
// It never fails: what cannot be installed, its specs are skipped.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type Program, pathOf, programs } from './installed.js'

const packages: Record<Program, readonly string[]> = {
  // without a font a page has no text
  chromium: ['chromium-headless-shell', 'fonts-dejavu-core'],
  'redis-server': ['redis-server'],
  'valkey-server': ['valkey-server'],
  nginx: ['nginx'],
  haproxy: ['haproxy'],
  curl: ['curl'],
  python3: ['python3'],
  openssl: ['openssl'],
  prometheus: ['prometheus'],
  promtool: ['prometheus'],
}

/** The first release of Debian that has a program, where older ones are still about. */
const since: Partial<Record<Program, number>> = { 'valkey-server': 13 }

const names = Object.keys(programs) as Program[]
const missing = () => names.filter((name) => !pathOf(name))

/** Programs whose variable says where they are: not there, they are for whoever set it to put there. */
const wanted = missing().filter((name) => !process.env[programs[name].variable])

const release = debian()
/** Programs that this Debian does not have. */
const unknown = new Set(wanted.filter((name) => release && (since[name] ?? 0) > release))
const installable = wanted.filter((name) => !unknown.has(name))

if (installable.length > 0 && process.getuid?.() === 0 && release && apt(['update'])) {
  // one package that apt does not know would keep it from installing the others
  for (const name of installable) if (!packages[name].every(isKnown)) unknown.add(name)
  const known = installable.filter((name) => !unknown.has(name))
  if (known.length > 0) {
    console.log(`Installing ${known.join(', ')}`)
    const install = ['install', '-y', '--no-install-recommends', ...known.flatMap((name) => packages[name])]
    withoutServices(() => apt(install))
  }
}

for (const name of missing()) {
  const why = unknown.has(name) ? 'is not in this release of Debian' : 'is not installed'
  console.log(`${name} ${why}: the specs that need it are skipped`)
}

/** The number of the Debian that this is: Infinity for one to come, undefined elsewhere. */
function debian(): number | undefined {
  try {
    const told = readFileSync('/etc/os-release', 'utf8')
    if (!/^ID=debian$/m.test(told)) return undefined
    return Number(/^VERSION_ID="?(\d+)/m.exec(told)?.[1] ?? Infinity)
  } catch {
    return undefined
  }
}

/** Whether apt could install a package, once it has been updated. */
function isKnown(name: string): boolean {
  const { stdout } = spawnSync('env', ['LC_ALL=C', 'apt-cache', 'policy', name], { encoding: 'utf8' })
  return /Candidate: (?!\(none\))/.test(stdout)
}

/** Debian starts a server once it is installed, unless this says no: the specs start their own. */
function withoutServices(run: () => void): void {
  const policy = '/usr/sbin/policy-rc.d'
  if (existsSync(policy)) return run()
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    run()
  } finally {
    rmSync(policy)
  }
}

/** Runs apt-get, and shows what it says only if it fails. */
function apt(given: readonly string[]): boolean {
  const { status, stdout, stderr } = spawnSync(
    'env',
    ['DEBIAN_FRONTEND=noninteractive', 'apt-get', ...given],
    { encoding: 'utf8', maxBuffer: Infinity },
  )
  if (status !== 0) console.error(`apt-get ${given[0]} failed: ${stdout}${stderr}`)
  return status === 0
}
