// Writes what of the documentation is made from the code: npm run docs
import { readFileSync, writeFileSync } from 'node:fs'
import { picture } from './picture.js'
import { withReference } from './reference.js'

const graph = new URL('graph.svg', import.meta.url)
const callbacks = new URL('callbacks.md', import.meta.url)

writeFileSync(graph, picture())
writeFileSync(callbacks, withReference(readFileSync(callbacks, 'utf8')))
