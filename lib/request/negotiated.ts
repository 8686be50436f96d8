// Keeps the results of the negotiation so far.
import type { Negotiated as PublicNegotiated } from '../declare/context.js'
import { LariatError } from '../errors.js'
import type { Format } from '../formats/format.js'

/** Each field is undefined until it is decided. */
export class Negotiated implements PublicNegotiated {
  mediaType = undefined as unknown as string
  language = undefined as unknown as string
  charset = undefined as unknown as string
  encoding = undefined as unknown as string
  #chosen: Format | undefined

  /** The format, or undefined. Callbacks read `format`, which throws. */
  get chosen(): Format | undefined {
    return this.#chosen
  }

  set chosen(format: Format) {
    this.#chosen = format
  }

  get format(): Format {
    if (this.#chosen) return this.#chosen
    throw new LariatError(
      'LARIAT_ANSWER',
      `No format was negotiated${this.mediaType ? `: ${this.mediaType} is provided by a function` : ''}. ` +
        'Provide a format, such as sse(), to have one in negotiated.format.',
    )
  }
}
