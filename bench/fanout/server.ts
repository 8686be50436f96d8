import { entry, type Name } from './peers.js'
import { serve } from './remote.js'
import { serving } from './serving.js'

const { handlers } = await serving(await entry(process.argv[2] as Name).make())

export type Server = typeof handlers
serve(handlers)
