import { certificate } from '../support/certificate.js'
import { printed, replaced } from './page.js'
import { type Kind, RunningProxy } from './proxy.js'
import { haproxyCutOverHttp2, isNginxFrom } from './versions.js'
import { type Ending, Http1, Http2, type Version, type Visitor } from './visitor.js'

/** A proxy with a configuration. */
export interface Front {
  readonly name: string
  readonly isSecure: boolean
  readonly versions: readonly Version[]
  /** How a client may see the end of a stream that was cut. */
  readonly cut: Readonly<Partial<Record<Version, readonly Ending[]>>>
  /** @param changes of the configuration: what is to be another in a test, and what it is to be */
  start(upstream: number, changes?: Readonly<Record<string, string>>): Promise<RunningProxy>
}

/** How long a suite may take that starts proxies, and waits for times of theirs: many times what it takes. */
export const patience = 60_000

/** A client of a front. */
export function visitorOf(
  { isSecure }: Front,
  { port }: RunningProxy,
  version: Version,
  from?: string,
): Visitor {
  const how = { isSecure, ...(from && { from }) }
  return version === 'HTTP/2' ? new Http2(port, how) : new Http1(port, how)
}

// each runs in its own folder, and all files are named from there: what is before it may have spaces

const nginx: Kind = {
  program: 'nginx',
  given: (file) => ['-p', '.', '-e', 'stderr', '-c', file],
}

const haproxy: Kind = {
  program: 'haproxy',
  given: (file) => ['-db', '-f', file],
}

/** The certificate, and its key. */
const pem = 'example.org.pem'

// What a client does not take waits in sockets, whose size the system would choose: some MiB, or some dozens.
const smallBuffer = 2 ** 17

/** What is around a server block: what Debian's nginx.conf says of answers, and nothing written elsewhere. */
function aroundServer(block: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
daemon off;
master_process off;
pid pid;
events { worker_connections 768; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${name};`).join('\n  ')}
  sendfile on;
  tcp_nopush on;
  gzip on;
  ${block}
}`
}

const global = `
global
  log stderr format short local0
  tune.sndbuf.client ${smallBuffer}
`

/** The server block of the page, with what the page says to write instead in newer versions. */
function nginxBlock(): string {
  const [block = '', newer = ''] = printed('nginx')
  return isNginxFrom(1, 25, 1) ? replaced(block, { '    listen 443 ssl http2;\n': newer }) : block
}

/** What was the default before 1.29.7: what the page says of a plain proxy_pass. */
const oldDefaults = () =>
  isNginxFrom(1, 29, 7) ? 'proxy_http_version 1.0; proxy_set_header Connection close;' : ''

export const nginxRecommended: Front = {
  name: 'nginx, as recommended',
  isSecure: true,
  versions: ['HTTP/1.1', 'HTTP/2'],
  cut: { 'HTTP/1.1': ['cut'], 'HTTP/2': ['cut'] },
  start: (upstream, changes = {}) =>
    new RunningProxy(nginx, { [pem]: certificate() }).start((port) => {
      const block = replaced(nginxBlock(), {
        'server 127.0.0.1:3000': `server 127.0.0.1:${upstream}`,
        'listen 443': `listen 127.0.0.1:${port} sndbuf=${smallBuffer}`,
        '/etc/ssl/example.org.pem': pem,
        '/etc/ssl/example.org.key': pem,
      })
      return replaced(aroundServer(block), changes)
    }),
}

export const nginxPlain: Front = {
  name: 'nginx, with a proxy_pass alone',
  isSecure: false,
  versions: ['HTTP/1.1'],
  cut: { 'HTTP/1.1': ['cut'] },
  start: (upstream, changes = {}) =>
    new RunningProxy(nginx).start((port) => {
      const block = `
  server {
    listen 127.0.0.1:${port} sndbuf=${smallBuffer};
    location / {
      ${oldDefaults()}
      proxy_pass http://127.0.0.1:${upstream};
    }
  }`
      return replaced(aroundServer(block), changes)
    }),
}

export const haproxyRecommended: Front = {
  name: 'HAProxy, as recommended',
  isSecure: true,
  versions: ['HTTP/1.1', 'HTTP/2'],
  cut: { 'HTTP/1.1': ['cut'], 'HTTP/2': haproxyCutOverHttp2() },
  start: (upstream, changes = {}) =>
    new RunningProxy(haproxy, { [pem]: certificate() }).start((port) => {
      const block = replaced(printed('haproxy')[0] ?? '', {
        'server app1 127.0.0.1:3000 check': `server app1 127.0.0.1:${upstream} check`,
        'server app1 127.0.0.1:3000 track': `server app1 127.0.0.1:${upstream} track`,
        'bind :443': `bind 127.0.0.1:${port}`,
        '/etc/haproxy/example.org.pem': pem,
      })
      return replaced(global + block, changes)
    }),
}

export const haproxyPlain: Front = {
  name: "HAProxy, with Debian's defaults",
  isSecure: false,
  versions: ['HTTP/1.1'],
  cut: { 'HTTP/1.1': ['cut'] },
  start: (upstream, changes = {}) =>
    new RunningProxy(haproxy).start((port) =>
      replaced(
        `${global}
defaults
  log global
  mode http
  option httplog
  option dontlognull
  timeout connect 5000
  timeout client 50000
  timeout server 50000
frontend web
  bind 127.0.0.1:${port}
  default_backend app
backend app
  server app1 127.0.0.1:${upstream}
`,
        changes,
      ),
    ),
}
