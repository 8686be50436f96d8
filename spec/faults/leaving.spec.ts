import { tryAll } from './fault.js'
import { leaving } from './leaving.js'

describe('The client leaves (docs/faults.md)', () => tryAll(leaving))
