import { tryAll } from './fault.js'
import { time } from './time.js'

describe('Time (docs/faults.md)', () => tryAll(time))
