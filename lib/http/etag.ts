// Parses and compares entity tags (RFC 9110 8.8.3, 13.1).

/** A field with a single tag: what nearly every client sends. */
const one = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/

/**
 * Parses If-Match and If-None-Match: returns `*`, a list of entity tags, or undefined for a malformed field. Empty
 * members of a list are skipped (5.6.1).
 */
export function parseEtags(header: string): '*' | readonly string[] | undefined {
  if (one.test(header)) return [header]
  if (header.trim() === '*') return '*'
  const tags: string[] = []
  const member = /[ \t]*(?:((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,|$)/y
  while (member.lastIndex < header.length) {
    const match = member.exec(header)
    if (!match) return undefined
    if (match[1] !== undefined) tags.push(match[1])
  }
  return tags
}

/** The strong comparison (RFC 9110 8.8.3.2): both strong, and equal. */
export function matchesStrongly(one: string, other: string): boolean {
  return one === other && !one.startsWith('W/')
}

/** The weak comparison (RFC 9110 8.8.3.2): equal, weak or not. */
export function matchesWeakly(one: string, other: string): boolean {
  return opaque(one) === opaque(other)
}

/** Makes a tag weak: another content coding of the same representation has other bytes. */
export function weakened(etag: string): string {
  return `W/${opaque(etag)}`
}

function opaque(etag: string): string {
  return etag.startsWith('W/') ? etag.slice(2) : etag
}
