// The scripts that Redis runs: each is one step for all processes. Only commands of Redis 5.
import { createHash } from 'node:crypto'
import { finish } from './lua/finish.js'
import { look } from './lua/look.js'
import { probe } from './lua/probe.js'
import { publish } from './lua/publish.js'
import { read } from './lua/read.js'

/** A script, and the name by which Redis knows it once it has run. */
export interface Script {
  readonly name: string
  readonly text: string
  readonly sha: string
}

function script(name: string, text: string): Script {
  return { name, text, sha: createHash('sha1').update(text).digest('hex') }
}

export const scripts = {
  publish: script('publish', publish),
  read: script('read', read),
  finish: script('finish', finish),
  look: script('look', look),
  probe: script('probe', probe),
}
