// Endpoints: spec in, Express handler out
export { type Endpoint, loop, resource, resources } from './endpoint.js'
// Errors
export { type Code, LariatError } from './errors.js'

// Formats: how events become bytes
export { csv } from './formats/csv.js'
export {
  type Format,
  type FormatOptions,
  type FormatParts,
  format,
  type JsonOptions,
  type Notice,
} from './formats/format.js'
export { jsonArray, jsonSeq, ndjson } from './formats/json.js'
export { multipart } from './formats/multipart.js'
export { sse } from './formats/sse.js'
export { raw, text } from './formats/text.js'
// Channels: fan-out and replay
export type { Backend } from './hub/backend.js'
export type { Channel, ChannelOptions, Feed, Hub } from './hub/feed.js'
export { createHub } from './hub/hub.js'
export type { Closing } from './loop/streams.js'
// Specs and contexts: the types
export type { Defaults } from './plan.js'
export type {
  Accepted,
  Acceptors,
  Callback,
  Context,
  Decision,
  Decisions,
  InitContext,
  LoopContext,
  LoopSpec,
  Negotiated,
  OpenStream,
  Overflow,
  PlainSpec,
  Provided,
  Provider,
  Reason,
  Request,
  ResourceSpec,
  Source,
  StreamOptions,
  Trace,
  Watched,
  Wrote,
} from './spec.js'
// Values: what callbacks return and get
export {
  type Body,
  type Event,
  type EventMeta,
  event,
  type Once,
  type Stop,
  type StopAnswer,
  stop,
  timeout,
} from './values.js'
