import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { instruments } from '../../lib/metrics/instruments.js'
import { needs } from '../support/installed.js'
import { promtool, rulesFile } from './prometheus.js'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const tests = fileURLToPath(new URL('rules.test.yml', import.meta.url))

const rules = readFileSync(rulesFile, 'utf8')
const alerts = [...rules.matchAll(/^ +- alert: (\w+)$/gm)].map(([, name]) => name!)

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

const { panels, templating } = JSON.parse(read('docs/operate/grafana-dashboard.json')) as {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] }
}
const queries = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })))

/** The series that a query names, and the labels that it asks of them. */
function seriesOf(query: string): { name: string; labels: string[] }[] {
  return [...query.matchAll(/\blariat_(\w+)(?:\{([^}]*)\})?/g)].map(([, name, labels = '']) => ({
    name: name!,
    labels: [...labels.matchAll(/(\w+)(?:=~|!~|!=|=)/g)].map(([, label]) => label!),
  }))
}

/** Series, or labels, that no instrument has. */
function unknownIn(query: string): string[] {
  return seriesOf(query).flatMap(({ name, labels }) => {
    const [own] = Object.entries(instruments).find(([each, { kind }]) =>
      kind === 'histogram' ? new RegExp(`^${each}_(bucket|sum|count)$`).test(name) : each === name,
    ) ?? [undefined]
    if (own === undefined) return [name]
    const known = ['job', 'instance', 'le', ...instruments[own as keyof typeof instruments].labels]
    return labels.filter((label) => !known.includes(label)).map((label) => `${name}{${label}}`)
  })
}

describe('The alerts of docs/operate/prometheus-rules.yml', () => {
  it('ask for series and labels that there are', () => {
    expect(unknownIn(rules)).to.deep.equal([])
    expect(seriesOf(rules).length).to.be.above(12)
  })

  it('are each explained in docs/operate/metrics.md', () => {
    const headings = [...read('docs/operate/metrics.md').matchAll(/^### (Lariat\w+)$/gm)].map(
      ([, name]) => name,
    )
    expect(headings).to.deep.equal(alerts)
  })

  it('are each seen to fire in spec/metrics/rules.test.yml', () => {
    const text = readFileSync(tests, 'utf8')
    expect(alerts.filter((name) => !text.includes(name))).to.deep.equal([])
  })

  describe('evaluated by promtool', () => {
    needs('promtool')

    it('are rules', () => {
      expect(promtool('check', 'rules', rulesFile)).to.include({ status: 0 })
    })

    it('fire when they should, and not on a usual day', () => {
      const { status, said } = promtool('test', 'rules', tests)
      expect(status, said).to.equal(0)
    })
  })
})

describe('The dashboard, docs/operate/grafana-dashboard.json', () => {
  it('asks for series and labels that there are', () => {
    expect(
      queries.flatMap(({ title, expr }) => unknownIn(expr).map((name) => `${title}: ${name}`)),
    ).to.deep.equal([])
    for (const { definition } of templating.list)
      if (definition) expect(unknownIn(definition)).to.deep.equal([])
  })

  it('shows every instrument', () => {
    const shown = new Set(queries.flatMap(({ expr }) => seriesOf(expr).map(({ name }) => name)))
    const missing = Object.keys(instruments).filter(
      (name) => ![...shown].some((each) => each.startsWith(name)),
    )
    expect(missing).to.deep.equal([])
  })

  it('can be narrowed to a job, an instance, a route and a channel', () => {
    const names = templating.list.map(({ name }) => name)
    expect(names).to.deep.equal(['datasource', 'job', 'instance', 'route', 'channel'])
    for (const { expr } of queries) expect(expr).to.include('job=~"$job", instance=~"$instance"')
  })

  describe('parsed by promtool', () => {
    needs('promtool')

    it('has queries that Prometheus understands', () => {
      const folder = mkdtempSync(join(tmpdir(), 'lariat-dashboard-'))
      try {
        const file = join(folder, 'queries.yml')
        const filled = (expr: string) => expr.replaceAll('$__rate_interval', '1m').replace(/\$\w+/g, '.*')
        // JSON is YAML; each query is the rule of a record
        const own = queries.map(({ expr }, at) => ({ record: `query:${at}`, expr: filled(expr) }))
        writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: own }] }))
        const { status, said } = promtool('check', 'rules', file)
        expect(status, said).to.equal(0)
        expect(said).to.include(`${queries.length} rules found`)
      } finally {
        rmSync(folder, { recursive: true })
      }
    })
  })
})
