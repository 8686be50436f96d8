import { isUtf8ByDefinition, type MediaType, sameParameter } from './media-type.js'

/** One member of an Accept field: what is asked for, and how much. */
interface Member {
  /** In lower case. */
  readonly value: string
  /** The halves of a media range. */
  readonly type: string | undefined
  readonly subtype: string | undefined
  /** Those before the weight. */
  readonly parameters: readonly (readonly [name: string, value: string])[]
  readonly q: number
}

/** How well a member fits something provided: 0 and less for not at all. */
type Fit<T> = (member: Member, provided: T) => number

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** A qvalue (RFC 9110 12.4.2), also without the zero before the point, as old Java clients write it. */
const weight = /^(?:0?\.\d{1,3}|0\.?|1(?:\.0{0,3})?)$/
const quoted = /^"(?:[^"\\]|\\.)*"$/
const mediaRange =
  /^(?:\*|[!#$%&'+.^_`|~0-9a-z-]+\/\*|\*\/\*|[!#$%&'+.^_`|~0-9a-z-]+\/[!#$%&'+.^_`|~0-9a-z-]+)$/
const languageRange = /^(?:\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)$/

const mediaRanges = parser(mediaRange)
const languageRanges = parser(languageRange)
const tokens = parser(token)

/** Of the media types that are provided, the index of the one to serve (RFC 9110 12.5.1); -1 for none. */
export function chooseMediaType(accept: string | undefined, provided: readonly MediaType[]): number {
  return choose(accept, mediaRanges, provided, ({ type, subtype, parameters }, media) => {
    let fit = 0
    if (type === '*') fit = 100
    else if (type !== media.type) return 0
    else if (subtype === '*') fit = 200
    else if (subtype === media.subtype) fit = 300
    else return 0
    for (const [name, asked] of parameters) {
      if (name === 'charset' && sameParameter(asked, 'utf-8') && isUtf8ByDefinition(media)) continue
      if (!media.parameters.some(([own, has]) => own === name && sameParameter(asked, has))) return 0
      fit += 1
    }
    return fit
  })
}

/**
 * Of the languages that are provided, the index of the one to serve; -1 for none. Ranges match by prefix at a
 * hyphen, either way round; an exact match wins. A longer range that is refused says nothing of the shorter tag.
 */
export function chooseLanguage(accept: string | undefined, provided: readonly string[]): number {
  const fit: Fit<string> = ({ value, q }, language) => {
    const tag = language.toLowerCase()
    if (value === tag) return exact
    // the longer the range, the more specific, and never as much as the tag itself
    if (tag.startsWith(`${value}-`)) return exact - 1 / value.length
    if (value.startsWith(`${tag}-`)) return q > 0 ? 2 : 0
    return value === '*' ? 1 : 0
  }
  return choose(accept, languageRanges, provided, fit, exact)
}

/** Of the charsets that are provided, the index of the one to serve (RFC 9110 12.5.2); -1 for none. */
export function chooseCharset(accept: string | undefined, provided: readonly string[]): number {
  return choose(accept, tokens, provided, named)
}

/**
 * Of the codings that are provided, the one to serve (RFC 9110 12.5.3), undefined for none. The identity is
 * always there unless the client forbids it, and the last choice unless the client names it. A client that sends
 * no field is taken to prefer it, and to take any other, as in Webmachine.
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

/** The highest weight wins, then the fit that is said to win, then the server's order. */
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

/** The weight of the most specific member that fits; of equally specific ones, the highest. */
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

/** The members of a field that parse; the others are ignored. */
type Parse = (header: string) => readonly Member[]

/** What clients send is nearly always what was sent before: the last few hundred fields are kept, parsed. */
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
    if (q !== undefined) continue // what follows the weight was once accept-ext, and never of the range
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

/** Splits at a character outside of quoted strings, in one pass. */
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
