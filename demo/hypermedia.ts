// Hypermedia: one channel of lines to htmx, Turbo and Datastar, each in its own words by `map`. The lines are in a file: a
// page that comes back after a restart gets the list anew by `snapshot`, and otherwise just the lines that it missed.
//
//   npx tsx demo/hypermedia.ts [file]          # and open http://localhost:3000/htmx, /turbo and /datastar
//   curl -i -d text=Hello localhost:3000/lines # 201; all pages show it
//   curl -N localhost:3000/htmx/stream         # what htmx gets; so for /turbo and /datastar
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import express from 'express'
import { createHub, type Event, event, resource, resources, sse } from '../lib/index.js' // elsewhere: 'express-lariat'

interface Line {
  number: number
  text: string
}

const file = process.argv[2] ?? join(tmpdir(), 'hypermedia.ndjson')
const stored = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
const lines: Line[] = stored.map((each) => JSON.parse(each))
const said = createHub().channel<Line>('lines', { history: 1000 })

async function say(text: string) {
  const line = { number: lines.length + 1, text }
  appendFileSync(file, `${JSON.stringify(line)}\n`) // first the state, then the event
  lines.push(line)
  await said.publish(line)
}

// line breaks too: in Datastar's events each line is an instruction
const escaped = (text: string) => text.replace(/[&<>"'\r\n]/g, (each) => `&#${each.charCodeAt(0)};`)
const item = ({ number, text }: Line) => `<li id="line-${number}">${escaped(text)}</li>`
const list = (attributes = '') => `<ul id="lines"${attributes}>${lines.map(item).join('')}</ul>`

const turbo = (action: string, html: string) =>
  `<turbo-stream action="${action}" target="lines"><template>${html}</template></turbo-stream>`
const datastar = (data: string) => event(data, { type: 'datastar-patch-elements' })
const datastarBeta = (data: string) => event(data, { type: 'datastar-merge-fragments' })

// The first two take events without a type. htmx keeps the element of its hx-target: what is in it is swapped, not itself.
/** How each client is told of one line more, and of all lines. */
const words: Record<string, { one(line: Line): string | Event; all(): Event }> = {
  htmx: {
    one: item,
    all: () => event(list(' hx-swap-oob="innerHTML"'), { type: null }),
  },
  turbo: {
    one: (line) => turbo('append', item(line)),
    all: () => event(turbo('replace', list()), { type: null }),
  },
  datastar: {
    one: (line) => datastar(`selector #lines\nmode append\nelements ${item(line)}`),
    all: () => datastar(`elements ${list()}`),
  },
  // 1.0.0-beta.11, the newest on npm, has other words for the same
  'datastar-beta': {
    one: (line) => datastarBeta(`selector #lines\nmergeMode append\nfragments ${item(line)}`),
    all: () => datastarBeta(`fragments ${list()}`),
  },
}

const streams = Object.entries(words).map(([name, { one, all }]) => [
  `/${name}/stream`,
  resource({ contentTypesProvided: [sse()], subscribe: said.map(one), snapshot: all }),
])
// cut when the server stops, for Datastar: it takes a complete end for the last one
const endpoint = resources(Object.fromEntries(streams), { stream: { retry: 1000, interrupted: 'cut' } })

const scripts = {
  'htmx.js': 'htmx.org/dist/htmx.js',
  'hx-sse.js': 'htmx.org/dist/ext/hx-sse.js',
  'turbo.js': '@hotwired/turbo/dist/turbo.es2017-umd.js',
}
const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const app = express().use(endpoint, express.static(fileOf('hypermedia'), { extensions: ['html'] }))
for (const [name, path] of Object.entries(scripts))
  app.get(`/${name}`, (_req, res) => res.sendFile(fileOf(`../node_modules/${path}`)))
// its package is for bundlers: a browser would not find the modules that it imports
const entryPoints = [fileOf('../node_modules/@starfederation/datastar/dist/bundles/datastar.js')]
const { outputFiles } = buildSync({ entryPoints, bundle: true, format: 'esm', write: false })
app.get('/datastar.js', (_req, res) => res.type('js').send(outputFiles[0]?.text))

app.post('/lines', express.urlencoded(), express.json(), async ({ body }, res) => {
  const text = String(body?.text ?? '').slice(0, 500)
  if (text) await say(text)
  res.sendStatus(text ? 201 : 400)
})

const server = app.listen(Number(process.env.PORT || 3000))
server.on('listening', () => {
  const { port } = server.address() as AddressInfo
  console.log(`The lines of ${file} are at http://localhost:${port}/htmx, /turbo and /datastar`)
})

const shutDown = () => Promise.all([server.close(), endpoint.close()])
process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
