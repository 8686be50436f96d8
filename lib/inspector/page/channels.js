// The list of channels.
import { beside } from './columns.js'
import { List } from './list.js'
import { bytes, count, rate, span, visible } from './words.js'

/** @typedef {import('./shapes.js').ChannelRow} ChannelRow */

export function channelsList() {
  return new List({
    view: 'channels',
    title: 'Channels',
    lead: 'What is published in this process, and what is retained for those who reconnect.',
    things: 'channels',
    sort: 'name',
    keyOf: (/** @type {ChannelRow} */ { name }) => name,
    filters: [
      {
        name: 'state',
        label: 'All states',
        options: [
          ['running', 'Source runs'],
          ['lingering', 'Source lingers'],
          ['stopped', 'Source stopped'],
          ['none', 'Without a source'],
          ['ended', 'Ended'],
        ],
      },
    ],
    columns: [
      {
        label: 'Channel',
        name: 'path',
        sort: 'name',
        kind: 'code',
        text: ({ name }) => visible(name),
        title: ({ name }) => visible(name),
        href: ({ name }) => beside(name),
      },
      {
        label: 'State',
        name: 'source',
        text: stateOfChannel,
        tone: ({ isUp, hasEnded, source }) =>
          !isUp ? 'bad' : hasEnded ? 'quiet' : source === 'stopped' ? 'warm' : 'quiet',
      },
      { label: 'Rate/s', name: 'rate', sort: 'rate', kind: 'number', text: (row) => rate(row.rate) },
      {
        label: 'Subscribers',
        name: 'subscribers',
        sort: 'subscribers',
        kind: 'number',
        text: ({ subscribers }) => count(subscribers),
      },
      {
        label: 'Retained',
        name: 'retained',
        sort: 'events',
        kind: 'number',
        text: ({ retained }) => (retained ? count(retained.events) : '–'),
      },
      {
        label: 'Bytes',
        name: 'bytes',
        sort: 'bytes',
        kind: 'number',
        text: ({ retained }) => bytes(retained?.bytes),
      },
      {
        label: 'Reaches back',
        name: 'back',
        sort: 'age',
        kind: 'number',
        text: ({ retained }, age) => (retained?.age == null ? '–' : span(retained.age + age)),
        title: () => 'A client that was away for longer has missed events: it is told of a gap',
      },
      {
        label: 'First id',
        name: 'id',
        kind: 'code',
        text: ({ first }) => visible(first ?? '–'),
        title: firstId,
      },
      { label: 'Last id', name: 'id', kind: 'code', text: ({ last }) => visible(last ?? '–'), title: lastId },
      { label: 'Backend', name: 'backend', text: ({ backend }) => visible(backend) },
    ],
    empty: () =>
      'No channel has been used in this process. If there is a hub, give it to the inspector: inspector({ of, hub }).',
  })
}

/** @param {ChannelRow} row */
function firstId({ first }) {
  return visible(first)
}

/** @param {ChannelRow} row */
function lastId({ last }) {
  return visible(last)
}

/** @param {ChannelRow} row */
export function stateOfChannel({ isUp, hasEnded, source }) {
  if (!isUp) return 'Backend away'
  if (hasEnded) return 'Ended'
  /** @type {Record<string, string>} */
  const states = { running: 'Source runs', lingering: 'Source lingers', stopped: 'Source stopped' }
  return states[source] ?? 'Open'
}
