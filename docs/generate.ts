// Writes what of the documentation is made from the code: npm run docs
import { readFileSync, writeFileSync } from 'node:fs'
import { withOptions } from '../tools/options.js'
import { picture } from './picture.js'
import { withReference } from './reference.js'

const graph = new URL('graph.svg', import.meta.url)
const callbacks = new URL('callbacks.md', import.meta.url)
const loop = new URL('loop.md', import.meta.url)

writeFileSync(graph, picture())
writeFileSync(callbacks, withReference(readFileSync(callbacks, 'utf8')))
writeFileSync(loop, withOptions(readFileSync(loop, 'utf8')))
