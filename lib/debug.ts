// Shows a diagnostics message on one line: its name, then `key=value` for each of its parts.
import { show } from './errors.js'

/** The line of a message. Never throws. */
export function lineOf(name: string, message: object): string {
  try {
    return [name, ...partsOf(message)].join(' ')
  } catch (error) {
    return `${name} could not be shown: ${show(error)}`
  }
}

function* partsOf(message: object): Iterable<string> {
  for (const [key, value] of Object.entries(message)) {
    const part = shown[key]
    if (part) yield* part(value as never)
    else if (value !== undefined) yield `${key}=${word(value)}`
  }
}

/** The parts that are no single word. */
const shown: Readonly<Record<string, (value: never) => Iterable<string>>> = {
  stream: ({ id, path }: { id: string; path: string }) => [`stream=${id}`, `path=${word(path)}`],
  reason: ({ kind, error }: { kind: string; error?: unknown }) => [
    `reason=${kind}`,
    ...(error === undefined ? [] : [`error=${word(error)}`]),
  ],
  // a query may hold secrets
  url: (url: string) => [`path=${word(url.split('?', 1)[0])}`],
  steps: (steps: readonly { question: string }[]) =>
    steps.length === 0 ? [] : [`after=${steps.at(-1)?.question}`],
  outcome: (outcome: string | { kind: string }) => {
    if (typeof outcome === 'string') return [`outcome=${outcome}`]
    const { kind, ...rest } = outcome
    return [`outcome=${kind}`, ...partsOf(rest)]
  },
  hub: () => [],
  endpoint: () => [],
  headers: () => [],
  client: () => [],
}

/** A value without a space, or in quotes. */
function word(value: unknown): string {
  if (value instanceof Error) return quoted(`${value.name}: ${value.message}`)
  const text = typeof value === 'string' ? value : show(value)
  return /^[^\s"=\p{C}]+$/u.test(text) ? text : quoted(text)
}

/** On one line, and without what a terminal obeys: JSON leaves some of it as it is. */
function quoted(text: string): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(text).replace(/[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, escaped)
}
