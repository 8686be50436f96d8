// Turns what came from outside into text that may be shown: cut to a length, and without secrets.
import { isFormat, mediaTypesOf } from '../formats/format.js'
import { asBytes } from '../values/bytes.js'

/** In the place of a secret. */
const hidden = '…'

/** What holds secrets, by its name: a query parameter, a header field, a key. */
const secret =
  /token|key|secret|passw|passphrase|pwd|ticket|auth|session|signature|code|cookie|jwt|credential|assertion|bearer|[cx]srf|(?:^|[^a-z])(?:pass|sig|sid|pin|otp)(?![a-z])/i

/** Credentials, whatever they are the value of. A challenge is none: what follows its scheme has names. */
const credentials = /\b(bearer|basic|digest|negotiate|token)(\s+)(?!\w+=["\w])[\w+/.~=-]{6,}/gi
const scheme = /^(?:bearer|basic|digest|negotiate)\s/i
const jwt = /(?<![\w-])eyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g
const userinfo = /(\/\/)[^/?#\s]*@/g
const member = /"([^"]*)"(\s*:\s*)("(?:[^"\\]|\\.)*"?|[^",}\s]+)/g

/** How often a value is looked into that has parameters of its own, such as the URL to go on to. */
const deepest = 4

/** Text of at most so many characters. */
export function cut(text: string, length = 200): string {
  return text.length > length ? `${text.slice(0, length - 1).replace(/[\ud800-\udbff]$/, '')}…` : text
}

/**
 * A URL, or text that may have some in it, without the values of parameters whose names are those of secrets, in its query,
 * its fragment, or within another value; and without credentials. Of a longer text no more than that is looked at.
 */
export function redacted(text: string, length = 500): string {
  return cut(withoutSecrets(text.slice(0, 8 * length), deepest), length)
}

function withoutSecrets(text: string, depth: number): string {
  return text
    .replace(userinfo, `$1${hidden}@`)
    .replace(credentials, `$1$2${hidden}`)
    .replace(jwt, hidden)
    .replace(member, (all, name, colon) => (secret.test(name) ? `"${name}"${colon}${hidden}` : all))
    .split(/([&#\s]+)/)
    .map((part) => parameter(part, depth))
    .join('')
}

function parameter(part: string, depth: number): string {
  const at = part.indexOf('=')
  if (at < 0) return part
  const before = part.slice(0, at)
  const name = before.slice(Math.max(before.lastIndexOf('?'), before.lastIndexOf(';')) + 1)
  const value = part.slice(at + 1)
  return `${before}=${secret.test(decoded(name)) ? hidden : shown(value, depth - 1)}`
}

/** A value, which may have parameters itself: as it is, or encoded. */
function shown(value: string, depth: number): string {
  if (!/[=%+]/.test(value)) return value
  if (depth === 0) return hidden
  const plain = decoded(value)
  return plain !== value && withoutSecrets(plain, depth) !== plain ? hidden : withoutSecrets(value, depth)
}

/** As the most lenient reader has it. */
function decoded(text: string): string {
  return text.replaceAll('+', ' ').replace(/(?:%[\da-f]{2})+/gi, (bytes) => {
    try {
      return decodeURIComponent(bytes)
    } catch {
      return Buffer.from(bytes.replaceAll('%', ''), 'hex').toString('latin1')
    }
  })
}

/** Header fields as text. The values of those that hold secrets are not shown. */
export function fieldsOf(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const shown: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(headers).slice(0, 100))
    shown[cut(name, 100)] = field(name, value)
  return shown
}

function field(name: string, value: unknown): string {
  const text = Array.isArray(value) ? value.join(', ') : String(value)
  return isSecret(name) || scheme.test(text) ? hidden : redacted(text)
}

function isSecret(name: string): boolean {
  // it is asked of each WebSocket and says nothing; and a key of a cache is none of a lock
  return secret.test(name) && name !== 'sec-websocket-key'
}

/** An error as text, without its stack, and without secrets. Never throws. */
export function errorText(error: unknown): string | undefined {
  if (error === undefined) return undefined
  try {
    if (typeof error === 'object' && error !== null && 'message' in error) {
      const { name, message } = error as { name?: unknown; message?: unknown }
      return redacted(`${typeof name === 'string' ? name : 'Error'}: ${message}`, 200)
    }
  } catch {
    // a Proxy, or a getter
  }
  return valueText(error)
}

/**
 * The answer of a callback, as text: briefly, since every step of a request has one. No getter is called, and nothing of
 * the value is kept. Bodies, which are the app's data, are only described.
 */
export function valueText(value: unknown, isData = false): string {
  try {
    return cut(brief(value, isData))
  } catch {
    return 'a value that cannot be shown'
  }
}

function brief(value: unknown, isData: boolean): string {
  switch (typeof value) {
    case 'string':
      return isData ? `text of ${value.length} characters` : JSON.stringify(redacted(value, 200))
    case 'function':
      return value.name ? `function ${value.name}` : 'a function'
    case 'object':
      break
    default:
      return String(value)
  }
  if (value === null) return 'null'
  if (isFormat(value)) return `a stream in ${mediaTypesOf(value)[0]}`
  const bytes = asBytes(value)
  if (bytes) return `${bytes.length} bytes`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid date' : value.toISOString()
  if (value instanceof RegExp) return String(value)
  if (Array.isArray(value)) return isData ? `a list of ${value.length}` : list(value)
  return object(value, isData)
}

function list(items: readonly unknown[]): string {
  const shown = items.slice(0, 8).map((each) => (isPrimitive(each) ? brief(each, false) : nameOf(each)))
  return `[${shown.join(', ')}${items.length > 8 ? ', …' : ''}]`
}

function object(value: object, isData: boolean): string {
  const keys = Object.keys(value)
  const name = nameOf(value)
  if (isData || name !== 'object') return name
  const parts = keys.slice(0, 8).map((key) => {
    const own: unknown = Object.getOwnPropertyDescriptor(value, key)?.value
    if (secret.test(key)) return `${key}: ${hidden}`
    return isPrimitive(own) && key !== 'body' ? `${key}: ${brief(own, false)}` : key
  })
  return `{ ${parts.join(', ')}${keys.length > 8 ? ', …' : ''} }`
}

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function' && value !== undefined)
}

function nameOf(value: unknown): string {
  if (typeof value === 'function') return 'function'
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return 'object'
  const name: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value?.name
  return typeof name === 'string' && name !== '' ? name : 'object'
}
