import type { Answer } from '../../lib/testing/answer.js'
import { request as bytesOf, Connection } from '../../lib/testing/connection.js'

export type { Ask } from '../../lib/testing/connection.js'

/** A response as it stood on the wire, as far as it has come. */
export type Message = Answer

/** The text of a request. */
export const request = (...asked: Parameters<typeof bytesOf>): string => bytesOf(...asked).toString()

/** The connection of the test kit, with what specs wait for. */
export class Client extends Connection {
  /** The responses whose head has come. */
  get messages(): readonly Message[] {
    return this.answers
  }

  /** The latest response. */
  get message(): Message {
    const message = this.messages.at(-1)
    if (!message) throw new Error(`No response yet, but ${JSON.stringify(this.raw.toString())}`)
    return message
  }

  get body(): string {
    return this.messages.at(-1)?.body ?? ''
  }

  /** Waits for the head of the latest response. */
  async head(): Promise<Message> {
    await this.#when(() => this.latest !== undefined, 'a head')
    return this.message
  }

  /** Waits for a text in the body of the latest response. */
  async until(text: string): Promise<string> {
    let looked: { at: Message; from: number } | undefined
    await this.#when(() => {
      const { latest } = this
      if (!latest) return false
      // of a flood, what has been looked through is not looked through again with each piece that comes
      if (looked?.at !== latest) looked = { at: latest, from: 0 }
      const isThere = latest.bytes.includes(text, looked.from)
      looked.from = Math.max(0, latest.size - Buffer.byteLength(text))
      return isThere
    }, text)
    return this.body
  }

  /** Waits for so many bytes. */
  taken(bytes: number): Promise<void> {
    return this.#when(() => this.size >= bytes, `${bytes} bytes`)
  }

  /** Waits for the latest response to be whole. */
  async whole(): Promise<Message> {
    await this.#when(() => this.latest?.isWhole === true, 'the end')
    return this.message
  }

  /** Waits for the end of the connection. */
  async closed(): Promise<Message> {
    await this.ended
    return this.message
  }

  #when(isSo: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const isThere = isSo()
        if (!isThere && !this.isClosed) return
        forget()
        const came = () => JSON.stringify(this.raw.subarray(0, 2000).toString())
        if (isThere) resolve()
        else reject(new Error(`The connection ended without ${what}: ${came()}`))
      }
      const forget = this.onNews(look)
      look()
    })
  }
}
