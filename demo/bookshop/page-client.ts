import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { RequestHandler } from 'express'

/** The client of this checkout as one module, for the page; elsewhere a bundler makes it of 'express-lariat/client'. */
export function pageClient(): RequestHandler {
  let made: Promise<Uint8Array> | undefined
  return async (_req, res) => {
    made ??= bundle()
    res.type('js').send(Buffer.from(await made))
  }
}

async function bundle(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../../lib/client.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
  })
  return outputFiles[0]!.contents
}
