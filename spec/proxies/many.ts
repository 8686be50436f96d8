/**
 * Many streams at once through each proxy of docs/operate/proxies.md, over each version of HTTP: all are opened, get an event,
 * and are noticed as gone.
 *
 *     npx tsx spec/proxies/many.ts
 *     npx tsx spec/proxies/many.ts 500
 *
 * Fails if one is not, or if it takes more than two minutes in all.
 */
import { pathOf } from '../support/installed.js'
import { type Front, haproxyRecommended, nginxRecommended, visitorOf } from './fronts.js'
import { Origin } from './origin.js'
import type { Version, Visit, Visitor } from './visitor.js'

const streams = Number(process.argv[2] ?? 3000)
/** What both proxies let on one connection of HTTP/2. */
const perConnection = 100
/** Handshakes that are waited for at once. */
const atOnce = 100

const fronts = [
  {
    program: 'nginx',
    front: nginxRecommended,
    changes: {
      'events { worker_connections 768; }':
        'events { worker_connections 20000; }\nworker_rlimit_nofile 40000;',
    },
  },
  { program: 'haproxy', front: haproxyRecommended, changes: {} },
] as const

const tooLate = setTimeout(() => {
  console.error('Not done after two minutes')
  process.exit(1)
}, 120_000)
for (const { program, front, changes } of fronts) {
  const missing = ([program, 'openssl'] as const).find((name) => !pathOf(name))
  if (missing) console.log(`${front.name}: ${missing} is not installed`)
  else for (const version of front.versions) console.log(await through(front, changes, version))
}
clearTimeout(tooLate)

async function through(front: Front, changes: Readonly<Record<string, string>>, version: Version) {
  const origin = await new Origin().open()
  const proxy = await front.start(origin.port, changes)
  const visitors: Visitor[] = []
  const visits: Visit[] = []
  const all = (run: (visit: Visit) => Promise<unknown>) => Promise.all(visits.map(run))
  try {
    const held = origin.hold()
    const began = performance.now()
    while (visits.length < streams) {
      const more = Math.min(atOnce, streams - visits.length)
      for (let n = 0; n < more; n++) {
        if (visits.length % perConnection === 0) visitors.push(visitorOf(front, proxy, version))
        visits.push(visitors.at(-1)!.visit('/'))
      }
      await Promise.all(visits.slice(-more).map((visit) => visit.until(':\n')))
    }
    const opened = performance.now()
    for (const { send } of held.contexts) send('on')
    await all((visit) => visit.until('data: on\n\n'))
    for (const visit of visits) visit.leave()
    await held.log.until('disconnect', streams)
    const seconds = [opened - began, performance.now() - opened].map((time) => (time / 1000).toFixed(1))
    return `${front.name}, ${version}: ${streams} streams opened in ${seconds[0]} s; an event to all, and all gone in ${seconds[1]} s`
  } finally {
    for (const each of visitors) each.close()
    await proxy.close()
    await origin.close()
  }
}
