/** A request, and what it is answered with. */
export interface Case {
  readonly status: number
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
}

export const book = {
  isbn: '9780261103573',
  title: 'The Fellowship of the Ring',
  author: 'Tolkien',
  year: 1954,
}
export const etag = '"1954-3"'

export const cases: readonly Case[] = [
  { status: 200, method: 'GET', headers: {} },
  { status: 304, method: 'GET', headers: { 'If-None-Match': etag } },
  { status: 405, method: 'DELETE', headers: {} },
  { status: 406, method: 'GET', headers: { Accept: 'application/xml, text/html;q=0.9' } },
]

/** Whatever a client of an API sends. */
export const usual = {
  Accept: 'application/json, text/plain;q=0.9, */*;q=0.8',
  'Accept-Encoding': 'gzip, deflate, br',
  'User-Agent': 'bench/1.0',
}

export const problems = {
  405: {
    type: 'about:blank',
    title: 'Method Not Allowed',
    status: 405,
    detail: 'The method DELETE is not allowed here.',
    offered: ['GET', 'HEAD', 'OPTIONS'],
  },
  406: {
    type: 'about:blank',
    title: 'Not Acceptable',
    status: 406,
    detail: 'None of the media types that are provided is acceptable to the client.',
    offered: ['application/json; charset=utf-8'],
  },
}
