// Serves the files of the page, each with an entity tag.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { Request } from '../declare/context.js'
import { LariatError } from '../errors.js'

const types: Readonly<Record<string, string>> = {
  html: 'text/html',
  css: 'text/css',
  js: 'text/javascript',
  svg: 'image/svg+xml',
}

/** The parts of a spec that serve a file. */
export interface Asset {
  readonly contentTypesProvided: Readonly<Record<string, () => string>>
  readonly charsetsProvided: readonly string[]
  readonly generateEtag: string
  readonly negotiation: 'lenient'
}

/**
 * The files of a folder by their names, read once.
 *
 * @throws LariatError if the folder is not there
 */
export function assetsOf(folder: URL): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>()
  for (const name of namesIn(folder)) {
    const type = types[name.slice(name.lastIndexOf('.') + 1)]
    if (type === undefined) continue
    const text = readFileSync(new URL(name, folder), 'utf8')
    const tag = createHash('sha256').update(text).digest('base64url').slice(0, 22)
    assets.set(name, {
      contentTypesProvided: { [type]: () => text },
      charsetsProvided: ['utf-8'],
      generateEtag: `"${tag}"`,
      negotiation: 'lenient',
    })
  }
  return assets
}

function namesIn(folder: URL): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (cause) {
    throw new LariatError(
      'LARIAT_SPEC',
      `inspector: its page is not at ${folder.href}, beside its code. A bundle of the app leaves it behind: keep express-lariat out of the bundle (esbuild: --external:express-lariat)`,
      { cause },
    )
  }
}

/** The place of the page, for a request that lacks the slash at its end: all that the page asks for is relative to it. */
export function withSlash({ originalUrl }: Request): string | undefined {
  const [path = '', query] = originalUrl.split(/\?(.*)/s, 2)
  if (path.endsWith('/')) return undefined
  // of the path no more than its last part is known, behind a proxy; `./` keeps that from being anything but a path
  const last = path.slice(path.lastIndexOf('/') + 1)
  return `./${last}/${query === undefined ? '' : `?${query}`}`
}
