import { staysClean } from '../support/clean.js'
import { needs } from '../support/installed.js'
import { behaves } from './behaviour.js'
import { haproxyPlain, haproxyRecommended } from './fronts.js'

describe('HAProxy in front (docs/proxies.md)', () => {
  needs('haproxy')
  needs('openssl')
  staysClean()

  behaves(haproxyRecommended, {
    upstream: '1.1',
    leaving: 'at once',
    halfClosed: 'leaving',
    cut: { 'HTTP/1.1': 'cut', 'HTTP/2': 'complete' },
    buffersBodies: false,
    forwards: true,
    keepsConnections: true,
  })

  behaves(haproxyPlain, {
    upstream: '1.1',
    leaving: 'at the next writes',
    halfClosed: 'nothing',
    cut: { 'HTTP/1.1': 'cut' },
    buffersBodies: false,
    forwards: false,
    keepsConnections: true,
  })
})
