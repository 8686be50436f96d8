// A program for a newer Node, which runs it as it is, without its types: what outsiders' software says of a demo. Its
// arguments are a module beside it, where the demo is, a number, a folder with packages, and their names.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/** One thing that the software expects of a demo. */
export interface Judgement {
  readonly name: string
  /** The lengths of answers that the model is to stop before. */
  readonly stops?: readonly number[]
  run(): Promise<void>
}

/** What a module exports as `judgements`; lengths of answers that are stopped begin with `first`. */
export type Judgements<Packages> = (packages: Packages, url: string, first: number) => readonly Judgement[]

/** What the program says of each, a line of JSON. */
export interface Judged {
  readonly name: string
  readonly error?: string
}

const [, , module, url, first, folder, ...names] = process.argv

const { resolve } = createRequire(pathToFileURL(`${folder}/`))
const load = async (name: string) => [name, await import(pathToFileURL(resolve(name)).href)]
const packages = Object.fromEntries(await Promise.all(names.map(load)))
const { judgements } = await import(new URL(`${module}.ts`, import.meta.url).href)

const judging = (judgements as Judgements<unknown>)(packages, url!, Number(first)).map(
  async ({ name, run }) => {
    const judged: Judged = await run().then(
      () => ({ name }),
      (error) => ({ name, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    )
    console.log(JSON.stringify(judged))
  },
)
await Promise.all(judging)
