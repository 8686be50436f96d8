// Finds the route of a request: the key of its table, or the pattern of the mount.
import type { Request } from '../declare/context.js'

/**
 * The key of the table, or else the pattern of the mount. Express keeps it for a method, such as `app.get`; not for
 * `app.use`.
 */
export function routeOf({ route: key }: { readonly route: string | undefined }, req: Request): string {
  if (key !== undefined) return key
  const { baseUrl, route, params } = req
  const own: unknown = (route as { path?: unknown } | undefined)?.path
  return mountOf(baseUrl, params) + (own === undefined ? '' : String(own)) || '/'
}

/** The path of a mount with the names of its parameters in the place of their values. */
function mountOf(path: string, params: Readonly<Record<string, unknown>>): string {
  const names = new Map(Object.entries(params).map(([name, value]) => [value, name]))
  const nameOf = (segment: string) => {
    const name = names.get(decoded(segment))
    return name === undefined ? segment : `:${name}`
  }
  return path.split('/').map(nameOf).join('/')
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
