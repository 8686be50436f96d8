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
