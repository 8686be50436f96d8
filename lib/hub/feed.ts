import type { Event } from '../values.js'

/**
 * The type of what channels will be, so that specs infer from them; nothing makes one yet.
 *
 * What one subscribes to: events in order, live, with what is retained of the past.
 */
export interface Feed<out Data> extends AsyncIterable<Event<Data>> {
  filter<Part extends Data>(keep: (data: Data, event: Event<Data>) => data is Part): Feed<Part>
  filter(keep: (data: Data, event: Event<Data>) => boolean): Feed<Data>
  map<To>(change: (data: Data, event: Event<Data>) => To): Feed<To>
  replay(lastEventId: string): AsyncIterable<Event<Data>>
  readonly subscribers: number
}
