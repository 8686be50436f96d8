// Runs specs, and again whenever a file has changed: `npm run watch -- spec/hub`. Mocha's own `--watch` cannot load
// an ES module twice.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { fileURLToPath } from 'node:url'

const mocha = fileURLToPath(new URL('../node_modules/mocha/bin/mocha.js', import.meta.url))
const given = process.argv.slice(2)
if (given.length === 0) throw new Error('Name a file or folder of specs, as in: npm run watch -- spec/hub')

/** Editors write a file in several steps. */
const pause = 100

let running: ChildProcess | undefined
let due: NodeJS.Timeout | undefined

async function run(): Promise<void> {
  if (running && running.exitCode === null && running.signalCode === null) {
    running.kill('SIGINT')
    await once(running, 'exit')
  }
  running = spawn(process.execPath, [mocha, ...given], { stdio: ['ignore', 'inherit', 'inherit'] })
}

for (const folder of ['lib', 'spec', 'tools']) {
  watch(folder, { recursive: true }, (_event, path) => {
    if (!path?.endsWith('.ts')) return
    clearTimeout(due)
    due = setTimeout(run, pause)
  })
}

await run()
