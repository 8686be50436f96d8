// Reads CSV (RFC 4180): each record an object of strings, by the names of the header row.
import { decoding, FormatError, type Parser, type Reader, type Received, succeeds } from './reader.js'

/** Reads `text/csv`, whose fields are separated by commas, semicolons or tabs: whichever the header row has first. */
export const csv: Reader = {
  mediaTypes: ['text/csv'],
  read: () => parser(),
}

/** What means something outside of quotes: until the delimiter is known, and by delimiter. */
const marksOf = {
  any: /[,;\t"\r\n]/g,
  ',': /[,"\r\n]/g,
  ';': /[;"\r\n]/g,
  '\t': /[\t"\r\n]/g,
}

function parser(): Parser {
  const decode = decoding()
  let columns: readonly string[] | undefined
  let marks = marksOf.any
  let fields: string[] = []
  /** What has come of the field. */
  let field = ''
  /** Something of the record is quoted, so that it is none of an empty line. */
  let wasQuoted = false
  /** `quote`: a quote has come that may be doubled, or the end of the quoted text. */
  let state: 'plain' | 'quoted' | 'quote' = 'plain'

  /** Ends a field, or a record. */
  function separate(mark: string, into: Received[]): void {
    if (mark === '\r' || mark === '\n') return record(into)
    if (!columns && fields.length === 0) marks = marksOf[mark as ',']
    fields.push(field)
    field = ''
  }

  function record(into: Received[]): void {
    // between CR and LF, too, there is nothing
    if (fields.length === 0 && field === '' && !wasQuoted) return
    const values = [...fields, field]
    fields = []
    field = ''
    wasQuoted = false
    if (!columns) {
      columns = values
      if (values.length === 1) marks = marksOf[',']
    } else if (values.length === columns.length)
      into.push({ data: Object.fromEntries(columns.map((name, at) => [name, values[at]])) })
    else throw new FormatError(`A record of ${values.length} fields in ${columns.length} columns`)
  }

  return {
    take(bytes, into) {
      const text = decode(bytes)
      for (let at = 0; at < text.length; ) {
        if (state === 'quote') {
          // a second quote is one of the text; whatever else comes is outside
          state = text[at] === '"' ? 'quoted' : 'plain'
          if (state === 'quoted') field += text[at++]
          continue
        }
        const mark = state === 'quoted' ? /"/g : marks
        mark.lastIndex = at
        const found = mark.exec(text)
        field += text.slice(at, found?.index)
        if (!found) return
        at = found.index + 1
        if (state === 'quoted') state = 'quote'
        else if (found[0] !== '"') separate(found[0], into)
        else {
          state = 'quoted'
          wasQuoted = true
        }
      }
    },
    // the last record may lack its line break
    end: (into) => state !== 'quoted' && succeeds(() => record(into)),
  }
}
