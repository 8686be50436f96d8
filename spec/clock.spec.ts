import { expect } from 'chai'
import fc from 'fast-check'
import { Clock, type Time } from '../lib/clock.js'
import { ManualTime } from './support/clock.js'

/** A time of one's own, which takes note of each wake-up that is asked for. */
class NotedTime extends ManualTime {
  readonly waits: number[] = []
  awake = 0

  /** Begins at a whole millisecond, so that sums are exact. */
  constructor() {
    super()
    this.advance(Math.ceil(this.now()) - this.now())
  }

  override wake(callback: () => void, milliseconds: number): () => void {
    this.waits.push(milliseconds)
    this.awake += 1
    let isOpen = true
    const close = () => {
      if (isOpen) this.awake -= 1
      isOpen = false
    }
    const takeBack = super.wake(() => {
      close()
      callback()
    }, milliseconds)
    return () => {
      close()
      takeBack()
    }
  }
}

describe('Clock', () => {
  let time: NotedTime
  let clock: Clock
  let called: unknown[]
  const note = (what: unknown) => () => {
    called.push(what)
  }
  beforeEach(() => {
    time = new NotedTime()
    clock = new Clock(time)
    called = []
  })

  it('Tells the time that it was given', () => {
    const before = clock.now()
    time.advance(7)
    expect(clock.now() - before).to.equal(7)
  })

  it('Keeps the order when one in the middle is taken back, and the last takes its place', () => {
    const deadlines = [3, 4, 6, 7, 5, 2, 1].map((milliseconds) =>
      clock.after(milliseconds, note(milliseconds)),
    )
    deadlines[3]!.cancel()
    time.advance(100)
    expect(called).to.deep.equal([1, 2, 3, 4, 5, 6])
  })

  it('Calls each deadline once, at its time and not before', () => {
    clock.after(10, note('ten'))
    time.advance(9)
    expect(called).to.deep.equal([])
    time.advance(1)
    expect(called).to.deep.equal(['ten'])
    time.advance(1000)
    expect(called).to.deep.equal(['ten'])
    expect(clock.size).to.equal(0)
  })

  it('Calls in the order of what is due, whatever the order they were set in', () => {
    for (const due of [30, 10, 50, 20, 40]) clock.after(due, note(due))
    time.advance(100)
    expect(called).to.deep.equal([10, 20, 30, 40, 50])
  })

  it('All that is due at one time is called at that time', () => {
    for (const name of ['a', 'b', 'c']) clock.after(5, note(name))
    time.advance(5)
    expect(called).to.have.members(['a', 'b', 'c'])
  })

  it('Has one wake-up for all of them, for the first that is due', () => {
    for (const due of [30, 20, 40, 25]) clock.after(due, () => {})
    expect(time.awake).to.equal(1)
    expect(time.waits).to.deep.equal([30, 20])
    time.advance(20)
    expect(time.awake).to.equal(1)
    time.advance(20)
    expect(time.awake).to.equal(0)
  })

  it('size counts those that are open', () => {
    expect(clock.size).to.equal(0)
    const deadlines = [1, 2, 3].map((due) => clock.after(due, () => {}))
    expect(clock.size).to.equal(3)
    deadlines[1]!.cancel()
    expect(clock.size).to.equal(2)
    time.advance(1)
    expect(clock.size).to.equal(1)
  })

  describe('cancel()', () => {
    it('Takes a deadline back, and leaves the others', () => {
      clock.after(1, note('first'))
      const second = clock.after(2, note('second'))
      clock.after(3, note('third'))
      second.cancel()
      time.advance(10)
      expect(called).to.deep.equal(['first', 'third'])
    })

    it('Means nothing the second time, or after the call', () => {
      const cancelled = clock.after(1, note('cancelled'))
      const over = clock.after(1, note('over'))
      cancelled.cancel()
      time.advance(1)
      clock.after(1, note('later'))
      cancelled.cancel()
      over.cancel()
      expect(clock.size).to.equal(1)
      time.advance(1)
      expect(called).to.deep.equal(['over', 'later'])
    })

    it('Works from within the call of another that is due at the same time', () => {
      const both = [0, 1].map((index) =>
        clock.after(1, () => {
          called.push(index)
          both[1 - index]!.cancel()
        }),
      )
      time.advance(1)
      expect(called).to.have.length(1)
      expect(clock.size).to.equal(0)
    })
  })

  describe('From within a call', () => {
    it('A deadline can be set, and is called at its own time', () => {
      clock.after(10, () => {
        called.push(clock.now())
        clock.after(5, () => called.push(clock.now()))
      })
      const start = clock.now()
      time.advance(12)
      expect(called).to.deep.equal([start + 10])
      time.advance(3)
      expect(called).to.deep.equal([start + 10, start + 15])
    })

    it('One that is due at once is called at once', () => {
      clock.after(10, () => clock.after(0, note('at once')))
      time.advance(10)
      expect(called).to.deep.equal(['at once'])
    })

    it('A deadline may cancel itself', () => {
      const own = clock.after(1, () => own.cancel())
      clock.after(2, note('other'))
      time.advance(2)
      expect(called).to.deep.equal(['other'])
    })

    it('A deadline that sets itself again goes on for ever, one call a time', () => {
      const beat = () => {
        called.push(clock.now())
        clock.after(15, beat)
      }
      clock.after(15, beat)
      time.advance(60)
      expect(called).to.have.length(4)
      expect(clock.size).to.equal(1)
    })
  })

  it('One that throws does not stop the others', () => {
    clock.after(1, note('before'))
    clock.after(2, () => {
      throw new Error('thrown')
    })
    clock.after(2, note('at the same time'))
    clock.after(3, note('after'))
    expect(() => time.advance(5)).to.throw('thrown')
    time.advance(5)
    expect(called).to.deep.equal(['before', 'at the same time', 'after'])
    expect(clock.size).to.equal(0)
  })

  it('A time further off than a timer can wait is slept to in parts', () => {
    clock.after(2 ** 33, note('far'))
    time.advance(2 ** 33 - 1)
    expect(called).to.deep.equal([])
    expect(Math.max(...time.waits)).to.be.below(2 ** 31)
    time.advance(1)
    expect(called).to.deep.equal(['far'])
  })

  it('A wait that is infinite is never woken for, and one below zero is over at once', () => {
    clock.after(Infinity, note('never'))
    expect(time.waits).to.deep.equal([])
    clock.after(-5, note('at once'))
    time.advance(0)
    expect(called).to.deep.equal(['at once'])
    expect(clock.size).to.equal(1)
  })

  describe('use()', () => {
    it('Puts another time in the place of the one before, open deadlines and all', () => {
      clock.after(10, note('ten'))
      const other = new NotedTime()
      clock.use(other)
      expect(time.awake).to.equal(0)
      time.advance(100)
      expect(called).to.deep.equal([])
      other.advance(10)
      expect(called).to.deep.equal(['ten'])
    })

    it('Its return value restores the previous time', () => {
      const other = new NotedTime()
      const restore = clock.use(other)
      clock.after(10, note('ten'))
      restore()
      expect(other.awake).to.equal(0)
      other.advance(100)
      expect(called).to.deep.equal([])
      time.advance(100)
      expect(called).to.deep.equal(['ten'])
    })
  })

  it('On the system’s time it calls, and keeps no process alive', async () => {
    const own = new Clock()
    const before = own.now()
    await new Promise<void>((resolve) => {
      const keptAlive = setTimeout(() => {}, 5000)
      own.after(5, () => {
        clearTimeout(keptAlive)
        resolve()
      })
    })
    expect(own.now() - before).to.be.at.least(5)
    const active = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const others = active()
    const idle = own.after(60_000, () => {})
    expect(active()).to.equal(others)
    idle.cancel()
  })

  it('A timer that wakes too early changes nothing', () => {
    const held: { ring?: () => void } = {}
    let now = 0
    const early: Time = {
      now: () => now,
      wake: (callback) => {
        held.ring = callback
        return () => {}
      },
    }
    const own = new Clock(early)
    own.after(10, note('ten'))
    now = 9.5
    held.ring!()
    expect(called).to.deep.equal([])
    now = 10
    held.ring!()
    expect(called).to.deep.equal(['ten'])
  })

  it('Of any deadlines, set and cancelled in any order, each is called at its time unless cancelled', () => {
    const step = fc.oneof(
      fc.record({ set: fc.nat(50) }),
      fc.record({ cancel: fc.nat(30) }),
      fc.record({ advance: fc.nat(20) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const manual = new NotedTime()
        const own = new Clock(manual)
        const start = own.now()
        let now = 0
        const open = new Map<number, number>()
        const late: number[] = []
        const deadlines: { cancel(): void }[] = []
        for (const each of steps) {
          if ('set' in each) {
            const name = deadlines.length
            open.set(name, now + each.set)
            deadlines.push(
              own.after(each.set, () => {
                if (own.now() - start !== open.get(name)) late.push(name)
                open.delete(name)
              }),
            )
          } else if ('cancel' in each) {
            deadlines[each.cancel]?.cancel()
            open.delete(each.cancel)
          } else {
            manual.advance(each.advance)
            now += each.advance
            expect([...open.values()].every((due) => due >= now)).to.equal(true)
          }
          expect(own.size).to.equal(open.size)
        }
        manual.advance(100)
        expect(own.size).to.equal(0)
        expect(open.size).to.equal(0)
        expect(late).to.deep.equal([])
      }),
    )
  })
})
