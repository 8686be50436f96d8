import type { Socket } from 'node:net'
import { expect } from 'chai'
import { turns } from '../support/stage.js'
import { expectInterrupted, type Faults, fault } from './fault.js'
import { targets } from './targets.js'

const { 'SSE on a channel with history': _, ...withInfo } = targets

const { 'a POST answered by a stream': __, ...ofGet } = withInfo

/** The connections of requests, as a middleware sees them. */
const sockets: Socket[] = []

export const app: Faults = {
  'a middleware destroys the connection before the endpoint': fault({
    before: (req, _res, next) => {
      if (req.headers['x-fault']) req.socket.destroy()
      next()
    },
    reasons: [],
    async run(scene) {
      const client = scene.ask({ headers: { 'X-Fault': '1' } })
      await client.ended
      await turns()
      expect(client.size).to.equal(0)
    },
  }),
  'a middleware destroys the connection while it is streamed to': fault({
    before: (req, _res, next) => {
      sockets.push(req.socket)
      next()
    },
    reasons: ['disconnect'],
    async run(scene) {
      const client = await scene.streaming()
      for (const socket of sockets.splice(0)) socket.destroy()
      expect((await client.closed()).isWhole).to.equal(false)
    },
  }),
  'a middleware answers in the place of the endpoint': fault({
    before: (req, res, next) => {
      if (req.headers['x-fault']) res.send('mine')
      else next()
    },
    reasons: [],
    async run(scene) {
      expect((await scene.ask({ headers: { 'X-Fault': '1' } }).whole()).body).to.equal('mine')
    },
  }),
  'a middleware has answered, and goes on to the endpoint': fault({
    before: (req, res, next) => {
      if (req.headers['x-fault']) res.send('mine')
      next()
    },
    reasons: [],
    async run(scene) {
      expect((await scene.ask({ headers: { 'X-Fault': '1' } }).whole()).body).to.equal('mine')
      await turns()
      expect(scene.errors.splice(0)).to.have.length(1)
    },
  }),
  '`server.closeAllConnections()`': fault({
    reasons: ['disconnect'],
    async run(scene) {
      const clients = [await scene.streaming(), await scene.held()]
      scene.site.server.closeAllConnections()
      for (const client of clients) await client.ended
      expect(clients[0]?.message.isWhole).to.equal(false)
    },
  }),
  '`server.close()` while streams are open': fault({
    reasons: ['shutdown'],
    async run(scene, target) {
      const client = await scene.streaming()
      const closed = new Promise((resolve) => scene.site.server.close(resolve))
      scene.plot.emit('still there')
      await client.until('still there')
      await scene.endpoint.close()
      await expectInterrupted(client, target)
      await closed
    },
  }),
  '`info` destroys the response': fault({
    on: withInfo,
    options: (plot) => ({
      info: (message, { res, write }) => (plot.isMended ? void write(message) : void res.destroy()),
    }),
    reasons: ['disconnect'],
    async run(scene) {
      const client = await scene.held()
      scene.plot.emit('first')
      expect((await client.closed()).isWhole).to.equal(false)
    },
  }),
  '`info` destroys the request': fault({
    // a request whose body was read is destroyed already
    on: ofGet,
    options: (plot) => ({
      info: (message, { req, write }) => (plot.isMended ? void write(message) : void req.destroy()),
    }),
    reasons: ['disconnect'],
    async run(scene) {
      const client = await scene.held()
      scene.plot.emit('first')
      expect((await client.closed()).isWhole).to.equal(false)
    },
  }),
  '`info` ends the response itself': fault({
    on: withInfo,
    options: (plot) => ({
      info: (message, { res, write }) => {
        if (plot.isMended) return void write(message)
        res.end()
        return write(message)
      },
    }),
    reasons: ['disconnect'],
    async run(scene) {
      const client = await scene.held()
      scene.plot.emit('first')
      await client.whole()
    },
  }),
}
