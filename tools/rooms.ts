// The rooms of lib, from the front door down: shared by the map of the architecture and the spec that holds it.

/** Each room, and what it answers for. A request passes them in this order; imports point only down. */
export const rooms = {
  door: 'Takes a spec and returns an Express handler; the only room that imports Express.',
  metrics: 'Counts what endpoints, channels and backends do, for Prometheus and OpenTelemetry.',
  inspector: 'Shows operators what requests get and why, and what streams and channels do.',
  testing: 'Puts routes and backends of a user’s to the test.',
  client: 'Follows a stream from the other end, in browsers too.',
  loop: 'Holds a response open: its states, its mailbox, its ending.',
  redis: 'Keeps channels in Redis Streams, for many processes.',
  hub: 'Channels: one publisher, many streams, and the replay of what a client missed.',
  respond: 'Turns an outcome into a head and a body.',
  graph: 'Decides: the table of questions and one function for each.',
  request: 'Carries one request on its way, and asks its callbacks.',
  wire: 'Gets bytes to sockets no faster than clients read.',
  declare: 'Describes a spec: its keys, their types, and the checks made when it is declared.',
  formats: 'Turns events into bytes, one file for each family of formats.',
  readers: 'Turns bytes into events: the formats, read.',
  values: 'Values that callbacks return and receive: event, stop, feed, open stream.',
  http: 'Parses and writes what the HTTP standards define: fields, dates, ranges, connections.',
  ground: 'One idea for each file, for all rooms to stand on.',
} as const
export type Room = keyof typeof rooms

/** The rooms in their order. */
export const order = Object.keys(rooms) as readonly Room[]

/** Files that are in no folder: the front door, the room of one file, and the ground. */
const outside: Readonly<Record<string, Room>> = {
  index: 'door',
  endpoint: 'door',
  handle: 'door',
  client: 'door',
  metrics: 'door',
  redis: 'door',
  inspector: 'door',
  testing: 'door',
  respond: 'respond',
  ...Object.fromEntries(
    [
      'brand',
      'clock',
      'debug',
      'diagnostics',
      'errors',
      'guard',
      'ledger',
      'promise',
      'rules',
      'scope',
      'turn',
    ].map((file) => [file, 'ground']),
  ),
}

/** The room of a file of lib, which is named without its extension. */
export function roomOf(file: string): Room | undefined {
  const [folder, inside] = file.split('/', 2)
  if (inside === undefined) return Object.hasOwn(outside, file) ? outside[file] : undefined
  return order.find((room) => room === folder)
}
