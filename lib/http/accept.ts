// Chooses what to serve by the Accept fields (RFC 9110 12.5).
import { isUtf8ByDefinition, type MediaType, sameCharset, sameParameter } from './media-type.js'

/** One member of an Accept field: a value and its weight. */
interface Member {
  /** In lower case. */
  readonly value: string
  /** The two parts of a media range. */
  readonly type: string | undefined
  readonly subtype: string | undefined
  /** The parameters before the weight. */
  readonly parameters: readonly (readonly [name: string, value: string])[]
  readonly q: number
}

/** How specifically a member matches something provided: 0 or less for no match. */
type Fit<T> = (member: Member, provided: T) => number

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** A qvalue (RFC 9110 12.4.2). Old Java clients omit the zero before the point. */
const weight = /^(?:0?\.\d{1,3}|0\.?|1(?:\.0{0,3})?)$/
const quoted = /^"(?:[^"\\]|\\.)*"$/
const mediaRange =
  /^(?:\*|[!#$%&'+.^_`|~0-9a-z-]+\/\*|\*\/\*|[!#$%&'+.^_`|~0-9a-z-]+\/[!#$%&'+.^_`|~0-9a-z-]+)$/
const languageRange = /^(?:\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)$/

const mediaRanges = parser(mediaRange)
const languageRanges = parser(languageRange)
const tokens = parser(token)

/**
 * Returns the index of the provided media type to serve (RFC 9110 12.5.1); -1 for none. A range may have parameters that
 * the server decides: the charset that the answer would have, and the boundary of a multipart type.
 *
 * @param charset the charset of texts that do not name one
 */
export function chooseMediaType(
  accept: string | undefined,
  provided: readonly MediaType[],
  charset = 'utf-8',
): number {
  return choose(accept, mediaRanges, provided, ({ type, subtype, parameters }, media) => {
    let fit = 0
    if (type === '*') fit = 100
    else if (type !== media.type) return 0
    else if (subtype === '*') fit = 200
    else if (subtype === media.subtype) fit = 300
    else return 0
    for (const [name, asked] of parameters) {
      const own = media.parameters.find(([each]) => each === name)?.[1]
      if (own !== undefined && sameParameter(asked, own)) fit += 1
      else if (name === 'charset' ? !isCharsetOf(media, asked, charset, own) : !isBoundary(media, name))
        return 0
    }
    return fit
  })
}

/** Whether a type that names no other charset is sent in this one. */
function isCharsetOf(media: MediaType, asked: string, ofTexts: string, own: string | undefined): boolean {
  if (isUtf8ByDefinition(media)) return sameCharset(asked, 'utf-8')
  return own === undefined && media.type === 'text' && sameCharset(asked, ofTexts)
}

function isBoundary({ type }: MediaType, name: string): boolean {
  return name === 'boundary' && type === 'multipart'
}

/**
 * Returns the index of the provided language to serve; -1 for none. A range matches a tag if either is a prefix of the
 * other at a hyphen; an exact match wins. A longer range with q=0 does not exclude the shorter tag.
 */
export function chooseLanguage(accept: string | undefined, provided: readonly string[]): number {
  const fit: Fit<string> = ({ value, q }, language) => {
    const tag = language.toLowerCase()
    if (value === tag) return exact
    // A longer range is more specific, but never as specific as the tag itself.
    if (tag.startsWith(`${value}-`)) return exact - 1 / value.length
    if (value.startsWith(`${tag}-`)) return q > 0 ? 2 : 0
    return value === '*' ? 1 : 0
  }
  return choose(accept, languageRanges, provided, fit, exact)
}

/** Returns the index of the provided charset to serve (RFC 9110 12.5.2); -1 for none. */
export function chooseCharset(accept: string | undefined, provided: readonly string[]): number {
  return choose(accept, tokens, provided, named)
}

/**
 * Returns the content coding to serve (RFC 9110 12.5.3); undefined for none. The identity is always available unless the
 * client forbids it, and it is the last choice unless the client names it. A client that sends no field is assumed to
 * prefer the identity and to accept any coding, as in Webmachine.
 */
export function chooseEncoding(accept: string | undefined, provided: readonly string[]): string | undefined {
  if (accept === undefined) return provided.includes('identity') ? 'identity' : provided[0]
  const members = tokens(accept)
  const chosen = provided[best(members, provided, named)]
  const identity = rank(members, 'identity', named)
  if (identity === undefined) return chosen ?? 'identity'
  if (identity.q === 0) return chosen
  const other = chosen === undefined ? undefined : rank(members, chosen, named)
  return chosen === undefined || (identity.fit > 1 && other !== undefined && identity.q > other.q)
    ? 'identity'
    : chosen
}

const exact = 4
const named: Fit<string> = ({ value }, provided) =>
  value === provided.toLowerCase() ? exact : value === '*' ? 1 : 0

function choose<T>(
  header: string | undefined,
  parse: Parse,
  provided: readonly T[],
  fit: Fit<T>,
  winning?: number,
): number {
  if (header === undefined) return provided.length > 0 ? 0 : -1
  return best(parse(header), provided, fit, winning)
}

/** The highest weight wins, then a fit of at least `winning`, then the server's order. */
function best<T>(
  members: readonly Member[],
  provided: readonly T[],
  fit: Fit<T>,
  winning = Infinity,
): number {
  let chosen = -1
  let chosenQ = 0
  let won = false
  provided.forEach((each, index) => {
    const ranked = rank(members, each, fit)
    if (ranked === undefined || ranked.q === 0) return
    const wins = ranked.fit >= winning
    if (ranked.q > chosenQ || (ranked.q === chosenQ && wins && !won)) {
      chosen = index
      chosenQ = ranked.q
      won = wins
    }
  })
  return chosen
}

/** Returns the weight of the most specific member that matches; of equally specific ones, the highest. */
function rank<T>(
  members: readonly Member[],
  provided: T,
  fit: Fit<T>,
): { fit: number; q: number } | undefined {
  let bestFit = 0
  let q = 0
  for (const member of members) {
    const each = fit(member, provided)
    if (each > bestFit || (each === bestFit && member.q > q)) {
      bestFit = each
      q = member.q
    }
  }
  return bestFit > 0 ? { fit: bestFit, q } : undefined
}

/** Parses the members of a field; those that do not parse are ignored. */
type Parse = (header: string) => readonly Member[]

/** Clients nearly always send a field that was sent before: the last few hundred are kept in parsed form. */
function parser(grammar: RegExp): Parse {
  const known = new Map<string, readonly Member[]>()
  return (header) => {
    const before = known.get(header)
    if (before) return before
    const members = parse(header, grammar)
    if (header.length <= 256) known.set(header, members)
    if (known.size > 256) known.delete(known.keys().next().value as string)
    return members
  }
}

function parse(header: string, grammar: RegExp): Member[] {
  const members: Member[] = []
  for (const text of split(header, ',')) {
    const member = parseMember(text, grammar)
    if (member) members.push(member)
  }
  return members
}

function parseMember(text: string, grammar: RegExp): Member | undefined {
  const [first = '', ...rest] = split(text, ';')
  const value = first.trim().toLowerCase()
  if (!grammar.test(value)) return undefined
  const parameters: [string, string][] = []
  let q: number | undefined
  for (const part of rest) {
    const trimmed = part.trim()
    if (trimmed === '') continue
    const equals = trimmed.indexOf('=')
    const name = trimmed.slice(0, equals).toLowerCase()
    const given = trimmed.slice(equals + 1)
    if (equals < 1 || !token.test(name) || !(token.test(given) || quoted.test(given))) return undefined
    if (q !== undefined) continue // Parameters after the weight were once accept-ext, never part of the range.
    if (name !== 'q') parameters.push([name, unquote(given)])
    else if (weight.test(given)) q = Number(given)
    else return undefined
  }
  const [type, subtype] = value.split('/')
  return { value, type, subtype, parameters, q: q ?? 1 }
}

function unquote(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text
}

/** Splits at a character outside quoted strings, in one pass. */
function split(text: string, at: string): string[] {
  if (!text.includes('"')) return text.split(at)
  const parts: string[] = []
  let start = 0
  let quoting = false
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (quoting && character === '\\') index++
    else if (character === '"') quoting = !quoting
    else if (character === at && !quoting) {
      parts.push(text.slice(start, index))
      start = index + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}
