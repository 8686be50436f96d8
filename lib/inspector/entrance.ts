// Decides who may look, and what other sites may do: by default the requests of this machine alone, and never those that a
// browser makes for another site.
import type { Context, InitContext, Request } from '../declare/context.js'
import type { Awaitable } from '../promise.js'
import { isPromise } from '../promise.js'
import { type Stop, stop } from '../values/stop.js'
import type { InspectorOptions } from './options.js'
import { cut } from './text.js'

type Answer = true | string | readonly string[] | Stop

/** Helmet's would let more pass, and stop what the page needs. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const fields = {
  'Content-Security-Policy': policy,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

/** The field that a page of another origin cannot send unless it is allowed to. */
const marker = 'lariat-inspector'

/**
 * The callback `init`: puts the inspector's own fields in the place of the app's: a policy, and no leave for other sites.
 *
 * @param cache data is not stored; the files of the page are, and asked for again by their entity tags
 */
export function furnish(cache: 'no-store' | 'no-cache'): (context: InitContext) => undefined {
  return ({ res }) => {
    for (const name of res.getHeaderNames()) {
      if (name.startsWith('access-control-') || name === 'content-security-policy-report-only')
        res.removeHeader(name)
    }
    for (const [name, value] of Object.entries(fields)) res.setHeader(name, value)
    res.setHeader('Cache-Control', cache)
  }
}

/** The callback `isAuthorized` of all of the inspector's resources. */
export function entrance(isAuthorized: InspectorOptions['isAuthorized']) {
  if (!isAuthorized) return ({ req }: Context<undefined>): Answer => local(req)
  return (context: Context<undefined>): Awaitable<Answer> => {
    const answer = isAuthorized(context)
    return isPromise(answer)
      ? Promise.resolve(answer as PromiseLike<boolean | Answer>).then(answerOf)
      : answerOf(answer)
  }
}

function answerOf(answer: boolean | Answer): Answer {
  return answer === false ? stop(403, { detail: 'You may not look at this.' }) : answer
}

/** Whether a request comes from this machine, and through no proxy; a name of another may lead here too. */
function local(req: Request): Answer {
  const refuse = (why: string) =>
    stop(403, { detail: `${why}. Without \`isAuthorized\` the inspector answers this machine alone.` })
  const { remoteAddress } = req.socket
  if (!/^(?:::1|(?:::ffff:)?127(?:\.\d{1,3}){3})$/.test(remoteAddress ?? ''))
    return refuse(`The request comes from ${remoteAddress ?? 'a socket without an address'}`)
  const through = Object.keys(req.headers).find((name) =>
    /^(?:forwarded|via|x-real-ip|x-forwarded-.*)$/.test(name),
  )
  if (through !== undefined)
    return refuse(`The request came through a proxy, which has added ${cut(through, 60)}`)
  // a proxy may add nothing and send its own Host, as nginx does where nothing is said
  if (req.httpVersion === '1.0')
    return refuse('The request came through a proxy: it is of HTTP/1.0, which no browser speaks')
  const host = hostOf(req)
  if (!/^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i.test(host))
    return refuse(`The request is for the host ${JSON.stringify(cut(host, 60))}, not for localhost`)
  return true
}

function hostOf({ headers }: Request): string {
  const authority: unknown = headers[':authority']
  return headers.host ?? (typeof authority === 'string' ? authority : '')
}

/** The callback `forbidden` of what is data: an app may let other sites read its answers, and a browser sends its cookies. */
export function isForOthers({ req }: Context<undefined>): false | Stop {
  const site = req.headers['sec-fetch-site']
  if (site === undefined || site === 'same-origin' || site === 'none') return false
  return stop(403, { detail: 'A page of another origin may not read this.' })
}

/** The callback `forbidden` of what changes something. */
export function isFromElsewhere(context: Context<undefined>): false | Stop {
  const { req } = context
  const site = req.headers['sec-fetch-site']
  const { origin } = req.headers
  const isSame = site === undefined ? origin !== undefined && isOwn(origin, req) : site === 'same-origin'
  if (!isSame) return stop(403, { detail: 'An action is taken from a page of the same origin.' })
  return req.headers[marker] === '1'
    ? false
    : stop(403, { detail: 'An action has the field Lariat-Inspector: 1.' })
}

/** Whether an Origin is that of the request: behind a proxy that the app trusts, of the request that this one got. */
function isOwn(origin: string, req: Request): boolean {
  const hosts = [hostOf(req)]
  const isTrusted = req.app?.get('trust proxy fn') as ((address: string, hop: number) => boolean) | undefined
  const [forwarded] = String(req.headers['x-forwarded-host'] ?? '').split(',')
  if (forwarded && isTrusted?.(req.socket.remoteAddress ?? '', 0)) hosts.push(forwarded.trim())
  return hosts.some((host) => host !== '' && /^https?:\/\/([^/]+)$/.exec(origin)?.[1] === host.toLowerCase())
}
