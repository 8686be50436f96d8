/** What is put one after the other until it is long, by what it is made for. */
export const shapes = {
  any: ['a', ',', ', ', ';', '=', '"', '"\\', '   ', '\t,', '\\', '-', '*', '/', 'W/', 'a,b;c="d",', '\xe9'],
  accept: [
    '*/*,',
    'text/plain;q=0.5,',
    'a/b;c="d,e";',
    'a/b;c="',
    'text/plain;a=b',
    ';q=1',
    'text/html;level=1;q=0.1, ',
    'a/b;c=d;',
  ],
  'accept-language': ['en-', 'en-a,', 'de-CH-1996;q=0.1,', 'a-', '*;q=0,'],
  'accept-charset': ['utf-8;q=0.1,', '*,'],
  'accept-encoding': ['gzip;q=0,', 'identity;q=1,', '*,'],
  'if-match': ['"a",', 'W/"a" ,', ' , ', '"b" ', '"\xff",'],
  'if-none-match': ['"b",', 'W/"b",', '\t\t,', 'W/"b" '],
  'if-modified-since': ['Thu, 01 Jan 1970 00:00:00 GMT'],
  'if-range': ['"a"', 'Thu, '],
  range: ['0-0,', ' 0-', '-1,', 'bytes=', '1-,', '99999999999999999999'],
  'content-type': ['text/plain;', 'a/b;c="\\"', ';charset=utf-8', 'application/json;a="b";'],
  'content-encoding': ['gzip,', 'identity '],
  'last-event-id': ['\xe9', 'a-1'],
  cookie: ['a=b; ', 'a=', ';'],
} as const
export type Header = Exclude<keyof typeof shapes, 'any'>

/** What a value begins with, so that it is read at all. */
export const beginnings: Partial<Record<Header, string>> = { range: 'bytes=', 'content-type': 'text/plain' }
/** What else makes the header be asked for. */
export const beside: Partial<Record<Header, Record<string, string>>> = {
  'if-range': { range: 'bytes=0-1', 'accept-encoding': 'identity' },
  range: { 'accept-encoding': 'identity' },
  'last-event-id': { accept: 'text/event-stream' },
}
