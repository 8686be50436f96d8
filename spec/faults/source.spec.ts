import { tryAll } from './fault.js'
import { sources } from './source.js'

describe('What the data comes from (docs/faults.md)', () => tryAll(sources))
