import { spawnSync } from 'node:child_process'
import { pathOf } from '../support/installed.js'
import type { Ending } from './visitor.js'

type Version = readonly [major: number, minor: number, patch: number]

const known = new Map<string, Version | undefined>()

/** What a proxy says that it is; undefined if it is not there. */
function versionOf(program: 'nginx' | 'haproxy'): Version | undefined {
  if (!known.has(program)) known.set(program, ask(program))
  return known.get(program)
}

function ask(program: 'nginx' | 'haproxy'): Version | undefined {
  const path = pathOf(program)
  if (!path) return undefined
  const { stdout, stderr } = spawnSync(path, ['-v'], { encoding: 'utf8' })
  const [, major, minor, patch = 0] = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(stdout + stderr) ?? []
  return [Number(major), Number(minor), Number(patch)]
}

/** Whether nginx is of a version, or a later one. */
export function isNginxFrom(...wanted: Version): boolean {
  const [major, minor, patch] = versionOf('nginx') ?? [0, 0, 0]
  return (major - wanted[0] || minor - wanted[1] || patch - wanted[2]) >= 0
}

/**
 * What HAProxy makes of a cut, to a client of HTTP/2. In 2.6 it is a complete end: that was seen, and is on the page.
 * Of other versions the page says nothing, and nothing is asserted: either will do. Over HTTP/1.1 it is a cut in all.
 */
export function haproxyCutOverHttp2(): readonly Ending[] {
  const [major, minor] = versionOf('haproxy') ?? []
  return major === 2 && minor === 6 ? ['complete'] : ['cut', 'complete']
}
