import type { Provided } from '../declare/answers.js'
import { type Provides, provides } from '../declare/plan.js'
import { isFormat } from '../formats/format.js'
import { chooseCharset, chooseEncoding, chooseLanguage, chooseMediaType } from '../http/accept.js'
import type { Exchange } from '../request/exchange.js'

/** What was chosen for an Accept of what is provided: browsers and libraries send few different ones. */
const chosenBefore = new WeakMap<readonly Provides[], Map<string | undefined, number>>()

/** So many are remembered for a resource, none longer than this: a client can make up as many as it likes. */
const most = { fields: 100, length: 200 }

function indexOf(accept: string | undefined, provided: readonly Provides[]): number {
  let known = chosenBefore.get(provided)
  const before = known?.get(accept)
  if (before !== undefined) return before
  const index = chooseMediaType(
    accept,
    provided.map((each) => each.media),
  )
  if (!known) {
    known = new Map()
    chosenBefore.set(provided, known)
  }
  if (known.size < most.fields && (accept?.length ?? 0) <= most.length) known.set(accept, index)
  return index
}

/** Negotiation: which of the representations that there are does the client get? */
export const questions = {
  acceptableMediaType: (x: Exchange) => {
    x.vary = x.plan.vary
    return x.ask('contentTypesProvided', (value) => {
      if (value === undefined) return true
      const provided = x.plan.provided ?? provides(value as Provided<unknown>)
      const index = indexOf(x.req.headers.accept, provided)
      const chosen = pick(x, provided, index)
      if (!chosen)
        return refuse(
          x,
          'media types',
          provided.map((each) => each.name),
        )
      x.provider = chosen.provider
      x.negotiated.mediaType = chosen.name
      if (isFormat(chosen.provider)) x.negotiated.streams = chosen.provider
      return true
    })
  },

  acceptableLanguage: (x: Exchange) =>
    x.ask('languagesProvided', (languages) => {
      if (languages === undefined) return true
      const chosen = pick(x, languages, chooseLanguage(x.req.headers['accept-language'], languages))
      if (chosen === undefined) return refuse(x, 'languages', languages)
      x.negotiated.language = chosen
      return true
    }),

  acceptableCharset: (x: Exchange) =>
    x.ask('charsetsProvided', (charsets) => {
      if (charsets === undefined) return true
      const chosen = pick(x, charsets, chooseCharset(field(x, 'accept-charset'), charsets))
      if (chosen === undefined) return refuse(x, 'charsets', charsets)
      x.negotiated.charset = chosen
      return true
    }),

  acceptableEncoding: (x: Exchange) =>
    x.streams !== undefined ||
    x.ask('encodingsProvided', (encodings) => {
      if (encodings === undefined) return true
      const asked = field(x, 'accept-encoding')
      const chosen = encodings.length > 0 ? chooseEncoding(asked, encodings) : undefined
      if (chosen === undefined && !isLenient(x)) return refuse(x, 'codings', encodings)
      x.negotiated.encoding = chosen ?? 'identity'
      return true
    }),

  variances: (x: Exchange) =>
    x.ask('variances', (names) => {
      if (names.length > 0) x.vary = [...x.vary, ...names]
      return true
    }),

  rangesProvided: (x: Exchange) =>
    x.streams !== undefined ||
    x.ask('rangesProvided', (ranges) => {
      if (ranges === undefined) return false
      const isCut = ranges === 'auto' && !x.isEncoded
      if (isCut || ranges === 'none') x.headers['Accept-Ranges'] = isCut ? 'bytes' : 'none'
      x.cutsRanges = isCut
      return isCut
    }),

  resourceExists: (x: Exchange) =>
    x.ask('resourceExists', (exists) => {
      x.exists = exists
      return exists
    }),
}

const isLenient = (x: Exchange) => x.plan.spec.negotiation === 'lenient'

/** The chosen one; where nothing was, a lenient resource serves the first. */
function pick<T>(x: Exchange, provided: readonly T[], index: number): T | undefined {
  return provided[index < 0 && isLenient(x) ? 0 : index]
}

function refuse(x: Exchange, what: string, offered: readonly string[]): false {
  x.offered = offered
  x.detail = `None of the ${what} that are provided is acceptable to the client.`
  return false
}

function field(x: Exchange, name: string): string | undefined {
  return x.req.headers[name] as string | undefined
}
