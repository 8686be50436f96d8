import { expect } from 'chai'
import fc from 'fast-check'
import { Clock, type Time } from '../../lib/loop/clock.js'
import { ManualTime } from '../support/clock.js'

/** A clock, its time, and what it has called, at which time. */
function setting() {
  const time = new ManualTime()
  const start = time.now()
  const clock = new Clock(time)
  const calls: (readonly [name: unknown, at: number])[] = []
  const set = (milliseconds: number, name: unknown = milliseconds) =>
    clock.after(milliseconds, () => calls.push([name, time.now() - start]))
  return { time, clock, calls, set }
}

describe('The clock', () => {
  it('Calls back once, when it is time and not before', () => {
    const { time, calls, set } = setting()
    set(10)
    time.advance(9)
    expect(calls).to.deep.equal([])
    time.advance(1)
    time.advance(100)
    expect(calls).to.deep.equal([[10, 10]])
  })

  it('Calls in the order in which things are due, each at its time, whatever is set and cancelled (property)', () => {
    const entry = fc.record({ after: fc.nat(1000), isCancelled: fc.boolean() })
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 60 }),
        fc.array(fc.nat(400), { minLength: 1 }),
        (entries, steps) => {
          const { time, clock, calls, set } = setting()
          const deadlines = entries.map(({ after }, index) => set(after, index))
          entries.forEach(({ isCancelled }, index) => {
            if (isCancelled) deadlines[index]!.cancel()
          })
          expect(clock.size).to.equal(entries.filter(({ isCancelled }) => !isCancelled).length)
          for (const step of steps) time.advance(step)
          const end = steps.reduce((sum, step) => sum + step, 0)
          const expected = entries.flatMap(({ after, isCancelled }, index) =>
            isCancelled || after > end ? [] : [[index, after] as const],
          )
          expect(calls.map(([, at]) => at)).to.deep.equal(expected.map(([, at]) => at).sort((a, b) => a - b))
          expect(calls).to.have.deep.members(expected)
          expect(clock.size).to.equal(entries.filter(({ isCancelled }) => !isCancelled).length - calls.length)
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('Takes cancels on the way, of what is due at the same time too (property)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(20), { minLength: 1, maxLength: 30 }),
        fc.nat(29),
        fc.nat(29),
        (afters, canceller, cancelled) => {
          const { time, calls, clock, set } = setting()
          const [from, to] = [canceller % afters.length, cancelled % afters.length]
          let isCancelled = false
          const deadlines = afters.map((after, index) => set(after, index))
          deadlines[from]!.cancel()
          clock.after(afters[from]!, () => {
            isCancelled = !calls.some(([name]) => name === to)
            deadlines[to]!.cancel()
          })
          time.advance(20)
          const expected = afters.flatMap((_, index) =>
            index === from || (index === to && isCancelled) ? [] : [index],
          )
          expect(calls.map(([name]) => name)).to.have.members(expected)
          expect(clock.size).to.equal(0)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('A deadline may be cancelled twice, and after it was called', () => {
    const { time, clock, calls, set } = setting()
    const one = set(1)
    const two = set(2)
    one.cancel()
    one.cancel()
    time.advance(5)
    two.cancel()
    set(3)
    two.cancel()
    time.advance(5)
    expect(calls).to.deep.equal([
      [2, 2],
      [3, 8],
    ])
    expect(clock.size).to.equal(0)
  })

  it('What is set by what is called is called in its turn', () => {
    const { time, clock, calls, set } = setting()
    clock.after(5, () => set(5, 'next'))
    clock.after(5, () => set(0, 'at once'))
    time.advance(20)
    expect(calls).to.deep.equal([
      ['at once', 5],
      ['next', 10],
    ])
  })

  it('One that throws takes no other with it', () => {
    const { time, calls, clock, set } = setting()
    clock.after(1, () => {
      throw new Error('own')
    })
    set(1)
    set(2)
    expect(() => time.advance(1)).to.throw('own')
    time.advance(5)
    expect(calls.map(([name]) => name)).to.deep.equal([1, 2])
  })

  describe('Has one wake-up at a time', () => {
    /** A time that counts how often it is asked for a wake-up, and how many are open. */
    function counting() {
      const inner = new ManualTime()
      const counts = { asked: 0, open: 0, waits: [] as number[] }
      const time: Time = {
        now: () => inner.now(),
        wake(callback, milliseconds) {
          counts.asked += 1
          counts.open += 1
          counts.waits.push(milliseconds)
          let isOpen = true
          const close = () => {
            if (isOpen) counts.open -= 1
            isOpen = false
          }
          const cancel = inner.wake(() => {
            close()
            callback()
          }, milliseconds)
          return () => {
            close()
            cancel()
          }
        },
      }
      return { inner, counts, clock: new Clock(time) }
    }

    it('For the first of what is due, however much that is', () => {
      const { inner, counts, clock } = counting()
      for (let index = 0; index < 1000; index++) clock.after(1000 + index, () => {})
      expect(counts).to.include({ asked: 1, open: 1 })
      clock.after(10, () => {})
      expect(counts).to.include({ asked: 2, open: 1 })
      inner.advance(3000)
      expect(counts.open).to.equal(0)
      expect(clock.size).to.equal(0)
    })

    it('None where nothing is set', () => {
      expect(counting().counts.asked).to.equal(0)
    })

    it('In whole milliseconds, never less than 0, never more than Node can wait', () => {
      const { inner, counts, clock } = counting()
      clock.after(0.4, () => {})
      clock.after(-5, () => {})
      clock.after(-10, () => {})
      expect(counts.waits).to.deep.equal([1, 0, 0])
      inner.advance(1)
      let isCalled = false
      clock.after(2 ** 31 + 5, () => {
        isCalled = true
      })
      expect(counts.waits.at(-1)).to.equal(2 ** 31 - 1)
      inner.advance(2 ** 31 + 4)
      expect(isCalled).to.equal(false)
      inner.advance(1)
      expect(isCalled).to.equal(true)
    })
  })

  describe('use()', () => {
    it('Puts another time in the place of the system, and back', () => {
      const first = new ManualTime()
      const second = new ManualTime()
      const clock = new Clock(first)
      second.advance(100)
      const restore = clock.use(second)
      expect(clock.now()).to.equal(second.now())
      restore()
      expect(clock.now()).to.equal(first.now())
    })

    it('Wakes by the time that is in use, and no more by the one before', () => {
      const { time, clock, calls, set } = setting()
      const other = new ManualTime()
      set(10)
      const restore = clock.use(other)
      time.advance(50)
      expect(calls).to.deep.equal([])
      restore()
      time.advance(0)
      expect(calls).to.have.length(1)
    })
  })

  it('By the system, it keeps no process alive and calls back', async () => {
    const clock = new Clock()
    await new Promise<void>((resolve) => {
      const awake = setTimeout(() => {}, 10_000)
      clock.after(1, () => {
        clearTimeout(awake)
        resolve()
      })
    })
    expect(clock.size).to.equal(0)
    expect(clock.now()).to.be.a('number')
  })
})
