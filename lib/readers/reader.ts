// Says what a reader of a format is: bytes in, events out. It runs wherever there are Web streams, browsers among them.

/** Something that a response has said: an event, a notice, or no more than an id to come back with. */
export interface Received {
  /** Undefined: there is no data, only what the others say. */
  readonly data?: unknown
  readonly id?: string | undefined
  readonly type?: string | undefined
  /** SSE's reconnection time, in milliseconds. */
  readonly retry?: number
  /** The kind of a notice, whose details are the data. */
  readonly notice?: string | undefined
}

/** Reads one response. */
export interface Parser {
  /** Takes the next bytes, and adds what has come whole. Throws a FormatError for what the format is not. */
  take(bytes: Uint8Array): void
  /** The response has come to its proper end. False: what came is not whole, whatever the transport says. */
  end(): boolean
}

/** Reads the responses of a format. */
export interface Reader {
  /** The media types that it reads, the preferred one first. */
  readonly mediaTypes: readonly string[]
  /** Begins a response: what it says is added to a list. */
  read(contentType: string, options: ReadOptions, into: Received[]): Parser
}

/** A media type without its parameters. */
export const mediaTypeOf = (contentType: string) => (contentType.split(';')[0] as string).trim().toLowerCase()

/**
 * The reader of a Content-Type: of the type, or of what its suffix says that it is made of (RFC 6838 4.2.8). A type that was
 * asked for by name is read as text or bytes, where nothing else reads it.
 */
export function readerOf(
  contentType: string,
  readers: readonly Reader[],
  accept?: string | readonly string[],
): Reader | undefined {
  const type = mediaTypeOf(contentType)
  const types = [type, type.replace(/^.*\+/, 'application/')]
  if ([accept].flat().includes(type)) types.push(type.replace(/\/.*/, '/*'), '*/*')
  return types.map((each) => readers.find(({ mediaTypes }) => mediaTypes.includes(each))).find(Boolean)
}

export interface ReadOptions {
  /** Turns the text of an SSE event's data, or of a JSON record, into data. Default: JSON; of SSE, text that is none stays text. */
  readonly parse?: (text: string) => unknown
  /** Whether JSON records are `{ id, type, data }`. Default: as the first record looks. */
  readonly envelope?: boolean
}

/** What came is not of the format that its Content-Type says. */
export class FormatError extends Error {
  override readonly name = 'FormatError'
}

/** Decodes UTF-8 of which characters are split over chunks; a byte-order mark at its beginning is none of the text. */
export function decoding(charset?: string): (bytes?: Uint8Array) => string {
  const decoder = new TextDecoder(charset)
  return (bytes) => decoder.decode(bytes, { stream: !!bytes })
}

/** Divides text that comes in chunks: hands over each part that a separator has ended, and returns the rest. */
export function dividing(separator: string): (text: string, each: (part: string) => void) => string {
  let rest = ''
  return (text, each) => {
    const parts = text.split(separator)
    rest += parts.shift()
    for (const part of parts) {
      each(rest)
      rest = part
    }
    return rest
  }
}

/** The JSON value of a record. */
export function parsed(text: string, parse = JSON.parse): unknown {
  try {
    return parse(text)
  } catch (cause) {
    throw new FormatError(`Not JSON: ${text.slice(0, 100)}`, { cause })
  }
}
