import { expect } from 'chai'
import { chooseCharset, chooseEncoding, chooseLanguage, chooseMediaType } from '../../lib/http/accept.js'
import { parseMediaType } from '../../lib/http/media-type.js'

/** One row: what is provided, what is asked for, and what is chosen; undefined for none. */
type Row = readonly [provided: readonly string[], asked: string | undefined, chosen: string | undefined]

type Choose = (asked: string | undefined, provided: readonly string[]) => string | undefined

const chosen = {
  type: (asked, provided) =>
    provided[
      chooseMediaType(
        asked,
        provided.map((type) => parseMediaType(type)!),
      )
    ],
  language: (asked, provided) => provided[chooseLanguage(asked, provided)],
  charset: (asked, provided) => provided[chooseCharset(asked, provided)],
  encoding: chooseEncoding,
} satisfies Record<string, Choose>

/** A rule, and the cases of it. */
function table(rule: string, choose: Choose, rows: readonly Row[]): void {
  it(rule, () => {
    for (const [provided, asked, expected] of rows) {
      expect(choose(asked, provided), `of ${provided.join(', ')}, '${asked}'`).to.equal(expected)
    }
  })
}

const both = ['text/html', 'application/json']

describe('Media type (RFC 9110 12.5.1)', () => {
  table('Header absent, */* or *: the first provided', chosen.type, [
    [both, undefined, 'text/html'],
    [both, '*/*', 'text/html'],
    [both, '*', 'text/html'],
  ])

  table('The highest q wins', chosen.type, [
    [both, 'text/html;q=0.1, application/json', 'application/json'],
    [both, 'application/json;q=0.9, text/html;q=0.8', 'application/json'],
    [both, 'text/html;q=0.001, application/json;q=0.002', 'application/json'],
    [both, 'text/html; q=0.1 , application/json ; q=0.2', 'application/json'],
    [both, 'text/html;Q=0.1, application/json;Q=0.2', 'application/json'],
    [both, 'APPLICATION/JSON', 'application/json'],
    [both, 'application/json', 'application/json'],
    [both, 'application/*', 'application/json'],
    [both, 'image/png', undefined],
    [both, 'image/*', undefined],
    [both, 'text/plain, image/*', undefined],
  ])

  table("Among equals the server's order (Cowboy lets the later entry win)", chosen.type, [
    [both, 'application/json, text/html', 'text/html'],
    [both, 'application/json;q=0.5, text/html;q=0.5', 'text/html'],
    [both, 'application/*, text/*', 'text/html'],
    [both, 'application/json, */*', 'text/html'],
    [both.toReversed(), 'text/html, application/json', 'application/json'],
  ])

  table('The most specific range that matches gives the q', chosen.type, [
    [both, 'text/html;q=0.1, */*;q=0.9', 'application/json'],
    [both, '*/*;q=0.9, text/html;q=0.1', 'application/json'],
    [both, 'text/*;q=0.1, */*', 'application/json'],
    [both, 'text/*;q=0.1, text/html, */*;q=0.5', 'text/html'],
    [['text/html', 'text/plain'], 'text/*, text/html;q=0.1', 'text/plain'],
    [['text/html;level=1', 'text/html'], 'text/html;level=1;q=0.1, text/html', 'text/html'],
    [['text/html', 'text/html;level=1'], 'text/html;q=0.1, text/html;level=1', 'text/html;level=1'],
  ])

  table('q=0 excludes', chosen.type, [
    [both, 'text/html;q=0, */*', 'application/json'],
    [both, 'text/*;q=0, */*', 'application/json'],
    [both, '*/*;q=0', undefined],
    [both, 'text/html;q=0.3, application/json;q=0.2, application/json;q=0.4', 'application/json'],
    [both, '*/*;q=0, application/json;q=0.1', 'application/json'],
    [['text/html'], 'text/html;q=0, text/*', undefined],
    [['text/html'], 'text/html;q=0.000', undefined],
  ])

  table('Parameters', chosen.type, [
    [['text/html;level=1'], 'text/html;level=1', 'text/html;level=1'],
    [['text/html;level=1'], 'text/html', 'text/html;level=1'],
    [['text/html;level=1'], 'text/*', 'text/html;level=1'],
    [['text/html;level=1'], '*/*', 'text/html;level=1'],
    [['text/html;level=1'], 'text/html; level="1"', 'text/html;level=1'],
    [['text/html;level=1'], 'text/html ;LEVEL=1', 'text/html;level=1'],
    [['text/html;level=1'], 'text/html;level=2', undefined],
    [['text/html;level=1'], 'text/html;level=1;version=2', undefined],
    [['text/html'], 'text/html;level=1', undefined],
    [['text/html'], 'text/*;level=1', undefined],
    [['text/html'], '*/*;level=1', undefined],
    [['text/html;level=1;a=b'], 'text/html;a=b', 'text/html;level=1;a=b'],
    [['text/html;level=1'], 'text/html;level=1;q=0.5;ext=1', 'text/html;level=1'],
    [['text/html;a="b,c;d"'], 'text/html;a="b,c;d"', 'text/html;a="b,c;d"'],
    [['text/html;a="b,c;d"'], 'text/html;a="b,c"', undefined],
  ])

  table('A charset that a text would have anyway counts as if it were not there', chosen.type, [
    [['text/html'], 'text/html;charset=utf-8', 'text/html'],
    [['text/html'], 'text/html;charset="UTF-8"', 'text/html'],
    [['text/html'], 'text/html;charset=iso-8859-1', undefined],
    [['text/html;charset=iso-8859-1'], 'text/html;charset=utf-8', undefined],
    [['image/png'], 'image/png;charset=utf-8', undefined],
    [['image/png', 'text/html'], 'text/*;charset=utf-8', 'text/html'],
    [['text/html'], 'text/html;charset=utf-8;level=1', undefined],
  ])

  table('A boundary in a range of multipart counts as if it were not there', chosen.type, [
    [['multipart/mixed'], 'multipart/mixed; boundary="graphql"', 'multipart/mixed'],
    [['multipart/mixed;boundary=a'], 'multipart/mixed;boundary=b', 'multipart/mixed;boundary=a'],
    [['text/html', 'multipart/mixed'], 'multipart/*;boundary=a, text/html;q=0.9', 'multipart/mixed'],
    [['multipart/mixed'], 'multipart/mixed;deferSpec=20220824', undefined],
    [['text/html'], 'text/html;boundary=a', undefined],
  ])

  table('charset=utf-8 counts as if it were not there on types that are UTF-8 by definition', chosen.type, [
    [['application/json'], 'application/json;charset=utf-8', 'application/json'],
    [['application/json'], 'application/json; charset="UTF-8"', 'application/json'],
    [['application/problem+json'], 'application/problem+json;charset=utf-8', 'application/problem+json'],
    [['application/x-ndjson'], 'application/x-ndjson;charset=utf-8', 'application/x-ndjson'],
    [['application/jsonl'], 'application/jsonl;charset=utf-8', 'application/jsonl'],
    [['application/json-seq'], 'application/json-seq;charset=utf-8', 'application/json-seq'],
    [['text/event-stream'], 'text/event-stream;charset=utf-8', 'text/event-stream'],
    [['application/json'], 'application/json;charset=iso-8859-1', undefined],
    [['application/json'], 'application/json;charset=utf-8;v=1', undefined],
    [['text/html;charset=utf-8'], 'text/html;charset=utf-8', 'text/html;charset=utf-8'],
    [['text/html;charset=utf-8'], 'text/html', 'text/html;charset=utf-8'],
  ])

  table('Members that do not parse are ignored; none left that parses is 406', chosen.type, [
    [both, 'garbage, application/json', 'application/json'],
    [both, '/, application/json', 'application/json'],
    [both, 'text/, application/json', 'application/json'],
    [both, '/html, application/json', 'application/json'],
    [both, '*/html, application/json', 'application/json'],
    [both, 'text/html;q=2, application/json;q=0.1', 'application/json'],
    [both, 'text/html;q=, application/json;q=0.1', 'application/json'],
    [both, 'text/html;q=-1, application/json;q=0.1', 'application/json'],
    [both, 'text/html;q=a, application/json;q=0.1', 'application/json'],
    [both, 'text/html;level, application/json;q=0.1', 'application/json'],
    [both, 'te xt/html, application/json;q=0.1', 'application/json'],
    [both, ',,, application/json;q=0.1,,', 'application/json'],
    [both, 'text/html;q=2', undefined],
    [both, 'garbage', undefined],
    [both, '', undefined],
    [both, ',', undefined],
    [both, ';;;', undefined],
    [both, '"', undefined],
    [both, 'text/html;a="b, application/json', undefined],
  ])
})

describe('Language (RFC 9110 12.5.4)', () => {
  table('The header absent, `*`, one name, several, and what fits none', chosen.language, [
    [['de', 'en'], undefined, 'de'],
    [['de', 'en'], '*', 'de'],
    [['de', 'en'], 'en', 'en'],
    [['de', 'en'], 'EN', 'en'],
    [['de', 'en'], 'en;q=0.5, de;q=0.4', 'en'],
    [['de', 'en'], 'en, de', 'de'],
    [['de', 'en'], 'fr', undefined],
    [['de', 'en'], 'fr, *;q=0.1', 'de'],
    [['de', 'en'], 'de;q=0, *', 'en'],
    [['de', 'en'], '*;q=0', undefined],
    [['de', 'en'], '*;q=0, en;q=0.1', 'en'],
    [['de', 'en'], 'garbage_, en', 'en'],
    [['de', 'en'], 'toolongatag, -, en;q=0.1', 'en'],
    [['de', 'en'], '12, ;', undefined],
    [['de', 'en'], '', undefined],
    [[], undefined, undefined],
    [[], '*', undefined],
  ])

  table('Ranges match by prefix at a hyphen, either way round', chosen.language, [
    [['en-GB'], 'en', 'en-GB'],
    [['en'], 'en-GB', 'en'],
    [['zh'], 'zh-Hant-TW', 'zh'],
    [['zh-Hant-TW'], 'zh', 'zh-Hant-TW'],
    [['zh-Hant-TW'], 'zh-Hant', 'zh-Hant-TW'],
    [['eng'], 'en', undefined],
    [['en'], 'eng', undefined],
    [['en-US'], 'en-GB', undefined],
    [['de', 'en-GB'], 'en', 'en-GB'],
  ])

  table('An exact match wins', chosen.language, [
    [['en-US', 'en-GB'], 'en, en-GB', 'en-GB'],
    [['en', 'en-GB'], 'en-GB', 'en-GB'],
    [['en-GB', 'en'], 'en', 'en'],
    [['en-GB', 'en'], 'en-GB;q=0.5, en;q=0.8', 'en'],
    [['en-GB', 'de'], 'en-GB;q=0, en', undefined],
    [['en'], 'en-GB;q=0, en', 'en'],
    [['en-GB', 'en-US'], 'en-GB;q=0.1, en', 'en-US'],
    [['en-GB-oed', 'en-US'], 'en;q=0.9, en-GB;q=0.1', 'en-US'],
    [['en', 'de'], 'en-US;q=0.3, en-GB;q=0.8, de;q=0.5', 'en'],
  ])
})

describe('Charset (RFC 9110 12.5.2)', () => {
  table('The header absent, `*`, one name, several, and what fits none', chosen.charset, [
    [['utf-8', 'iso-8859-1'], undefined, 'utf-8'],
    [['utf-8', 'iso-8859-1'], '*', 'utf-8'],
    [['utf-8', 'iso-8859-1'], 'iso-8859-1', 'iso-8859-1'],
    [['utf-8', 'iso-8859-1'], 'ISO-8859-1', 'iso-8859-1'],
    [['utf-8', 'iso-8859-1'], 'iso-8859-1, utf-8', 'utf-8'],
    [['utf-8', 'iso-8859-1'], 'iso-8859-1, utf-8;q=0.9', 'iso-8859-1'],
    [['utf-8', 'iso-8859-1'], 'utf-8;q=0.1, *;q=0.9', 'iso-8859-1'],
    [['utf-8', 'iso-8859-1'], 'utf-8;q=0, *', 'iso-8859-1'],
    [['utf-8', 'iso-8859-1'], '*;q=0', undefined],
    [['utf-8', 'iso-8859-1'], 'koi8-r', undefined],
    [['utf-8', 'iso-8859-1'], 'koi8-r, *;q=0.1', 'utf-8'],
    [['utf-8', 'iso-8859-1'], 'utf 8, iso-8859-1', 'iso-8859-1'],
    [['utf-8', 'iso-8859-1'], '@', undefined],
    [[], undefined, undefined],
    [[], '*', undefined],
  ])
})

describe('Encoding (RFC 9110 12.5.3)', () => {
  table('The header absent, `*`, one name, several, and what fits none', chosen.encoding, [
    [['gzip', 'br', 'deflate'], undefined, 'gzip'],
    [['gzip', 'br', 'deflate', 'identity'], undefined, 'identity'],
    [['gzip', 'br', 'deflate', 'identity'], '*', 'gzip'],
    [['gzip', 'br', 'deflate'], '*', 'gzip'],
    [['gzip', 'br', 'deflate'], 'gzip, deflate, br', 'gzip'],
    [['gzip', 'br', 'deflate'], 'br;q=1, gzip;q=0.5', 'br'],
    [['gzip', 'br', 'deflate'], 'BR', 'br'],
    [['gzip', 'br', 'deflate'], 'deflate', 'deflate'],
    [['gzip', 'br', 'deflate'], 'gzip;q=0, *', 'br'],
    [['gzip', 'br', 'deflate'], 'br;q=0.1, gzip;q=0.01', 'br'],
    [['identity', 'gzip'], undefined, 'identity'],
    [['identity', 'gzip'], 'gzip', 'gzip'],
    [['identity', 'gzip'], 'gzip, identity', 'identity'],
    [['identity', 'gzip'], 'gzip, *', 'identity'],
    [['gzip', 'identity'], 'identity, gzip', 'gzip'],
    [['gzip'], 'identity, gzip;q=0.5', 'identity'],
    [['gzip'], 'identity;q=0.5, gzip', 'gzip'],
  ])

  table('Nothing fits: identity', chosen.encoding, [
    [['gzip', 'br', 'deflate'], 'zstd', 'identity'],
    [['gzip', 'br', 'deflate'], '', 'identity'],
    [['gzip', 'br', 'deflate'], 'garbage@', 'identity'],
    [['gzip', 'br', 'deflate'], 'gzip;q=0, br;q=0, deflate;q=0', 'identity'],
    [['gzip', 'br', 'deflate'], 'identity', 'identity'],
    [['gzip', 'br', 'deflate'], 'zstd, identity;q=0.1', 'identity'],
  ])

  table('406 only when the client forbids that too', chosen.encoding, [
    [['gzip', 'br', 'deflate'], 'identity;q=0', undefined],
    [['gzip', 'br', 'deflate'], '*;q=0', undefined],
    [['gzip', 'br', 'deflate'], 'zstd, identity;q=0', undefined],
    [['gzip', 'br', 'deflate'], 'zstd, *;q=0', undefined],
    [['gzip', 'br', 'deflate'], '*;q=0, identity;q=0.1', 'identity'],
    [['gzip', 'br', 'deflate'], '*;q=0, gzip', 'gzip'],
    [['gzip', 'br', 'deflate'], 'identity;q=0, gzip;q=0.1', 'gzip'],
    [['identity'], 'identity;q=0', undefined],
    [['identity'], 'gzip, *;q=0', undefined],
    [['identity'], undefined, 'identity'],
  ])
})
