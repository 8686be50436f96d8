import type { NextFunction, Request, Response } from 'express'
import type { Endpoint } from '../../lib/index.js'
import { Site } from '../support/http.js'

/** One server for all tests of a block, and what it serves, which may change from request to request. */
export function changingSite() {
  let current: Endpoint
  const serve = (...given: [Request, Response, NextFunction]) =>
    current(...(given as unknown as Parameters<Endpoint>))
  let site: Site
  const made = {
    get site() {
      return site
    },
    use(endpoint: Endpoint) {
      current = endpoint
    },
  }
  before(() => {
    site = new Site({ mount: (app) => app.use(serve) })
    return site.open()
  })
  after(() => site.close())
  return made
}
