import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { build } from 'esbuild'

const resolveDir = fileURLToPath(new URL('../../', import.meta.url))

/** Bytes of a page's code, as bundlers and servers make it. */
async function sizeOf(contents: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir, loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  })
  return gzipSync(outputFiles[0]?.contents ?? '').length
}

describe('The size of the client, minified and gzipped', () => {
  for (const [what, contents, most] of [
    ['All formats', "export { follow } from './lib/client.js'", 5120],
    [
      'SSE and NDJSON alone',
      "import { following, ndjson, sse } from './lib/client.js'; export const follow = following(sse, ndjson)",
      3760,
    ],
    ['Nothing, where nothing is used', "import './lib/client.js'", 100],
  ] as const)
    it(`${what}: at most ${most} bytes`, async () => {
      expect(await sizeOf(contents)).to.be.at.most(most)
    })
})
