import { pages } from '../docs/pages.js'

const page = pages.get('docs/operate/proxies.md') ?? ''

/** The blocks of the page in a language, as they are printed. */
export function printed(language: 'nginx' | 'haproxy'): readonly string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text]) => text!)
}

/** A configuration with what cannot be the same in a test: each has to be there, once. */
export function replaced(text: string, replacements: Readonly<Record<string, string>>): string {
  let result = text
  for (const [from, to] of Object.entries(replacements)) {
    const parts = result.split(from)
    if (parts.length !== 2)
      throw new Error(`${JSON.stringify(from)} is ${parts.length - 1} times in:\n${result}`)
    result = parts.join(to)
  }
  return result
}
