import { tryAll } from './fault.js'
import { hub } from './hub.js'

describe('Channels (docs/faults.md)', () => tryAll(hub))
