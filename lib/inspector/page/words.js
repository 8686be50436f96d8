// Writes numbers, times and texts for people, in widths that hardly change.

const whole = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

/** @param {number} value */
export function count(value) {
  return value < 1e6 ? whole.format(value) : short.format(value)
}

/** A rate per second. @param {number | null} value */
export function rate(value) {
  if (value == null) return '–'
  return value > 0 && value < 10 ? value.toFixed(1) : count(Math.round(value))
}

/** @param {number | null | undefined} value */
export function bytes(value) {
  if (value == null) return '–'
  const power = value < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(value) / 3))
  const scaled = value / 1000 ** power
  const digits = power > 0 && scaled < 99.95 ? 1 : 0
  return `${scaled.toFixed(digits)} ${['B', 'kB', 'MB', 'GB', 'TB'][power]}`
}

/** How long something has lasted: two units at most. @param {number} ms */
export function span(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const [minutes, hours, days] = [60, 3600, 86_400].map((unit) => Math.floor(seconds / unit))
  if (days) return `${days} d ${two(Number(hours) % 24)} h`
  if (hours) return `${hours} h ${two(Number(minutes) % 60)} m`
  if (minutes) return `${minutes} m ${two(seconds % 60)} s`
  return `${seconds} s`
}

/** How long something took. @param {number | null | undefined} ms */
export function took(ms) {
  if (ms == null) return '–'
  if (ms === 0) return '0 ms'
  if (ms < 0.1) return `${Math.round(ms * 1000)} µs`
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : span(ms)
}

/** @param {number} value */
function two(value) {
  return String(value).padStart(2, '0')
}

/** The time of day. @param {number} at */
export function clock(at) {
  const time = new Date(at)
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
}

/**
 * @param {number} value
 * @param {string} one
 * @param {string} [many]
 */
export function plural(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`
}

/**
 * A text as it is, with what would be invisible, or would turn other text round, written as an escape.
 *
 * @param {unknown} value
 */
export function visible(value) {
  const text = typeof value === 'string' ? value : String(value ?? '')
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (each) => {
      const named = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[each]
      return named ?? `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`
    },
  )
}

/** What a status is called. */
const names = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  206: 'Partial Content',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  422: 'Unprocessable Content',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** @param {number} status */
export function statusName(status) {
  return /** @type {Record<number, string>} */ (names)[status] ?? ''
}

/** Why streams end, for those who do not know the words. @type {Record<string, string>} */
export const reasons = {
  stop: 'a callback returned stop()',
  end: 'the source, or the channel, has ended',
  down: 'what the stream was fed from has died',
  disconnect: 'the client left',
  expired: 'maxDuration was reached',
  revoked: 'it was closed, or the client is not authorised any longer',
  shutdown: 'the endpoint was closed',
  overflow: 'the client was too slow',
  error: 'a source or a callback failed',
}
