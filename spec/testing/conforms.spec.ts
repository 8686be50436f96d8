import { conforms } from '../../lib/testing.js'
import { kinds } from './routes.js'

describe('conforms', () => {
  for (const [kind, open] of Object.entries(kinds))
    describe(`is kept by ${kind}`, () => {
      for (const { name, run } of conforms(open)) it(name, run)
    })
})
