// Writes the parts of the documentation that are made from the code: npm run docs
import { readFileSync, writeFileSync } from 'node:fs'
import { life } from '../lib/loop/life.js'
import { withMap } from './architecture-map.js'
import { withReference } from './callbacks-reference.js'
import { dashboard } from './dashboard.js'
import { picture } from './graph-picture.js'
import { withInstruments } from './instruments.js'
import { lifePicture } from './life-picture.js'
import { withOptions } from './options.js'

const docs = new URL('../docs/', import.meta.url)

const graph = picture()
writeFileSync(new URL('images/graph.svg', docs), graph)
// on which the inspector's page draws the path of a request
writeFileSync(new URL('../lib/inspector/page/graph.svg', docs), graph)
writeFileSync(new URL('images/life.svg', docs), lifePicture(life))
writeFileSync(new URL('operate/grafana-dashboard.json', docs), dashboard())
rewrite('guide/callbacks.md', withReference)
rewrite('guide/loop.md', withOptions)
rewrite('operate/metrics.md', withInstruments)
rewrite('design/architecture.md', withMap)

function rewrite(name: string, made: (page: string) => string): void {
  const page = new URL(name, docs)
  writeFileSync(page, made(readFileSync(page, 'utf8')))
}
