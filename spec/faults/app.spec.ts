import { app } from './app.js'
import { tryAll } from './fault.js'

describe('The app around it (docs/faults.md)', () => tryAll(app))
