import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathOf } from '../support/installed.js'

/** A certificate for 127.0.0.1, that signs itself: in one file with its key, as HAProxy wants it. */
export interface Certificate {
  readonly certificate: string
  readonly key: string
  readonly both: string
}

export function certify(folder: string): Certificate {
  const certificate = join(folder, 'certificate.pem')
  const key = join(folder, 'key.pem')
  const both = join(folder, 'both.pem')
  const forAddress = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync(
    pathOf('openssl')!,
    ['req', '-x509', ...curve, ...forAddress, '-keyout', key, '-out', certificate],
    { stdio: 'ignore' },
  )
  writeFileSync(both, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'))
  return { certificate, key, both }
}
