import type { IncomingMessage, ServerResponse } from 'node:http'
import express from 'express'
import proxy from 'express-http-proxy'
import { createProxyMiddleware } from 'http-proxy-middleware-3'
import type { ProxyOptions } from 'vite'

// what docs/recipes/clients-and-proxies.md shows, with the address of the app that is tried

/** What the app has not ended is not ended for the client. */
const passCut = (from: IncomingMessage, _req: unknown, res: ServerResponse) => {
  from.once('close', () => from.complete || res.destroy())
}

export const vite = (target: string): ProxyOptions => ({
  target,
  configure: (proxy) => proxy.on('proxyRes', passCut),
})

export const httpProxyMiddleware = (target: string) =>
  createProxyMiddleware({ target, on: { proxyRes: passCut } })

export const expressHttpProxy = (target: string) =>
  express.Router().use((req, res, next) => {
    res.once('pipe', (from: IncomingMessage) => passCut(from, req, res))
    next()
  }, proxy(target))
