import { readFileSync } from 'node:fs'

/** How many streams a process may hold: each takes a file descriptor. */
export function mostStreams(): number {
  try {
    const [, soft] = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return Number(soft ?? Infinity) - 100
  } catch {
    return Infinity
  }
}
