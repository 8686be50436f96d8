import { expect } from 'chai'
import { check } from 'recheck'
import { type Pattern, patternsIn, patternsOf, sources } from './patterns.js'

/**
 * What the checker says of a pattern: that it is safe, or the text by which it is not. Its own limits count characters that
 * are read; those of a second and less would take a busy machine for a slow pattern.
 */
async function verdict({ source, flags, where }: Pattern): Promise<string> {
  const said = await check(source, flags, {
    attackTimeout: patience,
    incubationTimeout: patience,
    timeout: patience,
  })
  if (said.status === 'safe') return 'safe'
  const why = said.status === 'vulnerable' ? said.attack.pattern : said.error.kind
  return `${where}: /${source}/${flags} is ${said.status}: ${why}`
}

const patience = 50_000

describe('No pattern takes long for a text that is made for it (CWE-1333)', () => {
  const patterns = sources().flatMap(patternsOf)
  const distinct = [...new Map(patterns.map((each) => [`/${each.source}/${each.flags}`, each])).values()]

  it('All patterns are found: literals, and what is made of constants', () => {
    const code = [
      "const word = '[a-z]+'",
      "const words = ['a', 'b']",
      'const one = /a\\/[/]b/gi',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code
      "const two = new RegExp(`^${word}|${words.join('|')}$`, 'y')",
      'const three = a / b / c',
    ]
    const found = patternsIn(code.join('\n'), 'a.ts').map(({ where, source, flags }) => [
      where,
      source,
      flags,
    ])
    expect(found).to.deep.equal([
      ['a.ts:3', 'a\\/[/]b', 'gi'],
      ['a.ts:4', '^[a-z]+|a|b$', 'y'],
    ])
    expect(() => patternsIn('new RegExp(given)', 'a.ts')).to.throw('given is not defined')
    expect(patterns.length).to.be.above(40)
    for (const part of ['lib/http/accept.ts', 'lib/http/date.ts', 'demo/bookshop/page/', 'content-type'])
      expect(
        patterns.some(({ where }) => where.includes(part)),
        part,
      ).to.equal(true)
  })

  it('The checker knows one that does', async () => {
    for (const source of ['^(?:a+)+$', '^(?:a|a)*$', '\\s+$', '^\\s*,?\\s*$'])
      expect(await verdict({ source, flags: '', where: 'here' }), source).to.include('is vulnerable')
  }).timeout(60_000)

  for (const pattern of distinct) {
    it(`/${pattern.source.slice(0, 60)}/${pattern.flags}, of ${pattern.where}`, async () => {
      expect(await verdict(pattern)).to.equal('safe')
    }).timeout(60_000)
  }
})
