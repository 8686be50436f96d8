// Reads CSV (RFC 4180): each record an object of strings, by the names of the header row.
import { decoding, dividing, FormatError, type Reader } from './reader.js'

/** Reads `text/csv`, whose fields are separated by commas, semicolons or tabs: whichever the header row has first. */
export const csv: Reader = {
  mediaTypes: ['text/csv'],
  read(_contentType, _options, into) {
    const decode = decoding()
    let columns: readonly string[] | undefined
    let delimiter = ','

    const add = outside('\n', (line) => {
      const record = line.replace(/\r$/, '')
      if (!record) return
      if (!columns) delimiter = /[,;\t]/.exec(record.replace(/"[^"]*"/g, ''))?.[0] ?? delimiter
      const fields: string[] = []
      record
        .split(delimiter)
        .forEach(outside(delimiter, (field) => fields.push(field.replace(/^"|"$|"(")/g, '$1'))))
      if (!columns) columns = fields
      else if (fields.length === columns.length)
        into.push({ data: Object.fromEntries(columns.map((name, at) => [name, fields[at]])) })
      else throw new FormatError(`A record of ${fields.length} fields in ${columns.length} columns`)
    })
    const divide = dividing('\n')

    return {
      take: (bytes) => void divide(decode(bytes), add),
      // the last record may lack its line break
      end() {
        try {
          return add(divide('', add))
        } catch {
          return false
        }
      },
    }
  },
}

/** Joins again what a separator within quotes has divided, and hands it over. */
function outside(separator: string, each: (text: string) => void): (part: string) => boolean {
  let text = ''
  let isQuoted = false
  return (part) => {
    text += part
    isQuoted = isQuoted === part.split('"').length % 2 > 0
    if (isQuoted) text += separator
    else {
      each(text)
      text = ''
    }
    return !isQuoted
  }
}
