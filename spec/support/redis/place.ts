import { randomInt } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * A port of 127.0.0.1 and a folder, of one owner among all processes: the folder's name is the reservation. The port is
 * below those that systems give to clients (32768), so that nothing takes it while its server is away, and so is the
 * one 10,000 above it, which is a cluster's bus.
 */
export class Place {
  readonly port: number
  readonly folder: string

  constructor() {
    for (;;) {
      this.port = randomInt(11_000, 21_000)
      this.folder = join(tmpdir(), `lariat-redis-${this.port}`)
      if (isMade(this.folder)) break
    }
  }

  /** Removes the folder: another owner may have the port. A server that is just being killed may still write there. */
  release(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 10 })
  }
}

function isMade(folder: string): boolean {
  try {
    mkdirSync(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
