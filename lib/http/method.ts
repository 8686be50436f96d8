// Tells which methods only read, and which answers can be revalidated.

/** The methods that retrieve a representation (RFC 9110 9.3.1, 9.3.2). */
export function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** The methods whose answer can be revalidated (RFC 9110 13.1.2, 13.1.3): those, and QUERY (RFC 10008 2). */
export function isRevalidated(method: string): boolean {
  return isReading(method) || method === 'QUERY'
}
