import { atEnd } from '../support/at-end.js'
import type { Program } from '../support/installed.js'
import { Watch } from './watch.js'

/** What is asked for. */
export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A client that reads an answer as it comes, and comes back only if its user asks again. */
export interface Reader {
  readonly name: string
  readonly needs?: Program
  /** What it sends as Accept, if its user says nothing. */
  readonly accept: string | undefined
  /** What its user sees of an answer that was cut, and of a connection that was reset. */
  readonly sees: { readonly cut: RegExp; readonly reset: RegExp }
  /** It follows a redirect without being told to. */
  readonly follows: boolean
  read(url: string, ask?: Ask): Answer
}

/** The head of an answer; names in lower case. */
export interface Head {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** How an answer ended, as its client tells: whole, or what its user gets to see instead. */
export type Ending = 'whole' | { readonly error: string }

/** The answer to one request, as a client has it so far. */
export class Answer extends Watch {
  /** What has come of the body. */
  text = ''
  #head: Head | undefined
  #ending: Ending | undefined
  readonly #leave: (how?: NodeJS.Signals) => void

  /** @param leave the client's way to leave; a process is left by a signal */
  constructor(leave: (how?: NodeJS.Signals) => void) {
    super()
    this.#leave = leave
    answers.add(this)
  }

  async head(): Promise<Head> {
    await this.when(
      () => this.#head !== undefined,
      () => `no head: ${JSON.stringify(this.#ending)}`,
    )
    return this.#head!
  }

  /** Waits for a text in the body. */
  async until(text: string): Promise<void> {
    await this.when(
      () => this.text.includes(text),
      () => `no ${text} in ${JSON.stringify(this.text.slice(0, 500))}, ${JSON.stringify(this.#ending)}`,
    )
  }

  /** Calls back with each piece of the body. */
  onText: (text: string) => void = () => {}

  async ended(): Promise<Ending> {
    await this.when(
      () => this.#ending !== undefined,
      () => 'no end',
    )
    return this.#ending!
  }

  leave(how?: NodeJS.Signals): void {
    answers.delete(this)
    this.#leave(how)
  }

  // ---- for the client to tell

  begin(head: Head): void {
    this.#head ??= head
    this.look()
  }

  take(text: string): void {
    this.text += text
    this.onText(text)
    this.look()
  }

  end(ending: Ending): void {
    this.#ending ??= ending
    answers.delete(this)
    this.over()
  }
}

const answers = new Set<Answer>()

/** No test leaves a client behind. */
export function leaveAll(): void {
  for (const answer of answers) answer.leave('SIGKILL')
}

atEnd(leaveAll)
