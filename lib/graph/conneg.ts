// Decides which of the provided representations the client gets: content negotiation (RFC 9110 12).
import type { Provided } from '../declare/answers.js'
import { type Provides, provides } from '../declare/media-types.js'
import type { Negotiable } from '../declare/spec.js'
import { isFormat } from '../formats/format.js'
import { chooseCharset, chooseEncoding, chooseLanguage, chooseMediaType } from '../http/accept.js'
import type { Exchange } from '../request/exchange.js'
import { byCallback, question } from './question.js'

export const conneg = {
  acceptableMediaType: question({
    asks: 'contentTypesProvided',
    also: ['charsetsProvided'],
    choice: (x) => x.negotiated.mediaType,
    answer: (x, ask) => {
      x.draft.vary = x.plan.vary
      return ask(x, 'contentTypesProvided', (provided) => {
        if (provided === undefined) return true
        // a range may name the charset that the answer would have
        const { accept = '' } = x.req.headers
        if (x.plan.spec.charsetsProvided === undefined || !/charset/i.test(accept))
          return chooseProvider(x, provided)
        return ask(x, 'charsetsProvided', (charsets = []) =>
          chooseProvider(x, provided, chosenCharset(x, charsets) ?? ''),
        )
      })
    },
  }),

  acceptableLanguage: byCallback(
    'languagesProvided',
    (languages, x) => {
      if (languages === undefined) return true
      const chosen = pick(
        x,
        'language',
        languages,
        chooseLanguage(x.req.headers['accept-language'], languages),
      )
      if (chosen === undefined) return notAcceptable(x, 'languages', languages)
      x.negotiated.language = chosen
      return true
    },
    { byDefault: true, choice: (x) => x.negotiated.language },
  ),

  acceptableCharset: byCallback(
    'charsetsProvided',
    (charsets, x) => {
      if (charsets === undefined) return true
      const chosen = chosenCharset(x, charsets)
      if (chosen === undefined) return notAcceptable(x, 'charsets', charsets)
      x.negotiated.charset = chosen
      return true
    },
    { byDefault: true, choice: (x) => x.negotiated.charset },
  ),

  acceptableEncoding: question({
    asks: 'encodingsProvided',
    byDefault: true,
    choice: (x) => x.negotiated.encoding,
    // only bodies are encoded
    answer: (x, ask) => isStreamed(x) || ask(x, 'encodingsProvided', chooseCoding),
  }),

  variances: byCallback(
    'variances',
    (names, x) => {
      if (names.length > 0) x.draft.vary = { names: [...(x.draft.vary?.names ?? []), ...names] }
      return true
    },
    { byDefault: true, isPassed: true },
  ),

  rangesProvided: question({
    asks: 'rangesProvided',
    byDefault: false,
    // a QUERY has no ranges, and must not promise any
    onlyFor: (method) => method !== 'QUERY',
    answer: (x, ask) =>
      isStreamed(x) ||
      ask(x, 'rangesProvided', (ranges) => {
        if (ranges === undefined) return false
        const { draft } = x
        draft.cutsRanges = ranges === 'auto' && !draft.isEncoded
        if (draft.cutsRanges || ranges === 'none')
          draft.headers['Accept-Ranges'] = draft.cutsRanges ? 'bytes' : 'none'
        return draft.cutsRanges
      }),
  }),

  resourceExists: byCallback(
    'resourceExists',
    (exists, x) => {
      x.exists = exists
      return exists
    },
    { byDefault: true },
  ),
}

/** @param charset the charset that a text would be sent in, if charsets are negotiated */
function chooseProvider(x: Exchange, value: Provided<unknown>, charset?: string): boolean {
  const provided = x.plan.provided ?? provides(value)
  const chosen = pick(x, 'type', provided, indexOf(x.req.headers.accept, provided, charset))
  if (!chosen) {
    const names = provided.map((each) => each.name)
    return notAcceptable(x, 'media types', names)
  }
  x.provider = chosen.provider
  x.negotiated.mediaType = chosen.name
  if (isFormat(chosen.provider)) x.negotiated.chosen = chosen.provider
  return true
}

function chosenCharset(x: Exchange, charsets: readonly string[]): string | undefined {
  return pick(x, 'charset', charsets, chooseCharset(field(x, 'accept-charset'), charsets))
}

function chooseCoding(encodings: readonly string[] | undefined, x: Exchange): boolean {
  if (encodings === undefined) return true
  const asked = field(x, 'accept-encoding')
  const chosen = encodings.length > 0 ? chooseEncoding(asked, encodings) : undefined
  if (chosen === undefined && !isLenient(x, 'encoding')) return notAcceptable(x, 'codings', encodings)
  x.negotiated.encoding = chosen ?? 'identity'
  return true
}

const isStreamed = (x: Exchange) => x.negotiated.chosen !== undefined

function isLenient(x: Exchange, part: Negotiable): boolean {
  const { negotiation } = x.plan.spec
  return (typeof negotiation === 'object' ? negotiation[part] : negotiation) === 'lenient'
}

/** The chosen one. If nothing matches, a lenient resource serves the first. */
function pick<T>(x: Exchange, part: Negotiable, provided: readonly T[], index: number): T | undefined {
  return provided[index < 0 && isLenient(x, part) ? 0 : index]
}

function notAcceptable({ draft }: Exchange, kind: string, offered: readonly string[]): false {
  draft.offered = offered
  draft.detail = `None of the ${kind} that are provided is acceptable to the client.`
  return false
}

function field(x: Exchange, name: string): string | undefined {
  return x.req.headers[name] as string | undefined
}

/** Earlier choices by Accept field: browsers and libraries send few different ones. */
const choices = new WeakMap<readonly Provides[], Map<string | undefined, number>>()

/** Bounds the cache: clients can send any number of fields, of any length. */
const limits = { fields: 100, length: 200 }

function indexOf(
  accept: string | undefined,
  provided: readonly Provides[],
  charset: string | undefined,
): number {
  let known = choices.get(provided)
  const before = charset === undefined ? known?.get(accept) : undefined
  if (before !== undefined) return before
  const index = chooseMediaType(
    accept,
    provided.map((each) => each.media),
    charset,
  )
  if (charset !== undefined) return index
  if (!known) {
    known = new Map()
    choices.set(provided, known)
  }
  if (known.size < limits.fields && (accept?.length ?? 0) <= limits.length) known.set(accept, index)
  return index
}
