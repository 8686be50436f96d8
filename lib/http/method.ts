// Tells whether a method only reads.

/** The methods that retrieve a representation (RFC 9110 9.3.1, 9.3.2). */
export function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}
