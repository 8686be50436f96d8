import assert from 'node:assert/strict'
import type { UIMessage, UIMessageChunk } from 'ai'
import type { Judgement } from './judgement.js'

/** The software that judges, of some version. */
export interface Packages {
  ai: typeof import('ai')
}

/** A window: what `useChat` keeps for its component. */
export interface Window {
  readonly messages: UIMessage[]
  readonly status: string
  readonly error: Error | undefined
  sendMessage(message: { text: string }): Promise<void>
  regenerate(): Promise<void>
  resumeStream(): Promise<void>
  stop(): Promise<void>
  /** Resolves when the answer has so many words, or is over. */
  reads(count: number): Promise<void>
}

export interface Opened {
  readonly messages?: UIMessage[]
  /** How many words an answer has. */
  readonly length?: number
}

const asked = { text: 'Throw the' }

export const textOf = (message: UIMessage | undefined) =>
  (message?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('')

export const wordsOf = (message: UIMessage | undefined) => textOf(message).split(' ').length - 1

/** How a chat stands at the server. */
export async function standOf(url: string, id: string): Promise<{ messages: UIMessage[]; answer?: string }> {
  const answer = await fetch(`${url}/api/chat/${id}`, { headers: { Accept: 'application/json' } })
  return (await answer.json()) as { messages: UIMessage[] }
}

/** How it stands once what was said in an answer that is over is kept. */
export async function settled(url: string, id: string): ReturnType<typeof standOf> {
  for (;;) {
    const stand = await standOf(url, id)
    if (stand.answer === undefined) return stand
  }
}

/** Opens a window on a chat, as the AI SDK's hooks do. */
export function open(
  { ai }: Packages,
  url: string,
  id: string,
  { messages = [], length }: Opened = {},
): Window {
  const heard = new Set<() => void>()
  const state = {
    status: 'ready' as const,
    error: undefined,
    messages: [...messages],
    pushMessage(message: UIMessage) {
      state.messages = [...state.messages, message]
      for (const each of heard) each()
    },
    popMessage() {
      state.messages = state.messages.slice(0, -1)
    },
    replaceMessage(index: number, message: UIMessage) {
      state.messages = state.messages.with(index, structuredClone(message))
      for (const each of heard) each()
    },
    snapshot: structuredClone,
  }
  class Chat extends ai.AbstractChat<UIMessage> {
    reads(count: number): Promise<void> {
      return new Promise((resolve) => {
        const look = () =>
          this.lastMessage?.role === 'assistant' && wordsOf(this.lastMessage) >= count && resolve()
        heard.add(look)
        look()
      })
    }
  }
  const transport = new ai.DefaultChatTransport({ api: `${url}/api/chat`, body: { length } })
  return new Chat({ id, state, transport }) as unknown as Window
}

export function judgements(packages: Packages, url: string, first: number): Judgement[] {
  const { DefaultChatTransport } = packages.ai
  const id = () => crypto.randomUUID()
  const windowOf = (chat: string, opened?: Opened) => open(packages, url, chat, opened)

  /** The answer at the server, which a window has exactly once. */
  async function hasAll(window: Window, chat: string, length: number): Promise<void> {
    const { messages, answer } = await standOf(url, chat)
    assert.equal(answer, undefined)
    assert.equal(wordsOf(messages.at(-1)), length)
    assert.equal(textOf(window.messages.at(-1)), textOf(messages.at(-1)))
    assert.deepEqual(
      window.messages.map(({ id, role }) => [id, role]),
      messages.map(({ id, role }) => [id, role]),
    )
    assert.deepEqual([window.status, window.error], ['ready', undefined])
  }

  return [
    {
      name: 'a question is answered, chunk by chunk, by the UI message stream protocol',
      async run() {
        const transport = new DefaultChatTransport({ api: `${url}/api/chat`, body: { length: 3 } })
        const message: UIMessage = { id: '1', role: 'user', parts: [{ type: 'text', text: 'Throw the' }] }
        const sent = { chatId: id(), messages: [message], messageId: undefined, abortSignal: undefined }
        const chunks: UIMessageChunk[] = []
        const stream = await transport.sendMessages({ ...sent, trigger: 'submit-message' })
        for await (const chunk of stream as unknown as AsyncIterable<UIMessageChunk>) chunks.push(chunk)
        assert.deepEqual(
          chunks.map(({ type }) => type),
          ['start', 'text-start', 'text-delta', 'text-delta', 'text-delta', 'text-end', 'finish'],
        )
      },
    },
    {
      name: 'its head says the protocol, and its last frame is [DONE]',
      async run() {
        const body = JSON.stringify({ id: id(), messages: [{ id: '1', role: 'user', parts: [] }], length: 1 })
        const headers = { 'Content-Type': 'application/json' }
        const answer = await fetch(`${url}/api/chat`, { method: 'POST', headers, body })
        assert.equal(answer.headers.get('x-vercel-ai-ui-message-stream'), 'v1')
        assert.equal(answer.headers.get('content-type'), 'text/event-stream')
        assert.match(await answer.text(), /\n\ndata: \[DONE\]\n\n$/)
      },
    },
    {
      name: 'a window asks twice, and both have what was said',
      async run() {
        const chat = id()
        const window = windowOf(chat, { length: 3 })
        await window.sendMessage(asked)
        await hasAll(window, chat, 3)
        await window.sendMessage({ text: 'Hold on to' })
        assert.equal(window.messages.length, 4)
        await hasAll(window, chat, 3)
      },
    },
    {
      name: 'regenerate puts another answer in the place of the last',
      async run() {
        const chat = id()
        const window = windowOf(chat, { length: 3 })
        await window.sendMessage(asked)
        const [, before] = window.messages
        await window.regenerate()
        await hasAll(window, chat, 3)
        assert.equal(window.messages.length, 2)
        assert.notEqual(window.messages[1]!.id, before!.id)
      },
    },
    {
      name: 'where there is nothing to resume, reconnectToStream is null: 204',
      async run() {
        const transport = new DefaultChatTransport({ api: `${url}/api/chat` })
        assert.equal(await transport.reconnectToStream({ chatId: id() }), null)
        const chat = id()
        const window = windowOf(chat, { length: 1 })
        await window.sendMessage(asked)
        assert.equal(await transport.reconnectToStream({ chatId: chat }), null)
        await window.resumeStream()
        await hasAll(window, chat, 1)
      },
    },
    {
      name: 'a reload in mid-answer gets the whole answer exactly once, and goes on with it',
      async run() {
        const chat = id()
        const window = windowOf(chat, { length: 20 })
        const asking = window.sendMessage(asked)
        await window.reads(5)
        // a page that goes away aborts its requests
        await window.stop()
        await asking
        assert.ok(wordsOf(window.messages.at(-1)) < 20)
        const { messages, answer } = await standOf(url, chat)
        assert.deepEqual([messages.length, typeof answer], [1, 'string'])
        const reloaded = windowOf(chat, { messages })
        await reloaded.resumeStream()
        await hasAll(reloaded, chat, 20)
      },
    },
    {
      name: 'a window that resumes what it has a part of has the whole exactly once',
      async run() {
        const chat = id()
        const window = windowOf(chat, { length: 20 })
        const asking = window.sendMessage(asked)
        await window.reads(5)
        await window.stop()
        await asking
        await window.resumeStream()
        await hasAll(window, chat, 20)
      },
    },
    {
      name: 'a second window follows the same answer',
      async run() {
        const chat = id()
        const window = windowOf(chat, { length: 20 })
        const asking = window.sendMessage(asked)
        await window.reads(5)
        const { messages } = await standOf(url, chat)
        const second = windowOf(chat, { messages })
        const resuming = second.resumeStream()
        await second.reads(5)
        assert.equal(window.status, 'streaming')
        await Promise.all([asking, resuming])
        await hasAll(window, chat, 20)
        await hasAll(second, chat, 20)
      },
    },
    {
      name: 'stop stops the model, and both windows keep what was said',
      stops: [first],
      async run() {
        const chat = id()
        const window = windowOf(chat, { length: first })
        const asking = window.sendMessage(asked)
        await window.reads(3)
        const second = windowOf(chat, { messages: (await standOf(url, chat)).messages })
        const resuming = second.resumeStream()
        await second.reads(3)
        assert.equal((await fetch(`${url}/api/chat/${chat}/stream`, { method: 'DELETE' })).status, 204)
        await Promise.all([asking, resuming])
        assert.ok(wordsOf(window.messages.at(-1)) >= 3)
        assert.equal(textOf(second.messages.at(-1)), textOf(window.messages.at(-1)))
        assert.deepEqual([window.status, second.status], ['ready', 'ready'])
      },
    },
    {
      name: 'after a stop the chat goes on',
      stops: [first + 1],
      async run() {
        const chat = id()
        const window = windowOf(chat, { length: first + 1 })
        const asking = window.sendMessage(asked)
        await window.reads(3)
        await fetch(`${url}/api/chat/${chat}/stream`, { method: 'DELETE' })
        await asking
        const next = windowOf(chat, { messages: window.messages, length: 2 })
        await next.sendMessage(asked)
        assert.equal(next.messages.length, 4)
        await hasAll(next, chat, 2)
      },
    },
    {
      name: 'a question while an answer is written ends that answer',
      stops: [first + 2],
      async run() {
        const chat = id()
        const window = windowOf(chat, { length: first + 2 })
        const asking = window.sendMessage(asked)
        await window.reads(3)
        const { messages } = await standOf(url, chat)
        const second = windowOf(chat, { messages, length: 2 })
        await second.sendMessage(asked)
        await asking
        assert.equal(window.status, 'ready')
        await hasAll(second, chat, 2)
      },
    },
    {
      name: 'a model that fails is an error at once: what was said stays, and the chat goes on',
      async run() {
        const chat = id()
        const window = windowOf(chat, { length: 5 })
        await window.sendMessage({ text: 'Hold on to the frayed' })
        assert.deepEqual([window.status, window.error?.message], ['error', 'The model failed.'])
        assert.equal(wordsOf(window.messages.at(-1)), 3)
        const { messages } = await settled(url, chat)
        assert.deepEqual(messages.map(textOf), window.messages.map(textOf))
        const next = windowOf(chat, { messages, length: 2 })
        await next.sendMessage(asked)
        await hasAll(next, chat, 2)
      },
    },
    {
      name: 'what is refused is an error that says why',
      async run() {
        const transport = new DefaultChatTransport({ api: `${url}/api/chat` })
        const sent = { chatId: id(), messages: [], messageId: undefined, abortSignal: undefined }
        await assert.rejects(
          transport.sendMessages({ ...sent, trigger: 'submit-message' }),
          /messages: expected some, with parts/,
        )
        const body = JSON.stringify({ id: id(), messages: [{ id: '1', role: 'user', parts: [null] }] })
        const headers = { 'Content-Type': 'application/json' }
        assert.equal((await fetch(`${url}/api/chat`, { method: 'POST', headers, body })).status, 400)
      },
    },
  ]
}
