// Says by types what an endpoint sends, for those who read it.
import type { Event } from './event.js'

/** The key of what an endpoint sends: in types alone, no value has it. */
declare const sends: unique symbol

/** What an endpoint sends, by what its `subscribe` says; unknown where that does not say it. */
export interface Sends<out Message> {
  readonly [sends]?: Message
}

/** What is sent by `send`, or by a source; where one of them says nothing, the other. */
export type Told<Sent, Message> = unknown extends Message
  ? Sent
  : unknown extends Sent
    ? Message
    : Sent | Message

/** What a table of endpoints sends, by path. */
declare const table: unique symbol
export interface SendsByPath<out Table> {
  readonly [table]?: Table
}

/** Data as it is once it was written as JSON and read. */
export type Read<T> = unknown extends T
  ? T
  : T extends { toJSON(): infer Json }
    ? Read<Json>
    : T extends (...given: never) => unknown
      ? never
      : T extends readonly unknown[] | object
        ? { [Key in keyof T]: Read<T[Key]> }
        : T

type Content<T> = T extends Event<infer Data> ? Data : T
type SentBy<T> = T extends { readonly [sends]?: infer Message }
  ? Read<Content<Exclude<Message, undefined>>>
  : unknown
type At<T, Path> = T extends { readonly [table]?: infer Table }
  ? Path extends keyof Exclude<Table, undefined>
    ? SentBy<Exclude<Table, undefined>[Path]>
    : never
  : never

/** The data that a client gets: what an endpoint sends, or the entry of a table; any other type is that of the data itself. */
export type DataOf<T, Path = undefined> = unknown extends T
  ? T
  : typeof table extends keyof T
    ? At<T, Path>
    : typeof sends extends keyof T
      ? SentBy<T>
      : T
