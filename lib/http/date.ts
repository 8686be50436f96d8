// Parses HTTP dates (RFC 9110 5.6.7).
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const month = `(?<month>${months.join('|')})`
const time = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)'
const weekday = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const fullWeekday = '(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)'
const forms = [
  new RegExp(`^${weekday}, (?<day>\\d\\d) ${month} (?<year>\\d{4}) ${time} GMT$`),
  new RegExp(`^${fullWeekday}, (?<day>\\d\\d)-${month}-(?<year>\\d\\d) ${time} GMT$`),
  new RegExp(`^${weekday} ${month} (?<day>[ \\d]\\d) ${time} (?<year>\\d{4})$`),
]

/**
 * Parses an HTTP-date in its three forms, and nothing else: `Date.parse` accepts far more.
 *
 * @returns whole seconds since the epoch, or undefined for anything else
 */
export function parseHttpDate(text: string): number | undefined {
  for (const form of forms) {
    const parts = form.exec(text)?.groups
    if (!parts) continue
    const [day, hour, minute, second] = [parts.day, parts.hour, parts.minute, parts.second].map(Number) as [
      number,
      number,
      number,
      number,
    ]
    if (hour > 23 || minute > 59 || second > 60) return undefined
    const month = months.indexOf(parts.month as string)
    const date = new Date(0)
    date.setUTCFullYear(fullYear(parts.year as string), month, day)
    // A day that the month does not have has moved the date into the next month.
    if (date.getUTCDate() !== day) return undefined
    return Math.floor(date.setUTCHours(hour, minute, second) / 1000)
  }
  return undefined
}

/** A two-digit year that seems more than 50 years in the future is in the past (RFC 9110 5.6.7). */
function fullYear(digits: string): number {
  if (digits.length === 4) return Number(digits)
  const now = new Date().getUTCFullYear()
  const year = now - (now % 100) + Number(digits)
  return year > now + 50 ? year - 100 : year
}

/** Whole seconds since the epoch, the precision of HTTP dates. */
export function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}
