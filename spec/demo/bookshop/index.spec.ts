import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { type Demo, runDemo } from './demo.js'

const folder = new URL('../../../demo/bookshop/page/', import.meta.url)
const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

describe('The demo: /', () => {
  let demo: Demo

  before(async () => {
    demo = await runDemo()
  })

  after(() => demo.close())

  it('is lines for a shell, each of which names this server', async () => {
    const answer = await demo.ask('GET /')
    expect(answer.headers.get('content-type')).to.equal('text/plain; charset=utf-8')
    const lines = (await answer.text()).split('\n').filter((line) => line.includes('curl'))
    expect(lines).to.have.length.above(10)
    for (const line of lines) expect(line).to.include(demo.url)
  })

  it('is the page for a browser, which may load nothing from elsewhere and run nothing inline', async () => {
    const answer = await demo.ask('GET /', { headers: { Accept: browser } })
    expect(answer.headers.get('content-type')).to.equal('text/html; charset=utf-8')
    expect(answer.headers.get('vary')).to.include('Accept')
    expect(answer.headers.get('content-security-policy')).to.include("default-src 'self'")
    const page = await answer.text()
    expect(page).to.match(/^<!doctype html>/)
    expect(page).to.not.match(/https?:|<style|\son\w+=|\sstyle=|<script(?! type="module" src=)/)
  })

  it('has the modules, the style and the pictures of the page beside it', async () => {
    for (const name of readdirSync(folder).filter((each) => /\.(?:js|css|svg)$/.test(each))) {
      const answer = await demo.ask(`GET /${name}`)
      expect(answer.status, name).to.equal(200)
      expect(await answer.text(), name).to.equal(readFileSync(new URL(name, folder), 'utf8'))
    }
    const graph = await demo.ask('GET /graph.svg')
    expect(graph.headers.get('content-type')).to.include('image/svg+xml')
    expect(await graph.text()).to.include('id="q-serviceAvailable"')
  })

  it('loads its modules at once, and not one after the other', async () => {
    const page = readFileSync(new URL('index.html', folder), 'utf8')
    const preloaded = [...page.matchAll(/rel="modulepreload" href="(\w+\.js)"/g)].map(([, name]) => name)
    const modules = readdirSync(folder).filter((name) => name.endsWith('.js') && name !== 'main.js')
    expect(preloaded).to.have.members(modules)
  })

  it('says the decisions of each request, but in production', async () => {
    const traced = async () => (await demo.ask('GET /api/books')).headers.get('decision-trace')
    expect(await traced()).to.match(/^serviceAvailable, /)
    const { NODE_ENV } = process.env
    process.env.NODE_ENV = 'production'
    try {
      expect(await traced()).to.equal(null)
    } finally {
      if (NODE_ENV === undefined) delete process.env.NODE_ENV
      else process.env.NODE_ENV = NODE_ENV
    }
  })

  it('has nothing else', async () => {
    for (const path of [
      '/index.html',
      '/tsconfig.json',
      '/index.ts',
      '/../app.ts',
      '/..%2fapp.ts',
      '/logs/access.log',
      '/nothing',
    ])
      expect((await demo.ask(`GET ${path}`)).status, path).to.equal(404)
  })
})
