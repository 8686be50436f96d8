import { tryAll } from './fault.js'
import { own } from './own.js'

describe('What else a spec may do (docs/faults.md)', () => tryAll(own))
