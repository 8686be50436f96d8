import { expect } from 'chai'
import {
  type Channel,
  createHub,
  type Endpoint,
  type Event,
  ndjson,
  resource,
  sse,
  stop,
} from '../../lib/index.js'
import { pages } from '../docs/pages.js'

/** The block of a page that has a text in it, with other words for some of its own. */
export function exampleWith(
  text: string,
  words: Readonly<Record<string, string>> = {},
  page = 'docs/guide/clients.md',
): string {
  const blocks = [...pages.get(page)!.matchAll(/^```\w+\n(.*?)^```$/gms)].map(([, code]) => code!)
  let code = blocks.find((each) => each.includes(text)) ?? ''
  expect(code, text).not.to.equal('')
  for (const [word, other] of Object.entries(words)) {
    expect(code).to.include(word)
    code = code.replaceAll(word, other)
  }
  return code
}

type News = Channel<{ title: string }>

export async function newsUpTo(last: number): Promise<News> {
  const channel = createHub().channel<{ title: string }>('news', { history: 10 })
  for (let n = 1; n <= last; n++) await channel.publish({ title: `News ${n}` })
  return channel
}

/** Three pieces of news; so many streams are cut after the first, the others end complete. */
export async function news({ cuts = 1 } = {}): Promise<Endpoint> {
  return telling(await newsUpTo(3), { cuts })
}

export function telling(channel: News, { cuts = 0 } = {}): Endpoint {
  let left = cuts
  return resource({
    contentTypesProvided: [
      sse(),
      ndjson({ envelope: true }),
      ndjson({ envelope: true, mediaType: 'application/vnd.news+x-ndjson' }),
    ],
    subscribe: () => channel,
    info: (message: Event<{ title: string }>, { write }) => {
      const { title } = message.data
      if (title === 'News 2' && left > 0) {
        left -= 1
        throw new Error('It fails')
      }
      write(message)
      return title === 'News 3' ? stop() : undefined
    },
    terminate: () => {},
    stream: { retry: 10, endEvent: true },
  })
}

/** What is printed of the news, over a restart. */
export const over = ['News 1', 'reconnect', 'News 2', 'News 3', 'end', '']

export const titles = (printed: string) => printed.match(/News \d/g)
