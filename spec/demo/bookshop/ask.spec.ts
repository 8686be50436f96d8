import { expect } from 'chai'
import { answerTo } from '../../../demo/bookshop/answer.js'
import { classics } from '../../../demo/bookshop/classics.js'
import { all, type Demo, eventsOf, linesOf, next, recordsOf, runDemo, until } from './demo.js'

describe('The demo: /api/ask', () => {
  let demo: Demo
  let slow: Demo

  before(async () => {
    demo = await runDemo({ pace: 1 })
    slow = await runDemo({ pace: 600_000 })
  })

  after(() => Promise.all([demo.close(), slow.close()]))

  const question = (text: string, headers = {}, init: RequestInit = {}) => ({
    ...init,
    body: text,
    headers: { 'Content-Type': 'text/plain', ...headers },
  })
  const ask = (text: string, headers = {}) => demo.ask('POST /api/ask', question(text, headers))
  const speaking = async ({ ask }: Demo) =>
    ((await (await ask('GET /api/ask/answers')).json()) as { speaking: number }).speaking

  it('Answers a question about the books word by word, and marks the end', async () => {
    const events = await all(eventsOf(await ask('Which books are about Erlang?')))
    expect(events.at(-1)).to.deep.equal({ type: 'end', data: '{"reason":"end"}' })
    const words = events.slice(0, -1).map(({ data }) => data)
    expect(words).to.have.length.above(20)
    expect(words.join('')).to.include('Programming Erlang by Joe Armstrong, of 2013')
  })

  it('Answers in each format', async () => {
    const words = await all(recordsOf<string>(await ask('Go', { Accept: 'application/x-ndjson' })))
    const [text] = await all(linesOf(await ask('Go', { Accept: 'text/plain' })))
    const array = await (await ask('Go', { Accept: 'application/json' })).json()
    expect(words.join('')).to.equal(text)
    expect(array).to.deep.equal(words)
  })

  it('Knows what has just come onto the shelf', async () => {
    const book = { isbn: '9780262560993', title: 'The Little Schemer', author: 'Daniel P. Friedman' }
    const headers = { 'Content-Type': 'application/json' }
    await demo.ask('POST /api/books', { headers, body: JSON.stringify(book) })
    expect(await (await ask('schemer', { Accept: 'text/plain' })).text()).to.include(book.title)
  })

  it('Stops when the client stops: nobody speaks to nobody', async () => {
    const leave = new AbortController()
    const asking = question('Erlang?', {}, { signal: leave.signal })
    await Promise.all([1, 2, 3].map(() => slow.ask('POST /api/ask', asking)))
    expect(await speaking(slow)).to.equal(3)
    leave.abort()
    await until(async () => (await speaking(slow)) === 0)
  })

  it('Stops between two words', async () => {
    const events = eventsOf(await ask('Erlang?'))
    await next(2, events)
    await events.return(null)
    await until(async () => (await speaking(demo)) === 0)
  })

  for (const nothing of ['', ' \n ']) {
    it(`${JSON.stringify(nothing)} is no question: 400`, async () => {
      const answer = await ask(nothing)
      expect(answer.status).to.equal(400)
      expect(await answer.json()).to.deep.include({ detail: 'What is the question?' })
    })
  }

  it('GET is 405, and another type than text 415', async () => {
    expect((await demo.ask('GET /api/ask')).status).to.equal(405)
    expect((await ask('{}', { 'Content-Type': 'application/json' })).status).to.equal(415)
  })
})

describe('The demo: what is answered', () => {
  const answers: [question: string, expected: RegExp][] = [
    ['erlang', /begin with (?:Programming Erlang|Learn You Some Erlang)/],
    ['Is there anything by MARTIN Kleppmann?', /begin with Designing Data-Intensive Applications by Martin/],
    ['the go programming language', /begin with The Go Programming Language/],
    ['Hébert', /begin with Learn You Some Erlang/],
    ['zebra', /None of them has a word of your question.*"structure"/],
    ['?!', /None of them/],
    ['which books are there', /None of them/],
    ['__proto__ constructor', /None of them/],
  ]

  for (const [question, expected] of answers) {
    it(`to ${question}: ${expected}`, () => {
      expect(answerTo(question, classics)).to.match(expected)
    })
  }

  it('where there are no books', () => {
    expect(answerTo('erlang', [])).to.match(/^There are 0 books on the shelf\. None of them/)
  })
})
