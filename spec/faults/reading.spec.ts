import { tryAll } from './fault.js'
import { reading } from './reading.js'

describe('The client does not read (docs/faults.md)', () => tryAll(reading))
