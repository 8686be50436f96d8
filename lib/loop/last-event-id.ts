// Decides which event a client saw last, and after which one its stream resumes.
import type { Request } from 'express'

type Asked = Pick<Request, 'headers' | 'originalUrl'>

/** The last id that the client saw: the Last-Event-ID header, else the query parameter `lastEventId`, or Mercure's. */
export function lastEventIdOf({ headers, originalUrl }: Asked): string | undefined {
  const header = headers['last-event-id'] as string | undefined
  // Node reads header bytes as Latin-1; EventSource sends the id in UTF-8 (WHATWG HTML 9.2.3)
  if (header !== undefined) return Buffer.from(header, 'latin1').toString()
  const query = originalUrl.indexOf('?')
  if (query < 0) return undefined
  const parameters = new URLSearchParams(originalUrl.slice(query))
  return parameters.get('lastEventId') ?? parameters.get('lastEventID') ?? undefined
}

/** The id after which a stream resumes; undefined for a new stream. An empty id counts as none. */
export function resumeFrom(req: Asked): string | undefined {
  return lastEventIdOf(req) || undefined
}
