// The list of open streams.
import { beside, format, route, some, unlessNone } from './columns.js'
import { List } from './list.js'
import { bytes, count, rate, span, visible } from './words.js'

/** @typedef {import('./shapes.js').StreamRow} StreamRow */

export function streamsList() {
  return new List({
    view: 'streams',
    title: 'Streams',
    lead: 'Responses that are held open now.',
    things: 'streams',
    sort: '-age',
    keyOf: (/** @type {StreamRow} */ { id }) => id,
    filters: [
      route,
      format,
      {
        name: 'state',
        label: 'All clients',
        options: [
          ['behind', 'Behind'],
          ['ok', 'Keeping up'],
          ['dropped', 'Have lost events'],
        ],
      },
    ],
    columns: [
      {
        label: 'Path',
        name: 'path',
        sort: 'path',
        kind: 'code',
        text: ({ path }) => visible(path),
        title: ({ path }) => visible(path),
        href: ({ id }) => beside(id),
      },
      {
        label: 'Client',
        name: 'state',
        text: ({ isBehind }) => (isBehind ? 'Behind' : 'Keeps up'),
        tone: ({ isBehind }) => (isBehind ? 'warm' : 'quiet'),
        title: ({ isBehind }) =>
          isBehind ? 'The client reads slower than it is sent to' : 'The client takes what it is sent',
      },
      { label: 'Rate/s', name: 'rate', sort: 'rate', kind: 'number', text: (row) => rate(row.rate) },
      { label: 'Age', name: 'age', sort: 'age', kind: 'number', text: (row, age) => span(row.age + age) },
      { label: 'Sent', name: 'sent', sort: 'sent', kind: 'number', text: (row) => count(row.sent) },
      { label: 'Bytes', name: 'bytes', sort: 'bytes', kind: 'number', text: (row) => bytes(row.bytes) },
      {
        label: 'Waiting',
        name: 'waiting',
        sort: 'queued',
        kind: 'number',
        text: ({ queued }) => some(queued),
        tone: ({ queued }) => unlessNone(queued, ''),
        title: () => 'Events in the queue of this client',
      },
      {
        label: 'Queue',
        name: 'queue',
        sort: 'queuedBytes',
        kind: 'number',
        text: ({ queuedBytes }) => bytes(queuedBytes),
        tone: ({ queuedBytes }) => unlessNone(queuedBytes, ''),
      },
      {
        label: 'Dropped',
        name: 'dropped',
        sort: 'dropped',
        kind: 'number',
        text: ({ dropped }) => some(dropped),
        tone: ({ dropped }) => unlessNone(dropped, 'bad'),
        title: () => 'Events that this client has not received because it is slow',
      },
      { label: 'Format', name: 'format', sort: 'format', text: (row) => visible(row.format) },
      { label: 'Address', name: 'client', sort: 'client', kind: 'code', text: (row) => visible(row.client) },
    ],
    empty: () =>
      'No stream is open now. Each that a client opens at an endpoint of this process appears here: try curl -N with the address of one.',
  })
}
