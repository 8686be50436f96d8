import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const names = ['app', 'proxy', 'publisher', 'reader'] as const

/** What each process runs. */
export type Files = Readonly<Record<(typeof names)[number], URL>>

/** Makes one file of each: a process that is started again and again is there in a third of the time. */
export async function bundle(): Promise<Files> {
  const to = new URL('../dist/restarts/', import.meta.url)
  await build({
    entryPoints: names.map((name) => fileURLToPath(new URL(`${name}.ts`, import.meta.url))),
    outdir: fileURLToPath(to),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // for the packages in it that are CommonJS
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  })
  const files = names.map((name) => [name, new URL(`${name}.mjs`, to)] as const)
  return Object.fromEntries(files) as unknown as Files
}
