import { serve } from '../fanout/remote.js'
import { serving } from '../fanout/serving.js'
import { entry, type Name } from './peers.js'

const [name, url] = process.argv.slice(2) as [Name, string]
const peer = await entry(name).serve(url)
const { server, handlers } = await serving({ listener: peer.listener, publish: () => undefined })
peer.attach?.(server)

export type Server = typeof handlers
serve(handlers)
