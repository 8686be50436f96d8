// Decides which event a client saw last.
import type { Request } from 'express'

/** The last id that the client saw: the Last-Event-ID header, else the query parameter `lastEventId`. */
export function lastEventIdOf({
  headers,
  originalUrl,
}: Pick<Request, 'headers' | 'originalUrl'>): string | undefined {
  const header = headers['last-event-id'] as string | undefined
  // Node reads header bytes as Latin-1; EventSource sends the id in UTF-8 (WHATWG HTML 9.2.3)
  if (header !== undefined) return Buffer.from(header, 'latin1').toString()
  const query = originalUrl.indexOf('?')
  if (query < 0) return undefined
  return new URLSearchParams(originalUrl.slice(query)).get('lastEventId') ?? undefined
}
