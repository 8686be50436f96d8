import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ndjson, resource, stop, text } from '../../../lib/index.js'
import { follow, linesOf, startOfLast } from '../follow.js'

const [asText, asRecords] = [text(), ndjson()]

/** Follows a file of one folder: what is in it, or its last lines, then what is written to it. */
export const tail = (folder: string) =>
  resource({
    malformedRequest: ({ req: { query } }) => {
      if (typeof query.file !== 'string') return stop(400, { detail: 'Which file? Try ?file=access.log' })
      return query.last === undefined || isCount(query.last)
        ? false
        : stop(400, { detail: 'last: expected how many lines, 0 to 1000' })
    },
    resourceExists: async ({ req }) =>
      (await isIn(folder, String(req.query.file))) ||
      stop(404, { detail: 'There is no such file in the folder' }),
    contentTypesProvided: [asText, asRecords],
    subscribe: async ({ req: { query }, signal, negotiated }): Promise<AsyncGenerator<Buffer | string>> => {
      const path = join(folder, String(query.file))
      const from = query.last === undefined ? 0 : await startOfLast(Number(query.last), path)
      const pieces = follow(path, signal, from)
      return negotiated.format === asText ? pieces : linesOf(pieces)
    },
  })

function isCount(value: unknown): boolean {
  return /^\d{1,3}$|^1000$/.test(String(value))
}

/** Compares with the names that are there: no path, link or trick of spelling is one of them. */
async function isIn(folder: string, name: string): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries.some((entry) => entry.isFile() && entry.name === name)
}
