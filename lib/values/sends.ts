// Says by types what an endpoint sends, and what of it a client reads. Browsers load its types: it asks for none of Node's.
import type { is } from '../brand.js'

/** The key of what an endpoint sends: in types alone, no value has it. */
declare const sends: unique symbol

/** The data that an endpoint sends; unknown where its spec does not say it. */
export interface Sends<out Data> {
  readonly [sends]?: Data
}

/** The key of what a table has at its paths. */
declare const entries: unique symbol

/** The entries of a table, by their paths. */
export interface SendsByPath<out Entries> {
  readonly [entries]?: Entries
}

/** The answer of a callback that a spec does not have: no answer is one. */
export interface Absent {
  readonly [absent]: never
}
declare const absent: unique symbol

/**
 * The data that a spec sends: what is pulled or sent by `send`, if one of them says nothing the other, and what its
 * snapshot gives. With `info` it is unknown: `write` takes anything.
 */
export type SentBy<Sent, Message, Answer, Whole> = unknown extends Answer
  ? unknown
  : Absent extends Answer
    ? Sure<DataIn<Told<Sent, Message>> | SnapshotOf<Whole>>
    : unknown

type Told<Sent, Message> = unknown extends Message ? Sent : unknown extends Sent ? Message : Sent | Message

/** Not `any`, by which everything would be right. */
type Sure<T> = unknown extends T ? unknown : T

/** The data of an event, or itself. */
type DataIn<T> = T extends { readonly [is]: 'event'; readonly data: infer Data } ? Data : T

/** What a snapshot gives; nothing, where there is none. */
type SnapshotOf<Whole> = unknown extends Whole
  ? unknown
  : Absent extends Whole
    ? never
    : DataIn<Pulled<Awaited<Whole>, 'value'>>

/** What a source gives, or a value that is none; not what stands for the end, or for nothing. */
type Pulled<T, Kind> = T extends string
  ? T
  : T extends undefined | void | { readonly [is]: 'stop' } | (() => unknown)
    ? never
    : T extends AsyncIterable<infer Message>
      ? Message
      : T extends ArrayBufferView
        ? T
        : T extends Iterable<infer Message>
          ? Message
          : T extends { subscribe(observer: { next(message: infer Message): void }): unknown }
            ? Message
            : Kind extends 'value'
              ? T
              : unknown

// ---- what a table has

type EntriesOf<T> = T extends { readonly [entries]?: infer Entries } ? Exclude<Entries, undefined> : never

/** The data of an entry: an endpoint’s, or that of a spec as it stands in the table. */
type SentByEntry<Entry> = typeof sends extends keyof Entry
  ? Exclude<Entry[typeof sends], undefined>
  : Entry extends { readonly subscribe: infer Subscribe }
    ? Sure<Subscribed<Subscribe> | SnapshotIn<Entry>>
    : unknown

type Subscribed<Subscribe> =
  Subscribe extends AsyncIterable<infer Message>
    ? DataIn<Message>
    : Subscribe extends (...given: never) => infer Source
      ? OrUnknown<DataIn<Pulled<Awaited<Source>, 'source'>>>
      : unknown

type SnapshotIn<Entry> = Entry extends { readonly snapshot: (...given: never) => infer Whole }
  ? SnapshotOf<Whole>
  : never

/** A `subscribe` that gives nothing to pull sends what it likes. */
type OrUnknown<T> = [T] extends [never] ? unknown : T

/** The paths of a table, and its entries. What asks for tables in tables is not recursive: it is compared without a T. */
type Keys<T> = T extends { readonly [entries]?: unknown }
  ? typeof entries extends keyof T
    ? keyof EntriesOf<T>
    : never
  : never
type Inner<T> = T extends { readonly [entries]?: unknown }
  ? typeof entries extends keyof T
    ? EntriesOf<T>[keyof EntriesOf<T>]
    : never
  : never

/** The paths of a table, and of the tables in it, three deep; of an endpoint, none. */
export type PathOf<T> = unknown extends T ? never : Keys<T> | Keys<Inner<T>> | Keys<Inner<Inner<T>>>

/** What is sent at a path of a table, or of a table in it; of an entry that is a table, the paths of that say more. */
type SentAt<T, Path> = OrUnknown<At<T, Path> | At<Inner<T>, Path> | At<Inner<Inner<T>>, Path>>
type At<T, Path> = T extends { readonly [entries]?: unknown }
  ? typeof entries extends keyof T
    ? Path extends keyof EntriesOf<T>
      ? typeof entries extends keyof EntriesOf<T>[Path]
        ? never
        : SentByEntry<EntriesOf<T>[Path]>
      : never
    : never
  : never

// ---- what a client reads

/** Data as it is once it was written as JSON and read. */
export type Read<T> = unknown extends T
  ? unknown
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends { toJSON(): infer Json }
      ? Read<Json>
      : T extends readonly unknown[]
        ? { [Index in keyof T]: Item<T[Index]> }
        : T extends ((...given: never) => unknown) | symbol | bigint
          ? never
          : { [Key in keyof T as T[Key] extends Unwritten ? never : Key & string]: Read<T[Key]> }

type Item<T> = unknown extends T ? unknown : T extends Unwritten ? null : Read<T>

/** What JSON leaves out of objects, and writes as null in arrays. */
type Unwritten = undefined | symbol | ((...given: never) => unknown)

/**
 * The data that a client gets: of an endpoint, what it sends, as JSON has it; of a table, what it sends at the path; any
 * other type is that of the data itself.
 */
export type DataOf<T, Path = undefined> = unknown extends T
  ? unknown
  : typeof entries extends keyof T
    ? Path extends PathOf<T>
      ? Read<SentAt<T, Path>>
      : unknown
    : typeof sends extends keyof T
      ? Read<Exclude<T[typeof sends], undefined>>
      : T
