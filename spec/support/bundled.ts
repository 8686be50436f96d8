import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
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

/** The inspector finds its page beside its code, where that is in this project. */
const placed: Plugin = {
  name: 'placed',
  setup({ onLoad }) {
    onLoad({ filter: /\/lib\/inspector\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', `'${pathToFileURL(path).href}'`),
      loader: 'ts',
    }))
  },
}

async function made(outfile: string, options: BuildOptions): Promise<string> {
  await build({
    ...options,
    outfile,
    plugins: [placed],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
  })
  return outfile
}

const files = new Map<string, Promise<string>>()

/**
 * A file of this project with all that it imports of it, as one file of JavaScript: a process that begins with it is there
 * in a third of the time that one takes which translates a hundred files first. It may not ask where it is (`import.meta`).
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
