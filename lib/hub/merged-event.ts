// Shows a channel's event as a merged feed delivers it: its id is the place in all channels; its bytes are shared where a format writes no ids.
import { type Wired, wire } from '../formats/format.js'
import type { Encoded } from '../wire/chunk.js'
import { Published } from './published.js'

export class MergedEvent<out Data = unknown> extends Published<Data> {
  /** The event as its own feed delivers it. */
  readonly #own: Published<Data>
  /** Which of the merged feeds it is of. */
  readonly #at: number

  constructor(id: string, at: number, own: Published<Data>) {
    super(id, own.data, own.type)
    this.#own = own
    this.#at = at
  }

  /** What an event of a merged feed was made of; undefined for any other. */
  static partsOf(event: object): { readonly at: number; readonly own: Published } | undefined {
    return #own in event ? { at: event.#at, own: event.#own } : undefined
  }

  override changed<To>(data: To, type: string | undefined): Published<To> {
    return new MergedEvent(this.id, this.#at, this.#own.changed(data, type))
  }

  override in(format: Wired): Encoded {
    return format[wire]?.withoutIds ? this.#own.in(format) : super.in(format)
  }
}
