// Decides which media type the body of a request has.
import type { IncomingMessage } from 'node:http'
import { linesOf } from './field.js'
import { type MediaType, parseMediaType } from './media-type.js'

/** A body without a Content-Type (RFC 9110 8.3). */
const octets: MediaType = { type: 'application', subtype: 'octet-stream', parameters: [] }

/** No body and no Content-Type, as many clients send a POST: within the range of all types, and no other. */
const nothing: MediaType = { type: '', subtype: '', parameters: [] }

/**
 * The media type of a request's body. Undefined if the Content-Type does not parse, or stands twice with different
 * values: recipients differ in which of them they take.
 */
export function contentTypeOf(req: IncomingMessage): MediaType | undefined {
  const [line, ...more] = linesOf(req, 'content-type')
  if (line === undefined) return hasBody(req) ? octets : nothing
  return more.every((each) => each === line) ? parseMediaType(line) : undefined
}

/** Whether a request has a body (RFC 9112 6.3); over HTTP/2, whether its head did not end it. */
function hasBody(req: IncomingMessage): boolean {
  const { 'transfer-encoding': coding, 'content-length': length } = req.headers
  if (coding !== undefined || Number(length ?? 0) > 0) return true
  return (req as { stream?: { endAfterHeaders?: boolean } }).stream?.endAfterHeaders === false
}
