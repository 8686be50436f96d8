import { tryAll } from './fault.js'
import { sending } from './sending.js'

describe('What the client sends (docs/faults.md)', () => tryAll(sending))
