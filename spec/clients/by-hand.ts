import { createParser } from 'eventsource-parser'
import { type Listener, Listening, type ListenOptions, types } from './listener.js'
import type { Answer, Reader } from './reader.js'

/** A reader in the hands of somebody who keeps the last id, and asks again with it. */
export function byHand(reader: Reader): Listener {
  return {
    name: `${reader.name}, asking again by hand`,
    ...(reader.needs && { needs: reader.needs }),
    listen: (url, options) => follow(reader, url, options),
  }
}

function follow(reader: Reader, url: string, { closesOn }: ListenOptions = {}): Listening {
  let answer: Answer
  let again: NodeJS.Timeout | undefined
  let last: string | undefined
  let wait = 10
  const listening = new Listening(() => {
    clearTimeout(again)
    answer.leave('SIGKILL')
    listening.isClosed = true
  })
  const ask = async () => {
    const headers = { Accept: 'text/event-stream', ...(last !== undefined && { 'Last-Event-ID': last }) }
    answer = reader.read(url, { headers })
    const parser = createParser({
      onRetry: (retry) => {
        wait = retry
      },
      onEvent: ({ id, event: type = 'message', data }) => {
        if (id !== undefined) last = id
        if (type === closesOn) listening.close()
        if ((types as readonly string[]).includes(type)) listening.takes({ id: id ?? '', type, data })
      },
    })
    answer.onText = (text) => parser.feed(text)
    const head = await answer.head().catch(() => undefined)
    if (head?.status === 200) listening.begins()
    await answer.ended()
    if (listening.isClosed) return
    const isRefused = head !== undefined && head.status !== 200
    listening.fails({ isClosed: isRefused })
    if (!isRefused) again = setTimeout(ask, wait)
  }
  void ask()
  return listening
}
