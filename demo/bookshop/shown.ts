/** A URL without its password. */
export function shown(url: string): string {
  return url.replace(/^(\w+:\/\/).*@/, '$1')
}
