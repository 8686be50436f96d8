import { expect } from 'chai'
import { Failure, told } from '../../demo/openai/asked.js'
import { Demo } from '../support/demo.js'
import { judgements, type Packages } from './judges/openai.js'
import { judged } from './judging.js'

describe('The recipe openai: clients of OpenAI’s API and the AI SDK', function () {
  this.timeout(60_000)
  let demo: Demo
  before(() => {
    demo = new Demo('openai')
    return demo.listening()
  })
  after(() => demo.kill())

  describe('a failure', () => {
    const { error: log } = console
    const logged: unknown[] = []
    beforeEach(() => {
      logged.length = 0
      console.error = (...said) => logged.push(...said)
    })
    afterEach(() => {
      console.error = log
    })

    it('that nobody foresaw is on the console, and clients do not learn what it is', () => {
      const bug = new TypeError('password is undefined')
      expect(told(bug).error).to.include({ message: 'The server had an error.', type: 'server_error' })
      expect(logged).to.deep.equal([bug])
    })

    it('that is told, and a client that leaves, are not on the console', () => {
      told(new Failure(429, 'All ropes are in use.'))
      told(new DOMException('This operation was aborted', 'AbortError'))
      expect(logged).to.deep.equal([])
    })
  })

  judged<Packages>({
    name: 'openai',
    demo: () => demo,
    judgements,
    here: async () => ({
      openai: await import('openai'),
      ai: await import('ai'),
      '@ai-sdk/openai': await import('@ai-sdk/openai'),
      '@ai-sdk/openai-compatible': await import('@ai-sdk/openai-compatible'),
    }),
    newer: {
      openai: '7.59.0',
      ai: '7.0.173',
      '@ai-sdk/openai': '4.0.118',
      '@ai-sdk/openai-compatible': '3.0.92',
    },
    also: ['zod@4.6.7'],
  })
})
