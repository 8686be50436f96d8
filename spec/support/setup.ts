// Installs the programs that some specs need, where they are not there and where it may: as root on Debian.
// It never fails: what cannot be installed, its specs are skipped.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type Program, pathOf, programs } from './installed.js'

const packages: Record<Program, readonly string[]> = {
  // without a font a page has no text
  chromium: ['chromium-headless-shell', 'fonts-dejavu-core'],
  'redis-server': ['redis-server'],
  nginx: ['nginx'],
  haproxy: ['haproxy'],
  curl: ['curl'],
  python3: ['python3'],
  openssl: ['openssl'],
}

const names = Object.keys(programs) as Program[]
const missing = () => names.filter((name) => !pathOf(name))

/** Programs whose variable says where they are: not there, they are for whoever set it to put there. */
const wanted = missing().filter((name) => !process.env[programs[name].variable])

if (wanted.length > 0 && process.getuid?.() === 0 && isDebian()) {
  console.log(`Installing ${wanted.join(', ')}`)
  const install = ['install', '-y', '--no-install-recommends', ...wanted.flatMap((name) => packages[name])]
  if (apt(['update'])) withoutServices(() => apt(install))
}

for (const name of missing()) console.log(`${name} is not installed: the specs that need it are skipped`)

function isDebian(): boolean {
  try {
    return /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
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
