import { showAsk } from './ask.js'
import { showHappening } from './happening.js'
import { showLog } from './log.js'
import { showMachine } from './machine.js'
import { showNegotiate } from './negotiate.js'
import { Shelf } from './shelf.js'
import { showCommands } from './shell.js'

showCommands()
showHappening(new Shelf())
showMachine()
showAsk()
showLog()
showNegotiate()
