// Shows one stream, one that ended, or one channel beside the list: its facts, its actions and its tail.
import { closeStream, endChannel, publish } from './actions.js'
import { stateOfChannel } from './channels.js'
import { fact } from './decision.js'
import { h, setAttribute, setText } from './dom.js'
import { hrefOf } from './place.js'
import { Tail } from './tail.js'
import { bytes, clock, count, rate, reasons, span, took, visible } from './words.js'

/**
 * @typedef {import('./shapes.js').About} About
 * @typedef {import('./shapes.js').StreamRow} StreamRow
 * @typedef {import('./shapes.js').EndedRow} EndedRow
 * @typedef {import('./shapes.js').ChannelRow} ChannelRow
 */

/** Facts that are written in place. */
class Facts {
  element = h('dl', { class: 'facts' })
  /** @type {Map<string, HTMLElement>} */
  #values = new Map()

  /**
   * @param {string} name
   * @param {string} text
   * @param {string | undefined} [tone]
   */
  set(name, text, tone) {
    const value = this.#values.get(name) ?? this.#add(name)
    setText(value, text)
    setAttribute(value, 'data-tone', tone)
  }

  /** @param {string} name */
  #add(name) {
    const value = h('span')
    this.#values.set(name, value)
    this.element.append(fact(name, value))
    return value
  }
}

/** What is shown of one item that has a tail. @template Row */
class Pane {
  element
  #title = h('h2', { id: 'pane-title', class: 'target' })
  #facts = new Facts()
  #link = h('p', { hidden: true })
  #actions
  #gone = h('p', { class: 'notice', hidden: true })
  #note = h('p', { class: 'note quiet' })
  /** @type {Tail | undefined} */
  #tail
  /** @type {Row | undefined} */
  #row
  #at = Date.now()
  #parts

  /**
   * @param {object} parts
   * @param {string} parts.title
   * @param {string} parts.gone what is said where it is not in the list any longer
   * @param {(row: Row, facts: Facts, age: number) => void} parts.write
   * @param {(row: Row) => string} [parts.note] what is said of its tail
   * @param {(row: Row) => string | null | undefined} [parts.decision]
   * @param {readonly HTMLElement[]} [parts.actions]
   * @param {Tail} [parts.tail]
   */
  constructor(parts) {
    this.#parts = parts
    const { title, actions = [], tail } = parts
    this.#tail = tail
    setText(this.#title, visible(title))
    this.#actions = h('div', { class: 'choices', hidden: actions.length === 0 }, ...actions)
    const linked = h('div', { class: 'linked' }, this.#link, this.#actions)
    this.element = h('div', {}, this.#title, this.#gone, this.#facts.element, linked)
    if (tail) this.element.append(tail.element, this.#note)
  }

  close() {
    this.#tail?.close()
  }

  /** @param {Row | undefined} row @param {number} at */
  update(row, at) {
    const { title, gone, note, decision } = this.#parts
    this.#gone.hidden = row !== undefined
    setText(this.#gone, gone)
    if (row === undefined) return
    ;[this.#row, this.#at] = [row, at]
    setText(this.#title, visible(/** @type {{ path?: string }} */ (row).path ?? title))
    setText(this.#note, note?.(row) ?? '')
    const id = decision?.(row)
    this.#link.hidden = !id
    if (id && !this.#link.firstChild) {
      const href = hrefOf({ view: 'decisions', open: id, query: {} })
      this.#link.append(h('a', { href }, 'Why this request became this stream'))
    }
    this.tick()
  }

  tick() {
    if (this.#row !== undefined) this.#parts.write(this.#row, this.#facts, Date.now() - this.#at)
  }
}

/** @param {string} id @param {About} about */
export function streamPane(id, { actions, payloads }) {
  const close = h(
    'button',
    { type: 'button', class: 'danger', onclick: () => void closeStream(id) },
    'Close this stream…',
  )
  return new Pane({
    title: 'Stream',
    gone: 'It has ended, or is in another process.',
    decision: (/** @type {StreamRow} */ row) => row.decision,
    actions: actions ? [close] : [],
    tail: new Tail('stream', id, payloads),
    write: (row, facts, age) => {
      facts.set('Client', row.isBehind ? 'Behind' : 'Keeps up', row.isBehind ? 'warm' : undefined)
      facts.set('Rate', row.rate == null ? '–' : `${rate(row.rate)} events/s`)
      facts.set('Age', span(row.age + age))
      facts.set('Sent', `${count(row.sent)} events, ${bytes(row.bytes)}`)
      facts.set('Waiting', `${count(row.queued)} events, ${bytes(row.queuedBytes)}`)
      facts.set('Dropped', count(row.dropped), row.dropped > 0 ? 'bad' : undefined)
      facts.set('Route', visible(row.route))
      facts.set('Format', visible(row.format))
      facts.set('Address', visible(row.client))
      facts.set('Id', visible(row.id))
    },
  })
}

/** @param {string} _id */
export function endedPane(_id) {
  return new Pane({
    title: 'Ended stream',
    gone: 'It is not kept any longer: the last 200 are.',
    decision: (/** @type {EndedRow} */ row) => row.decision,
    write: (row, facts) => {
      const { reason } = row
      facts.set('Reason', reasons[reason] ? `${reason}: ${reasons[reason]}` : visible(reason))
      if (row.error) facts.set('Error', visible(row.error), 'bad')
      facts.set('Ended', clock(row.at))
      facts.set('Life', row.life < 1000 ? took(row.life) : span(row.life))
      facts.set('To the head', took(row.msToHead))
      facts.set('To the first event', took(row.msToFirst))
      facts.set('Sent', `${count(row.sent)} events, ${bytes(row.bytes)}`)
      facts.set('Dropped', count(row.dropped), row.dropped > 0 ? 'bad' : undefined)
      facts.set('Route', visible(row.route))
      facts.set('Format', visible(row.format))
      facts.set('Address', visible(row.client))
      facts.set('Id', visible(row.id))
    },
  })
}

/** @param {string} name @param {About} about */
export function channelPane(name, { actions, payloads }) {
  const say = h('button', { type: 'button', onclick: () => void publish(name) }, 'Publish…')
  const end = h(
    'button',
    { type: 'button', class: 'danger', onclick: () => void endChannel(name) },
    'End this channel…',
  )
  return new Pane({
    title: name,
    gone: 'Nobody uses it any longer, or it is in another process.',
    actions: actions ? [say, end] : [],
    tail: new Tail('channel', name, payloads),
    note: (/** @type {ChannelRow} */ { subscribers }) =>
      subscribers > 0
        ? ''
        : 'Nobody subscribes in this process: what is published is shown once somebody does.',
    write: (/** @type {ChannelRow} */ row, facts, age) => {
      const { retained } = row
      facts.set('State', stateOfChannel(row), row.isUp ? undefined : 'bad')
      facts.set('Subscribers', count(row.subscribers))
      facts.set('Rate', row.rate == null ? '–' : `${rate(row.rate)} events/s`)
      facts.set('Retained', retained ? `${count(retained.events)} events, ${bytes(retained.bytes)}` : '–')
      facts.set('Reaches back', retained?.age == null ? '–' : span(retained.age + age))
      facts.set('First id', visible(row.first ?? '–'))
      facts.set('Last id', visible(row.last ?? '–'))
      facts.set('Backend', visible(row.backend))
    },
  })
}
