// Delivers the events of several feeds in one order, and reads those that were missed, each with the place in all as its id.
import { quietly } from '../guard.js'
import { type Awaitable, all, isPromise } from '../promise.js'
import type { OpenStream } from '../values/open-stream.js'
import type { Where } from './backend.js'
import { Branch, type Trunk } from './branch.js'
import { Deliveries } from './deliveries.js'
import type { Member } from './followed.js'
import { earliest, Gap, now } from './gap.js'
import { MergedEvent } from './merged-event.js'
import type { Published } from './published.js'
import { gapIn, inSeries } from './series.js'
import type { Keeps, Missed, Root, Sink } from './sink.js'
import { attachAll } from './supply.js'
import { idOf, pieceOf, placesIn } from './vector.js'

/** The place that names no channel: each feed begins where its own `from` says. */
export const asFeedsSay = ''

/** No id of any channel, since it has a space. */
const noId = ' '

/** What the feeds of a merged one are together: the root of the merged feed, and of what is made of it. */
export class Branches implements Root, Trunk {
  readonly merged: Required<Sink>
  readonly #branches: readonly Branch[]
  readonly names: readonly string[]
  readonly retains: boolean
  /** From the first sink of the merged feed to its last. */
  #run: object | undefined
  /** The place of each feed is known, so that events have ids. */
  #isKnown = false
  #settling: PromiseLike<unknown> | undefined
  readonly #deliveries = new Deliveries<readonly [Branch, Published | Gap]>((each) => this.#deliver(...each))
  /** The id that was read last: a client asks for the same one again and again. */
  #read: { readonly id: string; readonly places: ReadonlyMap<string, string> } | undefined

  constructor(members: readonly Member[], merged: Required<Sink>) {
    this.merged = merged
    this.#branches = members.map((member, at) => new Branch(member, at, this))
    this.names = this.#branches.map(({ name }) => name)
    this.retains = this.#branches.some(({ root }) => root.retains)
  }

  // ---- attached

  attach(): void {
    const run = {}
    this.#run = run
    for (const branch of this.#branches) branch.isOver = false
    attachAll(() => {
      for (const branch of this.#branches) if (this.#run === run) branch.whole.attach(branch)
      if (this.#run === run) this.#settle(run)
    })
  }

  detach(): void {
    this.#run = undefined
    this.#isKnown = false
    this.#settling = undefined
    // a delivery goes on until it is over
    this.#deliveries.dropWaiting()
    for (const branch of this.#branches) branch.whole.detach(branch)
  }

  /**
   * Finds the place of each feed once it delivers. What comes before that is not delivered: a sink begins to read, or is
   * told where it begins, only afterwards.
   */
  #settle(run: object): void {
    const ready = this.#branches.map(({ root }) => root.ready).filter((each) => each !== undefined)
    const ask = () => all(this.#branches.map(({ root }) => root.askPlace()))
    const places = ready.length === 0 ? ask() : Promise.all(ready).then(ask)
    if (!isPromise(places)) return this.#know(places)
    const settling = Promise.resolve(places).then((known) => {
      if (this.#run === run) this.#know(known)
    })
    this.#settling = settling
    settling.catch((error) => {
      if (this.#run === run) this.merged.down(error)
    })
  }

  #know(places: readonly string[]): void {
    for (const [at, place] of places.entries()) this.#at(at).place = place
    this.#isKnown = true
    this.#settling = undefined
    this.#moveOn()
  }

  #at(at: number): Branch {
    return this.#branches[at] as Branch
  }

  #moveOn(): void {
    for (const branch of this.#branches) branch.moveOn()
  }

  get #id(): string {
    return idOf(this.#branches.map(({ piece }) => piece))
  }

  // ---- delivery

  /** What comes during a delivery is delivered after it, to all sinks: its id says that they have got what is before. */
  arrive(branch: Branch, item: Published | Gap): void {
    if (!this.#isKnown) return
    const isFirst = !this.#deliveries.isRunning
    if (isFirst) this.#moveOn()
    this.#deliveries.add([branch, item])
    if (isFirst) this.branchEnded()
  }

  #deliver(branch: Branch, item: Published | Gap): void {
    const { root } = branch
    // a lagging backend delivers late what is before the place that it gave
    if (!root.isImmediate && !root.after(item, branch.place)) return
    branch.place = item.id
    if (item instanceof Gap) this.merged.gap(gapIn(branch, item, this.#id))
    else this.merged.event(branch.merge(item, this.#id))
  }

  /** The merged feed ends with the last of its feeds, once all events are delivered. */
  branchEnded(): void {
    const isOver = this.#run && this.#branches.every((branch) => branch.isOver)
    if (isOver && !this.#deliveries.isRunning) this.merged.ended()
  }

  /** The event as the merged feed delivers it. */
  of(event: Published): Published | undefined {
    const { at, own } = MergedEvent.partsOf(event) as { at: number; own: Published }
    const kept = this.#at(at).whole.of(own)
    return kept === own ? event : kept && this.#at(at).merge(kept, event.id)
  }

  // ---- as the root of the merged feed

  get ready(): PromiseLike<unknown> | undefined {
    return this.#settling
  }

  get isDelivering(): boolean {
    return this.#deliveries.isRunning || this.#branches.some(({ root }) => root.isDelivering)
  }

  /** In a delivery nobody knows the place at which a sink will join. */
  get isImmediate(): boolean {
    return this.#branches.every(({ root }) => root.isImmediate) && !this.isDelivering
  }

  get hasEnded(): boolean {
    return this.#branches.every(({ root }) => root.hasEnded)
  }

  get place(): string | undefined {
    if (this.#run) {
      if (!this.#isKnown) return undefined
      if (!this.#deliveries.isRunning) this.#moveOn()
      return this.#id
    }
    const places = this.#branches.map(({ placeAtHand }) => placeAtHand)
    return places.some((place) => place === undefined) ? undefined : this.#idOf(places as string[])
  }

  askPlace(isLatest = false): Awaitable<string> {
    if (this.#settling !== undefined) return this.#settling.then(() => this.askPlace(isLatest))
    const { place } = this
    if (place !== undefined && (this.isImmediate || !isLatest)) return place
    const places = all(this.#branches.map(({ root }) => root.askPlace(isLatest)))
    return isPromise(places) ? places.then((known) => this.#idOf(known)) : this.#idOf(places)
  }

  #idOf(places: readonly string[]): string {
    return idOf(places.map((place, at) => pieceOf(this.#at(at).key, place)))
  }

  /** Feeds deliver within each other: after the delivery of each of them none is in delivery. */
  afterDelivery(join: () => void): void {
    const after = (at: number): void => {
      const branch = this.#branches[at]
      if (branch) branch.root.afterDelivery(() => after(at + 1))
      else join()
    }
    this.#deliveries.join(() => after(0))
  }

  /**
   * A client that has read the store may be ahead of what a lagging backend has delivered of other channels: an id must
   * not take it back there.
   */
  after<Item extends { readonly id: string }>(item: Item, place: string): Item | undefined {
    const got = this.#placesOf(place)
    const delivered = placesIn(item.id) as ReadonlyMap<string, string>
    const event = MergedEvent.partsOf(item)
    const gap = item as unknown as Gap
    const branch = event
      ? this.#at(event.at)
      : (this.#branches.find(({ name }) => name === gap.channel) as Branch)
    const here = got.get(branch.key)
    const own =
      event?.own ?? new Gap(gap.requested, gap.from, gap.reason, delivered.get(branch.key) as string)
    if (here !== undefined && !branch.root.after(own, here)) return undefined
    const pieces = this.#branches.map(({ key, root }) => {
      const [mine, theirs] = [got.get(key), delivered.get(key) as string]
      return pieceOf(key, mine !== undefined && root.after({ id: mine }, theirs) ? mine : theirs)
    })
    const id = idOf(pieces)
    if (id === item.id) return item
    return (event ? branch.merge(event.own, id) : gapIn(branch, gap, id)) as unknown as Item
  }

  hasDelivered(place: string): boolean {
    const got = this.#placesOf(place)
    const isBehind = ({ key, root, place: delivered }: Branch) => {
      const id = got.get(key)
      return id !== undefined && root.after({ id }, delivered) !== undefined
    }
    return this.#isKnown && !this.#branches.some(isBehind)
  }

  #placesOf(id: string): ReadonlyMap<string, string> {
    if (this.#read?.id !== id) this.#read = { id, places: placesIn(id) as ReadonlyMap<string, string> }
    return this.#read.places
  }

  tell(name: 'join' | 'leave', stream: () => OpenStream): void {
    for (const { root } of this.#branches) root.tell(name, stream)
  }

  // ---- reading

  missed(where: Where, keeps?: Keeps): Awaitable<Missed> {
    const wheres = this.#wheres(where)
    const asked = wheres.includes(noId) ? (where as string) : undefined
    const isNewTo = where !== now && where !== asFeedsSay && wheres.includes(now)
    const opening: Awaitable<Missed>[] = []
    const failed = (error: unknown): never => {
      for (const each of opening) quietly(async () => (await each).events.return?.())
      throw error
    }
    try {
      for (const [at, branch] of this.#branches.entries()) {
        opening.push(branch.missed(wheres[at] as Where, () => this.#placeNow(branch), keeps))
      }
      const readings = all(opening)
      const series = (each: readonly Missed[]) => ({ ...inSeries(this.#branches, each, asked), isNewTo })
      return isPromise(readings) ? Promise.resolve(readings).then(series, failed) : series(readings)
    } catch (error) {
      return failed(error)
    }
  }

  /** Where each feed begins. A feed that came since an id was given is not named by it. */
  #wheres(where: Where): readonly Where[] {
    if (typeof where !== 'string' || where === earliest || where === now) {
      return this.#branches.map(() => where)
    }
    const places = where === asFeedsSay ? undefined : placesIn(where)
    if (where !== asFeedsSay && !places) return this.#branches.map(() => noId)
    const otherwise = this.hasEnded ? earliest : now
    return this.#branches.map(({ key, start }) => places?.get(key) ?? start ?? otherwise)
  }

  #placeNow(branch: Branch): Awaitable<string> {
    if (!this.#isKnown) return branch.root.askPlace()
    branch.moveOn()
    return branch.place
  }
}
