import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { atEnd } from '../support/at-end.js'
import { pathOf } from '../support/installed.js'
import { Place } from '../support/redis/place.js'
import { until } from '../support/redis/until.js'

export const rulesFile = fileURLToPath(new URL('../../docs/operate/prometheus-rules.yml', import.meta.url))

/** Runs promtool; returns its exit code and all that it says. */
export function promtool(...given: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(pathOf('promtool')!, given, { encoding: 'utf8' })
  return { status, said: stdout + stderr }
}

interface Answer<Data> {
  readonly status: string
  readonly data: Data
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [time: number, value: string]
}

/** A Prometheus of a suite's own, in a temporary folder, that scrapes processes five times a second. */
export class Prometheus {
  readonly #place = new Place()
  readonly #process: ChildProcess
  readonly #forget: () => void
  #log = ''

  constructor(targets: readonly string[]) {
    const { folder, port } = this.#place
    const configuration = {
      global: { scrape_interval: '200ms', evaluation_interval: '200ms' },
      rule_files: [rulesFile],
      scrape_configs: [{ job_name: 'shop', static_configs: [{ targets }] }],
    }
    // JSON is YAML
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(configuration))
    this.#process = spawn(pathOf('prometheus')!, [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ])
    this.#process.stderr!.on('data', (chunk) => {
      this.#log += chunk
    })
    this.#forget = atEnd(() => this.#end())
  }

  /** The value of a query with one answer, once it is as expected. */
  async until(query: string, expected: number): Promise<void> {
    let last: unknown
    await until(`${query} is ${expected}`, async () => {
      if (this.#process.exitCode !== null) throw new Error(`Prometheus has ended: ${this.#log}`)
      const { result } = await this.#ask<{ result: Sample[] }>('query', { query })
      last = result.map(({ value }) => Number(value[1]))
      return result.length === 1 && Number(result[0]!.value[1]) === expected
    }).catch((error) => {
      throw new Error(`${error.message}, but ${JSON.stringify(last)}`, { cause: error })
    })
  }

  /** Each alert of the rule file, and how its evaluation fares: `ok`, or the error. */
  async rules(): Promise<Readonly<Record<string, string>>> {
    interface Rule {
      readonly name: string
      readonly health: string
      readonly lastError?: string
    }
    return until('all rules are evaluated', async () => {
      const { groups } = await this.#ask<{ groups: { rules: Rule[] }[] }>('rules', {})
      const rules = groups.flatMap((group) => group.rules)
      if (rules.length === 0 || rules.some(({ health }) => health === 'unknown')) return undefined
      return Object.fromEntries(rules.map(({ name, health, lastError }) => [name, lastError || health]))
    }) as Promise<Readonly<Record<string, string>>>
  }

  async #ask<Data>(path: string, query: Record<string, string>): Promise<Data> {
    const url = `http://127.0.0.1:${this.#place.port}/api/v1/${path}?${new URLSearchParams(query)}`
    const { data } = (await (await fetch(url)).json()) as Answer<Data>
    return data
  }

  async close(): Promise<void> {
    this.#forget()
    const isOver = this.#process.exitCode !== null || this.#process.signalCode !== null
    const exited = isOver ? undefined : once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
    this.#place.release()
  }

  #end(): void {
    this.#process.kill('SIGKILL')
    this.#place.release()
  }
}
