import { callbacks } from './callbacks.js'
import { tryAll } from './fault.js'

describe('Callbacks (docs/faults.md)', () => tryAll(callbacks))
