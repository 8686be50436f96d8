import { execFileSync, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { pathOf } from '../support/installed.js'
import { Answer, type Ask, type Head, type Reader } from './reader.js'

/** curl, with more options where they are given; what it is told to send as a body comes by its standard input. */
export function curl(url: string, { method, headers = {}, body }: Ask = {}, options: string[] = []): Answer {
  const given = [
    ...['-sSN', '-i'],
    // with -X HEAD it would wait for a body
    ...(method === 'HEAD' ? ['-I'] : method ? ['-X', method] : []),
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    ...(body === undefined ? [] : ['-d', '@-']),
    ...options,
  ]
  return run(pathOf('curl')!, [...given, url], body)
}

/** Python's urllib, which may sleep so many seconds after each piece. */
export function urllib(url: string, ask: Ask & { sleep?: number } = {}): Answer {
  const script = fileURLToPath(new URL('read.py', import.meta.url))
  return run(python(), ['-IS', script, JSON.stringify({ url, ...ask })])
}

let interpreter: string | undefined

/** Python itself, where what is on the path only looks for it, each time. */
export function python(): string {
  interpreter ??= execFileSync(pathOf('python3')!, ['-c', 'import sys; print(sys.executable)'])
    .toString()
    .trim()
  return interpreter
}

/** A program that prints the head of an answer, then its body as it comes, and says by its exit code how it went. */
function run(program: string, given: readonly string[], input = ''): Answer {
  const child = spawn(program, given, { stdio: 'pipe' })
  const answer = new Answer((signal = 'SIGTERM') => child.kill(signal))
  let printed = ''
  let isBody = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (isBody) return answer.take(text)
    printed += text
    for (let end = endOfHead(printed); end; end = endOfHead(printed)) {
      const head = headOf(printed.slice(0, end.index))
      printed = printed.slice(end.index + end[0].length)
      // "100 Continue" is not the answer yet, nor is a redirect that is followed
      if (head.status < 200 || printed.startsWith('HTTP/')) continue
      answer.begin(head)
      isBody = true
      if (printed !== '') answer.take(printed)
      return
    }
  })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  // a program that has heard enough does not read on
  child.stdin.on('error', () => {}).end(input)
  child.on('error', (error) => answer.end({ error: String(error) }))
  child.on('close', (code, signal) =>
    answer.end(code === 0 ? 'whole' : { error: `${code ?? signal}: ${complaint.trim()}` }),
  )
  return answer
}

const endOfHead = (text: string) => /\r?\n\r?\n/.exec(text)

function headOf(text: string): Head {
  const [first = '', ...lines] = text.split(/\r?\n/)
  const fields = lines.map((line) => line.split(/:\s*(.*)/, 2) as [string, string])
  return {
    status: Number(first.split(' ')[1]),
    headers: Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value])),
  }
}

export const programs: readonly Reader[] = [
  {
    name: 'curl',
    follows: false,
    needs: 'curl',
    accept: '*/*',
    sees: { cut: /^18: /, reset: /^56: / },
    read: (url, ask) => curl(url, ask),
  },
  {
    name: "Python's urllib",
    follows: true,
    needs: 'python3',
    accept: undefined,
    sees: { cut: /IncompleteRead/, reset: /ConnectionResetError/ },
    read: urllib,
  },
]
