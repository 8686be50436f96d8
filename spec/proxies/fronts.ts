import { certify } from './certificate.js'
import { printed, replaced } from './page.js'
import { type Kind, RunningProxy } from './proxy.js'
import { Http1, Http2, type Version, type Visitor } from './visitor.js'

/** A proxy with a configuration. */
export interface Front {
  readonly name: string
  readonly isSecure: boolean
  readonly versions: readonly Version[]
  /** @param changes of the configuration: what is to be another in a test, and what it is to be */
  start(upstream: number, changes?: Readonly<Record<string, string>>): Promise<RunningProxy>
}

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

const nginx: Kind = {
  program: 'nginx',
  given: (file, folder) => ['-p', folder, '-e', 'stderr', '-c', file],
}

const haproxy: Kind = {
  program: 'haproxy',
  given: (file) => ['-db', '-f', file],
}

/** What is around a server block: what Debian's nginx.conf says of answers, and nothing written elsewhere. */
function aroundServer(block: string, folder: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
daemon off;
master_process off;
pid ${folder}/pid;
events { worker_connections 768; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  sendfile on;
  tcp_nopush on;
  gzip on;
  ${block}
}`
}

const global = `
global
  log stderr format short local0
`

export const nginxRecommended: Front = {
  name: 'nginx, as recommended',
  isSecure: true,
  versions: ['HTTP/1.1', 'HTTP/2'],
  start: (upstream, changes = {}) =>
    new RunningProxy(nginx).start(({ folder, port }) => {
      const { certificate, key } = certify(folder)
      const block = replaced(printed('nginx')[0] ?? '', {
        'server 127.0.0.1:3000': `server 127.0.0.1:${upstream}`,
        'listen 443': `listen 127.0.0.1:${port}`,
        '/etc/ssl/example.org.pem': certificate,
        '/etc/ssl/example.org.key': key,
      })
      return replaced(aroundServer(block, folder), changes)
    }),
}

export const nginxPlain: Front = {
  name: 'nginx, with a proxy_pass alone',
  isSecure: false,
  versions: ['HTTP/1.1'],
  start: (upstream, changes = {}) =>
    new RunningProxy(nginx).start(({ folder, port }) => {
      const block = `
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${upstream};
    }
  }`
      return replaced(aroundServer(block, folder), changes)
    }),
}

export const haproxyRecommended: Front = {
  name: 'HAProxy, as recommended',
  isSecure: true,
  versions: ['HTTP/1.1', 'HTTP/2'],
  start: (upstream, changes = {}) =>
    new RunningProxy(haproxy).start(({ folder, port }) => {
      const { both } = certify(folder)
      const block = replaced(printed('haproxy')[0] ?? '', {
        'server app1 127.0.0.1:3000 check': `server app1 127.0.0.1:${upstream} check`,
        'server app1 127.0.0.1:3000 track': `server app1 127.0.0.1:${upstream} track`,
        'bind :443': `bind 127.0.0.1:${port}`,
        '/etc/haproxy/example.org.pem': both,
      })
      return global + replaced(block, changes)
    }),
}

export const haproxyPlain: Front = {
  name: "HAProxy, with Debian's defaults",
  isSecure: false,
  versions: ['HTTP/1.1'],
  start: (upstream, changes = {}) =>
    new RunningProxy(haproxy).start(({ port }) =>
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
