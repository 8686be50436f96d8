/** What an answer is read by: the method and version of its request. */
export interface Question {
  readonly method: string
  readonly version: string
}

/** A response, read by the letter of RFC 9112. */
export interface Answer {
  readonly status: number
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** All values of a field. */
  all(name: string): readonly string[]
  readonly body: Buffer
  /** How the end of the body is told. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
  readonly isWhole: boolean
  /** The server says that nothing comes after it. */
  readonly isLast: boolean
}

/** Bytes that no server may send. */
class Malformed extends Error {}

const statusLine = /^HTTP\/1\.1 ([1-5]\d\d) [\t\x20-\x7e\x80-\xff]*$/
const fieldLine = /^([!#$%&'*+.^_`|~\w-]+): ?([\t\x20-\x7e\x80-\xff]*)$/
/** Fields that several values have no meaning for. */
const single = [
  'content-length',
  'content-type',
  'content-encoding',
  'content-range',
  'transfer-encoding',
  'location',
  'etag',
  'last-modified',
  'retry-after',
  'expires',
  'allow',
]

/** All responses that bytes are; those of 1xx are left out. An answer without a question is read as one to a GET. */
export function readAnswers(bytes: Buffer, questions: readonly Question[]): readonly Answer[] {
  const answers: Answer[] = []
  for (let rest = bytes; rest.length > 0; ) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) throw new Malformed(`A head has no end: ${show(rest)}`)
    const [status, fields] = readHead(rest.subarray(0, end).toString('latin1'))
    const after = rest.subarray(end + 4)
    if (status < 200) {
      rest = after
      continue
    }
    const question = questions[answers.length] ?? { method: 'GET', version: '1.1' }
    const [answer, size] = readBody(status, fields, after, question)
    answers.push(answer)
    rest = after.subarray(size)
  }
  return answers
}

function show(bytes: Buffer): string {
  return JSON.stringify(bytes.subarray(0, 200).toString('latin1'))
}

type Fields = Answer['fields']

function readHead(head: string): [status: number, fields: Fields] {
  const [first = '', ...lines] = head.split('\r\n')
  const status = statusLine.exec(first)?.[1]
  if (status === undefined) throw new Malformed(`No status line: ${JSON.stringify(first)}`)
  const fields = lines.map((line) => {
    const [, name, value] = fieldLine.exec(line) ?? []
    if (name === undefined || value === undefined)
      throw new Malformed(`No field line: ${JSON.stringify(line)}`)
    return [name.toLowerCase(), value] as const
  })
  for (const name of single) {
    if (fields.filter(([each]) => each === name).length > 1) throw new Malformed(`${name} is there twice`)
  }
  return [Number(status), fields]
}

function readBody(
  status: number,
  fields: Fields,
  bytes: Buffer,
  { method, version }: Question,
): [answer: Answer, size: number] {
  const all = (name: string) => fields.filter(([each]) => each === name).map(([, value]) => value)
  const isLast = all('connection').some((value) => /\bclose\b/i.test(value))
  const made = (framing: Answer['framing'], body: Buffer, isWhole: boolean, size = body.length) =>
    [{ status, fields, all, body, framing, isWhole, isLast: isLast || framing === 'close' }, size] as [
      Answer,
      number,
    ]
  const [length, ...lengths] = all('content-length')
  const [coding] = all('transfer-encoding')
  if (lengths.length > 0 || (length !== undefined && !/^\d+$/.test(length)))
    throw new Malformed(`Content-Length: ${length}`)
  if (coding !== undefined && length !== undefined)
    throw new Malformed('A response has a length, and is chunked')
  if (coding !== undefined && coding !== 'chunked') throw new Malformed(`Transfer-Encoding: ${coding}`)
  if (coding !== undefined && version === '1.0') throw new Malformed('HTTP/1.0 gets no chunks')
  if (method === 'HEAD' || status === 204 || status === 304) return made('none', bytes.subarray(0, 0), true)
  if (coding !== undefined) {
    const { body, size, isWhole } = readChunks(bytes)
    return made('chunked', body, isWhole, size)
  }
  if (length === undefined) return made('close', bytes, true)
  const body = bytes.subarray(0, Number(length))
  return made('length', body, body.length === Number(length))
}

function readChunks(bytes: Buffer): { body: Buffer; size: number; isWhole: boolean } {
  const parts: Buffer[] = []
  const cut = () => ({ body: Buffer.concat(parts), size: bytes.length, isWhole: false })
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at)
    if (line < 0) return cut()
    const digits = bytes.subarray(at, line).toString('latin1')
    if (!/^[0-9a-f]+$/.test(digits)) throw new Malformed(`No chunk size: ${JSON.stringify(digits)}`)
    const size = Number.parseInt(digits, 16)
    const end = line + 2 + size
    if (bytes.length < end + 2) return cut()
    if (bytes.subarray(end, end + 2).toString('latin1') !== '\r\n')
      throw new Malformed('A chunk does not end where it says')
    if (size === 0) return { body: Buffer.concat(parts), size: end + 2, isWhole: true }
    parts.push(bytes.subarray(line + 2, end))
    at = end + 2
  }
}
