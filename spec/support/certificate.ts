import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathOf } from './installed.js'

let made: string | undefined

/** A certificate for 127.0.0.1 that signs itself, and its key, as PEM: one for all specs. Suites say `needs('openssl')`. */
export function certificate(): string {
  made ??= make()
  return made
}

function make(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lariat-certificate-'))
  const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) => join(folder, name)) as [
    string,
    string,
  ]
  const forAddress = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const given = ['req', '-x509', ...curve, ...forAddress, '-keyout', key, '-out', certificate]
  try {
    execFileSync(pathOf('openssl')!, given, { stdio: 'ignore' })
    return readFileSync(key, 'utf8') + readFileSync(certificate, 'utf8')
  } finally {
    rmSync(folder, { recursive: true })
  }
}
