import { expect } from 'chai'
import { chooseCharset, chooseEncoding, chooseLanguage, chooseMediaType } from '../../lib/http/accept.js'
import { parseMediaType } from '../../lib/http/media-type.js'
import { cases } from '../support/cases.js'

const media = (...names: readonly string[]) => names.map((name) => parseMediaType(name)!)
const chosenType = (accept: string | undefined, ...names: readonly string[]) =>
  names[chooseMediaType(accept, media(...names))]
const chosenLanguage = (accept: string | undefined, ...names: readonly string[]) =>
  names[chooseLanguage(accept, names)]
const chosenCharset = (accept: string | undefined, ...names: readonly string[]) =>
  names[chooseCharset(accept, names)]

describe('Accept and its like, rule by rule (RFC 9110 12.5)', () => {
  it('Absent, the first that is provided; without a member, none', () => {
    expect(chosenType(undefined, 'a/b', 'c/d')).to.equal('a/b')
    expect(chosenLanguage(undefined, 'en', 'de')).to.equal('en')
    expect(chosenCharset(undefined, 'utf-8', 'x')).to.equal('utf-8')
    expect(chooseEncoding(undefined, ['gzip', 'br'])).to.equal('gzip')
    for (const empty of ['', ' ', ',', ' ,\t, ']) {
      expect(chosenType(empty, 'a/b')).to.equal(undefined)
      expect(chosenLanguage(empty, 'en')).to.equal(undefined)
      expect(chosenCharset(empty, 'utf-8')).to.equal(undefined)
      expect(chooseEncoding(empty, ['gzip'])).to.equal('identity')
    }
  })

  it('Among equals the server’s order decides, whatever the client’s', () => {
    for (const field of ['*/*', '*', 'a/b, c/d', 'c/d, a/b', 'a/*;q=0.5, c/d;q=0.5', 'c/d, */*']) {
      expect(chosenType(field, 'a/b', 'c/d'), field).to.equal('a/b')
      expect(chosenType(field, 'c/d', 'a/b'), field).to.equal('c/d')
    }
  })

  it('The most specific range says how much a type is wanted', () => {
    expect(chosenType('text/html;q=0.1, */*;q=0.9', 'text/html', 'a/b')).to.equal('a/b')
    expect(chosenType('text/*;q=0.9, text/html;q=0.1, */*;q=0.5', 'text/html', 'a/b')).to.equal('a/b')
    expect(chosenType('text/html;q=0.9, text/html;level=1;q=0.1', 'text/html;level=1', 'text/html')).to.equal(
      'text/html',
    )
    expect(chosenType('*/*, text/html;q=0', 'text/html')).to.equal(undefined)
  })

  it('Parameters of a range have to be there; a charset of what is UTF-8 anyway need not', () => {
    expect(chosenType('text/html;level=1', 'text/html')).to.equal(undefined)
    expect(chosenType('text/html;LEVEL="1"', 'text/html;level=1')).to.equal('text/html;level=1')
    expect(chosenType('text/html', 'text/html;level=1')).to.equal('text/html;level=1')
    expect(chosenType('application/json;charset=utf-8', 'application/json')).to.equal('application/json')
    expect(chosenType('text/event-stream;charset="UTF-8"', 'text/event-stream')).to.equal('text/event-stream')
    expect(chosenType('application/json;charset=latin1', 'application/json')).to.equal(undefined)
  })

  it('A comma or semicolon in a quoted value parts nothing', () => {
    expect(chosenType('a/b;c="d,e;q=0"', 'a/b;c="d,e;q=0"')).to.equal('a/b;c="d,e;q=0"')
    expect(chosenType('a/b;c="\\"", c/d;q=0.1', 'c/d')).to.equal('c/d')
  })

  describe('Weights', () => {
    cases(
      'A weight is from 0 to 1, of three decimals',
      ['1', '1.', '1.0', '1.000', '0.001', '.2', '0.5'],
      (weight) => `${weight} is one`,
      (weight) => {
        expect(chosenType(`a/b;q=${weight}`, 'a/b')).to.equal('a/b')
      },
    )
    cases(
      'A weight of 0, however it is written, excludes',
      ['0', '0.', '0.0', '0.000', '.0'],
      (weight) => `${weight} excludes`,
      (weight) => {
        expect(chosenType(`a/b;q=${weight}, */*`, 'a/b')).to.equal(undefined)
        expect(chosenLanguage(`en;q=${weight}, *`, 'en')).to.equal(undefined)
        expect(chosenCharset(`utf-8;q=${weight}, *`, 'utf-8')).to.equal(undefined)
        expect(chooseEncoding(`gzip;q=${weight}, *`, ['gzip'])).to.equal('identity')
      },
    )
    cases(
      'A member whose weight is none is ignored',
      ['', '.', '-1', '1.001', '2', '1e0', 'x', '0x1', 'NaN', '"1"', '0,5'],
      (weight) => `${JSON.stringify(weight)} is none: the member is ignored`,
      (weight) => {
        expect(chosenType(`a/b;q=${weight}`, 'a/b')).to.equal(undefined)
        expect(chosenType(`a/b;q=${weight}, c/d;q=0.1`, 'a/b', 'c/d')).to.equal('c/d')
      },
    )
  })

  it('A language range fits by prefix at a hyphen, either way round, and the exact one wins', () => {
    for (const [accept, provided, chosen] of [
      ['en', ['en-GB'], 'en-GB'],
      ['en-GB', ['en'], 'en'],
      ['en-GB', ['en', 'en-GB'], 'en-GB'],
      ['en', ['en-GB', 'en'], 'en'],
      ['EN-gb', ['en-GB'], 'en-GB'],
      ['e', ['en'], undefined],
      ['en', ['eng'], undefined],
      ['en-GB', ['en-US'], undefined],
      ['zh-Hant-TW', ['zh-Hant'], 'zh-Hant'],
      ['zh', ['zh-Hant-TW'], 'zh-Hant-TW'],
      ['de, en;q=0.5', ['en', 'de-AT'], 'de-AT'],
      ['*;q=0.1, en;q=0', ['en-GB', 'de'], 'de'],
      ['en-GB;q=0, en', ['en-GB', 'en'], 'en'],
      ['en-GB;q=0, en', ['en'], 'en'],
      ['*', ['de', 'en'], 'de'],
      ['toolonglanguage, 12, de', ['de'], 'de'],
    ] as const) {
      expect(chosenLanguage(accept, ...provided), `${accept} of ${provided.join(' ')}`).to.equal(chosen)
    }
  })

  it('The identity is the last choice, unless it is named, or forbidden', () => {
    for (const [accept, provided, chosen] of [
      ['gzip', ['gzip'], 'gzip'],
      ['GZIP', ['gzip'], 'gzip'],
      ['br', ['gzip'], 'identity'],
      ['*', ['gzip', 'br'], 'gzip'],
      ['gzip, br', ['br', 'gzip'], 'br'],
      ['gzip;q=0.5, br', ['gzip', 'br'], 'br'],
      ['identity', ['gzip'], 'identity'],
      ['identity;q=0.5, gzip;q=0.1', ['gzip'], 'identity'],
      ['identity;q=0.5, gzip', ['gzip'], 'gzip'],
      ['identity;q=0', ['gzip'], undefined],
      ['identity;q=0, gzip', ['gzip'], 'gzip'],
      ['identity;q=0, br', ['gzip'], undefined],
      ['*;q=0', ['gzip'], undefined],
      ['*;q=0, identity', ['gzip'], 'identity'],
      ['*;q=0, gzip', ['gzip'], 'gzip'],
      ['gzip;q=0', ['gzip'], 'identity'],
      ['@@@', ['gzip'], 'identity'],
    ] as const) {
      expect(chooseEncoding(accept, provided), `${accept} of ${provided.join(' ')}`).to.equal(chosen)
    }
  })
})
