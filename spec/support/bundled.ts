import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { atEnd } from './at-end.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Beside a link to the packages, which are not part of a bundle. */
let folder: string | undefined
let count = 0

function next(name: string): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'lariat-bundled-'))
    symlinkSync(join(root, 'node_modules'), join(made, 'node_modules'))
    atEnd(() => rmSync(made, { recursive: true, force: true }))
    folder = made
  }
  return join(folder, `${++count}-${name}.mjs`)
}

async function made(outfile: string, options: BuildOptions): Promise<string> {
  await build({ ...forNode, ...options, outfile, plugins: [whereabouts] })
  return outfile
}

const forNode = {
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'silent',
} as const

/** A demo that asks where it is, and the inspector, which finds its page so, get what they would without being bundled; a file that it forks is bundled as well. */
const whereabouts: Plugin = {
  name: 'whereabouts',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/](?:demo[\\/].+|lib[\\/]inspector)\.ts$/ }, async ({ path }) => {
      let contents = await readFile(path, 'utf8')
      for (const [call, file = ''] of contents.matchAll(/\bfork\(new URL\('(.+?)', import\.meta\.url\)\)/g)) {
        const forked = await made(next(basename(file, '.ts')), { entryPoints: [join(dirname(path), file)] })
        contents = contents.replace(call, () => `fork(${JSON.stringify(forked)})`)
      }
      const url = JSON.stringify(pathToFileURL(path).href)
      return { contents: contents.replaceAll('import.meta.url', () => url), loader: 'ts' }
    })
  },
}

const files = new Map<string, Promise<string>>()

/**
 * A file of this project with all that it imports of it, as one file of JavaScript: a process that begins with it is there
 * in a third of the time that one takes which translates a hundred files first. Only of the demos one may ask where it is
 * (`import.meta.url`).
 *
 * @param path from the project's root
 */
export function bundled(path: string): Promise<string> {
  const known = files.get(path) ?? made(next(basename(path, '.ts')), { entryPoints: [join(root, path)] })
  files.set(path, known)
  return known
}

/** The same of code, which imports as a file in the project's root does. */
export function bundledCode(code: string): Promise<string> {
  return made(next('code'), { stdin: { contents: code, resolveDir: root, loader: 'ts' } })
}

/** The same of a file that is somewhere else, beside which it is put. */
export function bundledBeside(path: string): Promise<string> {
  return made(`${path}.mjs`, { entryPoints: [path] })
}

/** The same of many files in one folder, with what several of them import in a file for all. */
export async function bundledTogether(paths: readonly string[], outdir: string): Promise<void> {
  const outExtension = { '.js': '.mjs' }
  const entryPoints = [...paths]
  await build({ ...forNode, entryPoints, outdir, splitting: true, outExtension, plugins: [whereabouts] })
}

/** The same for a page or a worker, as the text of a script that leaves the exports of the file in a global variable. */
export async function bundledForBrowser(path: string, globalName: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(root, path)],
    bundle: true,
    write: false,
    format: 'iife',
    globalName,
    target: 'es2022',
    logLevel: 'silent',
  })
  return outputFiles[0]!.text
}
