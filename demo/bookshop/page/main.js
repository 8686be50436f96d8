import { showAsk } from './ask.js'
import { showHappening } from './happening.js'
import { showLog } from './log.js'
import { showMachine } from './machine.js'
import { showNegotiate } from './negotiate.js'
import { Shelf } from './shelf.js'
import { showCommands } from './shell.js'

showCommands()
const shelf = new Shelf()

showMachine()
showAsk()
showLog()
showNegotiate()

// where the firehose stands is read with the shelf, and it is followed from there: nothing is between the two
showHappening(shelf, await shelf.load())
