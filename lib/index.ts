// Lists everything that the package exports.

// Endpoints

export { type Endpoint, loop, resource, resources, type Table } from './endpoint.js'
export type { Closing } from './loop/shutdown.js'

// Specs and contexts

export type {
  Accepted,
  Acceptors,
  Callback,
  Problem,
  ProblemAnswer,
  Provided,
  Provider,
  Snapshot,
} from './declare/answers.js'
export type {
  Context,
  InitContext,
  LoopContext,
  Negotiated,
  ProblemContext,
  Request,
  Watched,
} from './declare/context.js'
export type { Overflow, StreamOptions } from './declare/options.js'
export type { Defaults } from './declare/plan.js'
export type { LoopSpec, Negotiation, PlainSpec, ResourceSpec, Source } from './declare/spec.js'

// Values that callbacks return and receive

export type { Body } from './values/body.js'
export { type Event, type EventMeta, event, timeout } from './values/event.js'
export type { Observer, Subscribable } from './values/observable.js'
export type { Once } from './values/once.js'
export type { OpenStream, Reason, Wrote } from './values/open-stream.js'
export { type Stop, type StopAnswer, stop } from './values/stop.js'

// Channels

export { createHub } from './hub/hub.js'
export { merge } from './hub/merged.js'
export type { Channel, ChannelOptions, Feed, From, Hub } from './values/feed.js'

// Backends of your own

export { backend, gap, stored } from './hub/authoring.js'
export type { Backend, Log, Meta, Reading, Receiver, Retention, Where } from './hub/backend.js'
export type { Gap } from './hub/gap.js'
export { type Published, sizeOf } from './hub/published.js'

// What operators see

export type { Decision, Decisions, Refused, Trace } from './declare/decisions.js'
export type { DiagnosticsMessages } from './declare/messages.js'
export type {
  BackendTurn,
  Delivered,
  OfStream,
  Publication,
  StreamBegun,
  StreamEnded,
  StreamOpened,
  StreamOverflowed,
  StreamResumed,
} from './values/diagnostics.js'

// Formats

export { type CsvOptions, csv } from './formats/csv.js'
export {
  type Format,
  type FormatOptions,
  type FormatParts,
  format,
  type JsonOptions,
  type Notice,
  type NoticeDetails,
} from './formats/format.js'
export { jsonArray, jsonSeq, ndjson } from './formats/json.js'
export { multipart } from './formats/multipart.js'
export { sse } from './formats/sse.js'
export { raw, text } from './formats/text.js'

// Errors

export { type Code, LariatError } from './errors.js'
