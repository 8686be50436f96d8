// Prices of 500 symbols: a snapshot of those that a user watches, then every change. A slow client gets the latest price
// of each symbol. A client that reconnects gets what it missed; after a longer break, a snapshot again.
//
//   npx tsx demo/prices.ts                                       # and open http://localhost:3000/?watch=ABC,XYZ
//   curl -N 'localhost:3000/?watch=ABC,XYZ'                      # a snapshot, then live
//   curl -N -H 'Last-Event-ID: 1f0c-1' localhost:3000            # put an id that you have got: what you missed
//   curl -N --limit-rate 1k -o /dev/null localhost:3000          # a slow one: it delays nobody else
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createHub, event, resource, sse } from '../lib/index.js' // elsewhere: 'express-lariat'

const at = (n: number) => String.fromCharCode(65 + (n % 26)) // the nth letter
const symbols = [...Array(500).keys()].map((n) => at(n) + at(n + 1 + n / 26) + at(n + 2 + n / 26)) // ABC, BCD, …
const prices = new Map(symbols.map((symbol) => [symbol, { symbol, price: 100 }]))
const changes = createHub().channel<{ symbol: string; price: number }>('prices', { history: 10_000 })

setInterval(() => {
  const symbol = symbols[Math.floor(Math.random() * symbols.length)] as string
  const price = Math.round((prices.get(symbol)?.price ?? 0) * (97 + 6 * Math.random())) / 100
  prices.set(symbol, { symbol, price }) // first the state, then the event: a snapshot has all that came before it
  void changes.publish({ symbol, price })
}, 5).unref()

const page = `<!doctype html><meta charset=utf-8><meta name=viewport content=width=device-width><title>Prices</title><style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui } body { max-width: 75rem; margin: 1rem auto; padding: 0 1rem }
  header, li { display: flex; gap: .5rem; align-items: center; justify-content: space-between }
  ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .5rem; padding: 0; transition: 1s }
  li, input { border: 1px solid #8884; border-radius: .5rem; padding: .3rem .8rem; font: inherit; transition: 2s }
  .up { background: #16a34a77; transition: 0s } .down { background: #dc262677; transition: 0s } .away { opacity: .3 }
</style><header><h1>Prices</h1><form><input name=watch placeholder="Watch ABC,XYZ"></form></header><ul></ul><script>
  const rows = {}, list = document.querySelector('ul'), source = new EventSource(location)
  const show = ({ symbol, price }) => {
    const row = rows[symbol] ??= list.appendChild(document.createElement('li'))
    row.className = price > row.price ? 'up' : price < row.price ? 'down' : ''
    row.innerHTML = '<b>' + symbol + '</b>' + (row.price = price).toFixed(2)
    setTimeout(() => { row.className = '' }, 50)
  }
  source.addEventListener('snapshot', ({ data }) => JSON.parse(data).forEach(show))
  source.onmessage = ({ data }) => show(JSON.parse(data))
  source.onopen = source.onerror = () => list.classList.toggle('away', source.readyState !== EventSource.OPEN)
</script>`

const endpoint = resource({
  init: ({ req }) => ({ watch: new Set(`${req.query.watch || symbols}`.toUpperCase().split(',')) }),
  contentTypesProvided: { 'text/event-stream': sse(), 'text/html': () => page },
  subscribe: ({ state: { watch } }) => changes.filter(({ symbol }) => watch.has(symbol)),
  snapshot: ({ state: { watch } }) => event([...prices.values()].filter(({ symbol }) => watch.has(symbol))),
  stream: { maxQueued: 500, overflow: { conflate: (price) => Object(price).symbol } },
})

const app = express().all('/', endpoint)
const server = app.listen(Number(process.env.PORT || 3000))
server.on('listening', () => {
  console.log(`The prices are at http://localhost:${(server.address() as AddressInfo).port}`)
})

const shutDown = () => Promise.all([server.close(), endpoint.close()])
process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
