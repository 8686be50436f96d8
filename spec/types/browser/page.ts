// A page, in a project without the types of Node. Never run: spec/types.spec.ts compiles it.
import { FollowError, follow, following, type Message, ndjson, sse } from '../../../lib/client.js'

interface Price {
  symbol: string
  price: number
}

export async function show(list: HTMLElement, leaving: AbortSignal): Promise<void> {
  const prices = follow<Price>(new URL('/prices', location.href), {
    accept: ['text/event-stream', 'application/x-ndjson'],
    headers: async () => ({ authorization: `Bearer ${sessionStorage.getItem('token')}` }),
    query: new URLSearchParams(location.search),
    signal: leaving,
    credentials: 'include',
    retry: { first: 100, most: 5000 },
    refresh: () => fetch('/login', { method: 'POST' }),
    onGap: ({ reason, count }) => console.warn(reason, count),
    onState: (state, { delay }) =>
      list.classList.toggle('stale', state === 'waiting' && Number(delay) > 1000),
    store: { get: () => localStorage.getItem('at'), set: (id) => localStorage.setItem('at', id) },
  })
  try {
    for await (const { data } of prices) list.append(`${data.symbol} ${data.price}`)
  } catch (error) {
    if (error instanceof FollowError && error.status === 403) list.append(error.detail ?? error.message)
    else throw error
  }
}

export async function ask(form: HTMLFormElement, fetch: typeof globalThis.fetch): Promise<Message<string>[]> {
  const said: Message<string>[] = []
  const follow = following(sse, ndjson)
  for await (const message of follow<string>('/chat', { body: new FormData(form), fetch })) said.push(message)
  // @ts-expect-error Node’s are not there
  Buffer.from('a')
  return said
}
