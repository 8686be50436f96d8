import { expect } from 'chai'
import { cases } from '../support/cases.js'
import { onBoth, Site, tableOf, withSite } from '../support/http.js'
import { everything, everythingOn, fields, statuses } from './everything.js'

onBoth('Whatever is asked for, and however, the request is answered', () => {
  const served = everythingOn()

  describe('URLs', () => {
    cases(
      'A resource mounted by app.use decodes nothing: any URL is 200',
      [
        '/%',
        '/%ff',
        '/%00',
        '/%zz',
        '/%E0%A4%A',
        '//',
        '//a',
        '/?%',
        '/?%ff=%',
        '/?a[b]=1&__proto__[c]=2',
        '/../../a',
        '/a%2Fb',
        '/;',
        '/http://a.b/',
        '/?lastEventId=%00%0A',
      ],
      (url) => `${url} is 200: a resource mounted by app.use decodes nothing`,
      async (url) => {
        expect(await served.statusOf({ url })).to.equal(200)
      },
    )

    it('In a table, a path that cannot be decoded is 400, whatever the method', () =>
      withSite(new Site(tableOf({ '/:id': everything })), async (table) => {
        for (const url of ['/%', '/%ff', '/%E0%A4%A']) {
          for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE', 'PROPFIND']) {
            const answer = await table.ask({ url, method })
            expect(answer.status).to.equal(400)
            expect(answer.text).not.to.match(/\bat |URIError|decodeURI/)
          }
        }
        expect((await table.ask({ url: '/%00' })).status).to.equal(200)
        expect(table.errors).to.deep.equal([])
      }))

    for (const target of ['/\0', '/a b', '', 'a', '*', '/\u0001', '/\r\n']) {
      it(`A request line with ${JSON.stringify(target)} is answered by 400 or by the table, and closed`, async () => {
        const answer = await served.site.exchange(
          Buffer.from(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, 'latin1'),
        )
        expect(answer).to.match(/^HTTP\/1\.1 (?:400|200|404) /)
      })
    }

    it('OPTIONS * is answered', async () => {
      const answer = await served.site.exchange('OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      expect(answer).to.match(/^HTTP\/1\.1 [234]\d\d /)
    })

    it('An absolute URL is answered', async () => {
      const answer = await served.site.exchange(
        'GET http://a.b/c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      )
      expect(answer).to.match(/^HTTP\/1\.1 200 /)
    })
  })

  describe('Raw requests', () => {
    const head = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n'
    for (const [what, sent, status] of [
      ['no header at all, HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', '200'],
      ['no Accept-Encoding', `${head}\r\n`, '200'],
      ['a header without a name', `${head}: a\r\n\r\n`, '400'],
      ['a header with a blank in its name', `${head}Acc ept: a\r\n\r\n`, '400'],
      ['a NUL in a header', `${head}Accept: a\0b\r\n\r\n`, '400'],
      ['a fold in a header', `${head}Accept: text/plain,\r\n application/json\r\n\r\n`, '[24]\\d\\d'],
      ['bytes above 127 in a header', `${head}Accept: \xff\xfe\r\n\r\n`, '406'],
      ['a method that is none', 'NONSENSE / HTTP/1.1\r\nHost: a\r\n\r\n', '400'],
      ['a method in lower case', 'get / HTTP/1.1\r\nHost: a\r\n\r\n', '400'],
      ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na', '400'],
      ['a length that is none', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\na', '400'],
      [
        'a chunk that is none',
        `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
        '400',
      ],
      ['another protocol', 'SSH-2.0-OpenSSH\r\n\r\n', '400'],
    ] as const) {
      it(`${what}: ${status}`, async () => {
        const answer = await served.site.exchange(Buffer.from(sent, 'latin1'))
        expect(answer).to.match(new RegExp(`^HTTP/1\\.1 ${status} `))
      })
    }

    it('Headers of 16 KiB and more are 431', async () => {
      const answer = await served.site.exchange(`${head}Accept: ${'text/plain,'.repeat(2000)}\r\n\r\n`)
      expect(answer).to.match(/^HTTP\/1\.1 431 /)
    })

    it('Headers that the server lets through are answered, whatever their size', () =>
      withSite(new Site(everything, { options: { maxHeaderSize: 2 ** 20 } }), async (large) => {
        for (const name of fields) {
          const answer = await large.ask({
            method: name.startsWith('content') ? 'POST' : 'GET',
            headers: { [name]: 'a,;="\\'.repeat(2 ** 15) },
          })
          expect([...statuses], name).to.include(answer.status)
        }
        expect(large.errors).to.deep.equal([])
      }))
  })
})
