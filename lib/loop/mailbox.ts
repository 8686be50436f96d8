/** What waits for one client to be handled: first in, first out. */
export class Mailbox<Message> {
  #messages: (Message | undefined)[] = []
  #first = 0

  get size(): number {
    return this.#messages.length - this.#first
  }

  put(message: Message): void {
    this.#messages.push(message)
  }

  /** The oldest message; there has to be one. */
  take(): Message {
    const message = this.#messages[this.#first] as Message
    this.#messages[this.#first++] = undefined
    if (this.#first === this.#messages.length) this.clear()
    else if (this.#first > 1024 && this.#first * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#first)
      this.#first = 0
    }
    return message
  }

  clear(): void {
    this.#messages = []
    this.#first = 0
  }
}
