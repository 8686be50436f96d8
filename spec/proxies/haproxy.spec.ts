import { staysClean } from '../support/clean.js'
import { needs } from '../support/installed.js'
import { behaves } from './behaviour.js'
import { haproxyPlain, haproxyRecommended, patience } from './fronts.js'

describe('HAProxy in front (docs/operate/proxies.md)', function () {
  this.timeout(patience)
  needs('haproxy')
  needs('openssl')
  staysClean()

  behaves(haproxyRecommended, {
    upstream: '1.1',
    leaving: 'at once',
    halfClosed: 'leaving',
    buffersBodies: false,
    forwards: true,
    keepsConnections: true,
  })

  behaves(haproxyPlain, {
    upstream: '1.1',
    leaving: 'at the next writes',
    halfClosed: 'nothing',
    buffersBodies: false,
    forwards: false,
    keepsConnections: true,
  })
})
