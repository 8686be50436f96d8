import { fileURLToPath } from 'node:url'
import type { RequestHandler } from 'express'

/** The chat of the AI SDK as one module, for the page; elsewhere a bundler does that, and `useChat` is for React. */
export function ai(): RequestHandler {
  let made: Promise<Uint8Array> | undefined
  return async (_req, res) => {
    made ??= bundle()
    res.type('js').send(Buffer.from(await made))
  }
}

async function bundle(): Promise<Uint8Array> {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    stdin: {
      contents: "export { AbstractChat, DefaultChatTransport } from 'ai'",
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'error',
  })
  return outputFiles[0]!.contents
}
