// Turns what came from outside into text that may be shown: cut to a length, and without secrets.
import { isFormat, mediaTypesOf } from '../formats/format.js'
import { asBytes } from '../values/bytes.js'

/** In the place of a secret. */
const hidden = '…'

/** Query parameters and header fields that hold secrets, by their names. */
const secret = /token|key|secret|passw|ticket|auth|session|signature|code|cookie|jwt/i

/** Credentials, whatever the field is called. */
const credentials = /^(?:bearer|basic|digest|negotiate)\s/i

/** Text of at most so many characters. */
export function cut(text: string, length = 200): string {
  return text.length > length ? `${text.slice(0, length - 1).replace(/[\ud800-\udbff]$/, '')}…` : text
}

/** A URL without the values of query parameters whose names are those of secrets, and without credentials. */
export function redacted(url: string, length = 500): string {
  const at = url.indexOf('?')
  const path = (at < 0 ? url : url.slice(0, at)).replace(/^([a-z][\w+.-]*:\/\/)[^/@]*@/i, `$1${hidden}@`)
  if (at < 0) return cut(path, length)
  // a longer one is not looked at: it is cut anyway
  const query = url.slice(at + 1, at + 1 + 8 * length)
  return cut(`${path}?${query.split('&').map(parameter).join('&')}`, length)
}

function parameter(part: string): string {
  const at = part.indexOf('=')
  if (at < 0) return part
  return secret.test(decoded(part.slice(0, at))) ? `${part.slice(0, at)}=${hidden}` : part
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
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
  if (isSecret(name) || credentials.test(text)) return hidden
  return name === 'referer' || name === 'referrer' ? redacted(text) : cut(text, 500)
}

function isSecret(name: string): boolean {
  // it is asked of each WebSocket and says nothing; and a key of a cache is none of a lock
  return secret.test(name) && name !== 'sec-websocket-key'
}

/** An error as text, without its stack. Never throws. */
export function errorText(error: unknown): string | undefined {
  if (error === undefined) return undefined
  try {
    if (typeof error === 'object' && error !== null && 'message' in error) {
      const { name, message } = error as { name?: unknown; message?: unknown }
      return cut(`${typeof name === 'string' ? name : 'Error'}: ${message}`)
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
