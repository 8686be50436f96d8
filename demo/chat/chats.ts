// What was said in each chat, and the answers that are being written. All of it is in channels: in Redis, if REDIS_URL says
// where that is, so that any process may answer; else in the memory of this one.
import { randomUUID } from 'node:crypto'
import { createClient } from '@redis/client'
import type { UIMessage, UIMessageChunk } from 'ai'
import { createHub, LariatError } from '../../lib/index.js' // elsewhere: 'express-lariat'
import { redisStreams } from '../../lib/redis.js' // elsewhere: 'express-lariat/redis'
import { complete } from '../llm/model.js'

/** How a chat stands: what was said, and the answer that is being written. */
interface Chat {
  messages: UIMessage[]
  answer?: string
}

/** A question, with all that was said before; or an answer that has been written. */
type Turn = Required<Chat> | { said: UIMessage }

const url = process.env.REDIS_URL
const hub = createHub(url ? redisStreams({ client: createClient({ url }) }) : undefined)

/** Its latest turns, for a day. */
export const turns = (id: string) => hub.channel<Turn>(`chat ${id}`, { history: 10, maxAge: 86_400_000 })

/** An answer, chunk by chunk, from its first. */
const answer = (id: string) => hub.channel<UIMessageChunk>(`answer ${id}`, { maxAge: 3_600_000 })
export const reading = (id: string) => answer(id).from('earliest')

export async function standOf(id: string): Promise<Chat> {
  let chat: Chat = { messages: [] }
  for await (const { data } of turns(id).replay('earliest')) {
    if ('messages' in data) chat = data
    // an answer that ended because of the next question comes too late
    else if (data.said.id === chat.answer) chat = { messages: [...chat.messages, data.said] }
  }
  return chat
}

const writing = new Set<Promise<void>>()
let isClosing = false

/** Begins to answer, whoever reads. A chat has one answer at a time. */
export async function begin(id: string, messages: UIMessage[], length: number): Promise<string> {
  await end(id, { type: 'abort' })
  const mine = randomUUID()
  await turns(id).publish({ messages, answer: mine })
  const written = write(id, { messages, answer: mine }, length)
    .catch((error) => {
      if (!isClosing) console.error(error)
    })
    .finally(() => writing.delete(written))
  writing.add(written)
  return mine
}

/** Ends the answer of a chat, if one is being written: its process hears of it. The first reason is told. */
export async function end(id: string, reason: UIMessageChunk): Promise<void> {
  const { answer: it } = await standOf(id)
  if (it === undefined) return
  await answer(it).publish(reason, { key: 'end' }).catch(unlessEnded)
  await answer(it).end()
}

async function write(id: string, { messages, answer: mine }: Required<Chat>, length: number): Promise<void> {
  const channel = answer(mine)
  const stopping = new AbortController()
  const listening = over(channel).then(() => stopping.abort())
  listening.catch(() => {}) // it is told below
  let text = ''
  try {
    await channel.publish({ type: 'start', messageId: mine })
    await channel.publish({ type: 'text-start', id: '1' })
    for await (const delta of speak(textOf(messages.at(-1)), length, stopping.signal)) {
      await channel.publish({ type: 'text-delta', id: '1', delta })
      text += delta
    }
    await channel.publish({ type: 'text-end', id: '1' })
    await channel.publish({ type: 'finish' }, { key: 'end' })
  } catch (error) {
    if (!hasEnded(error)) {
      await channel
        .publish({ type: 'error', errorText: 'The model failed.' }, { key: 'end' })
        .catch(unlessEnded)
      console.error(error)
    }
  }
  await turns(id).publish({ said: { id: mine, role: 'assistant', parts: [{ type: 'text', text }] } })
  await channel.end()
  await listening
}

/** The model: it breaks where the question has something frayed. */
async function* speak(question: string, length: number, signal: AbortSignal): AsyncGenerator<string> {
  let count = 0
  for await (const token of complete(question, length, signal)) {
    if (question.includes('frayed') && count++ === 3) throw new Error('The rope broke')
    yield token
  }
}

/** Resolves when a channel has ended, by whichever process. */
async function over(channel: ReturnType<typeof answer>): Promise<void> {
  for await (const _ of channel.filter(() => false));
}

const hasEnded = (error: unknown) => error instanceof LariatError && error.code === 'LARIAT_ENDED'

function unlessEnded(error: unknown): void {
  if (!hasEnded(error)) throw error
}

function textOf(message: UIMessage | undefined): string {
  return message?.parts.map((part) => (part.type === 'text' ? part.text : '')).join('') ?? ''
}

/** With Redis, what is being written goes on to its end while another process takes the readers; in memory it ends. */
export async function close(): Promise<void> {
  if (url) await Promise.all(writing)
  isClosing = true
  await hub.close()
}
