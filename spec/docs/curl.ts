import { request } from 'node:http'
import { expect } from 'chai'

/** As much of curl as the documentation shows. */
interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string | undefined
  readonly withHead: boolean
}

/**
 * Runs a curl command against a port and compares what it prints with what a page shows: `…` stands for
 * anything, `␞` for RS, and of the head (`-i`) only the lines that are shown have to be there.
 */
export function ask(command: string, port: number, shown: string): Promise<void> {
  const { method, path, headers, body, withHead } = parse(command)
  const [head, content] = withHead ? halves(shown) : ['', shown]
  const pattern = patternOf(content)
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', method, path, headers, agent: false })
    let printed = ''
    const done = (error?: unknown) => {
      asked.destroy()
      if (error) reject(error)
      else resolve()
    }
    const late = setTimeout(() => compare(), 20_000)
    const compare = () => {
      clearTimeout(late)
      try {
        if (!pattern.test(printed)) expect(printed).to.equal(content, command)
        done()
      } catch (error) {
        done(error)
      }
    }
    asked.on('error', (error) => done(error))
    asked.on('response', (response) => {
      const lines = [`HTTP/1.1 ${response.statusCode} ${response.statusMessage}`]
      for (let i = 0; i < response.rawHeaders.length; i += 2) {
        lines.push(`${response.rawHeaders[i]}: ${response.rawHeaders[i + 1]}`)
      }
      for (const line of head.split('\n').filter(Boolean)) {
        if (!lines.some((each) => patternOf(line).test(each))) {
          return done(new Error(`${command}: no "${line}" in\n${lines.join('\n')}`))
        }
      }
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        printed += chunk.replaceAll('\r\n', '\n').replaceAll('\x1e', '␞')
        if (content.trimEnd().endsWith('…') && pattern.test(printed)) compare()
      })
      response.on('error', () => {
        printed += 'curl: (18) transfer closed with outstanding read data remaining\n'
        compare()
      })
      response.on('end', compare)
    })
    asked.end(body)
  })
}

function parse(command: string): Asked {
  const [name, ...words] = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare!,
  )
  expect(name).to.equal('curl')
  const asked = {
    method: '',
    path: '',
    headers: {} as Record<string, string>,
    body: undefined as string | undefined,
    withHead: false,
  }
  while (words.length > 0) {
    const word = words.shift()!
    if (word === '-N') continue
    if (word === '-i') asked.withHead = true
    else if (word === '-I') Object.assign(asked, { withHead: true, method: 'HEAD' })
    else if (word === '-X') asked.method = words.shift()!
    else if (word === '-d') asked.body = words.shift()!
    else if (word === '-H') {
      const [, header, value] = /^([^:]+):\s*(.*)$/.exec(words.shift()!)!
      asked.headers[header!] = value!
    } else if (word.startsWith('localhost:3000')) asked.path = word.slice('localhost:3000'.length)
    else throw new Error(`${command}: what is ${word}?`)
  }
  if (asked.body !== undefined) asked.headers['Content-Type'] ??= 'application/x-www-form-urlencoded'
  asked.method ||= asked.body === undefined ? 'GET' : 'POST'
  return asked
}

/** Where only a head is shown, the content is anything. */
function halves(shown: string): [head: string, content: string] {
  const at = shown.indexOf('\n\n')
  return at < 0 ? [shown, '…'] : [shown.slice(0, at), shown.slice(at + 2)]
}

/** What is shown, as a pattern of what is printed; a page ends a line that the wire does not. */
function patternOf(shown: string): RegExp {
  const parts = shown
    .trimEnd()
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('[^]*?')}\\s*$`)
}
