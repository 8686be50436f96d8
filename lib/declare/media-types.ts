// Reads the media types that a spec provides and accepts.
import { isMediaType } from '../formats/check.js'
import { type Format, mediaTypesOf } from '../formats/format.js'
import { isFieldValue } from '../http/field.js'
import { type MediaType, parseMediaType, sameParameter } from '../http/media-type.js'
import { wrong } from '../rules.js'
import type { Acceptors, Provided, Provider } from './answers.js'

/** A media type that is provided, and its provider. */
export interface Provides {
  readonly name: string
  readonly media: MediaType
  readonly provider: Provider<unknown>
}

/** A range of media types that is accepted, and its accept callback. */
export interface Accepts {
  readonly name: string
  readonly range: MediaType
  readonly acceptor: Acceptors<unknown>[string]
}

/** The media types that are provided, in the server's order. A format may have several. */
export function provides(provided: Provided<unknown>, where = 'resource'): readonly Provides[] {
  const entries: (readonly [string, Provider<unknown>])[] = Array.isArray(provided)
    ? (provided as readonly Format[]).flatMap((each) =>
        mediaTypesOf(each).map((type) => [type, each] as const),
      )
    : Object.entries(provided)
  return entries.map(([name, provider]) => {
    const media = isMediaType(name) ? parseMediaType(name) : undefined
    if (!media)
      wrong(`${where}: contentTypesProvided has '${name}': expected a media type such as 'application/json'`)
    return { name, media, provider }
  })
}

/** The media types that are accepted, in the server's order. */
export function accepts(accepted: Acceptors<unknown> | undefined, where = 'resource'): readonly Accepts[] {
  return Object.entries(accepted ?? {}).map(([name, acceptor]) => {
    // a 415 lists it in a header field
    const range = isFieldValue(name) ? parseMediaType(name) : undefined
    if (!range) {
      wrong(
        `${where}: contentTypesAccepted has '${name}': expected a media type or a range, such as 'text/*'`,
      )
    }
    return { name, range, acceptor }
  })
}

/** Whether a Content-Type is within a range: the parameters of the range must match. */
export function isWithin(media: MediaType, range: MediaType): boolean {
  return (
    (range.type === '*' || range.type === media.type) &&
    (range.subtype === '*' || range.subtype === media.subtype) &&
    range.parameters.every(
      ([name, value]) =>
        name === 'boundary' ||
        media.parameters.some(([own, has]) => own === name && sameParameter(has, value)),
    )
  )
}
