import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { resource, stop, text } from '../../../lib/index.js'
import { follow } from '../follow.js'

/** Follows a file of one folder: what is in it, then what is written to it. */
export const tail = (folder: string) =>
  resource({
    malformedRequest: ({ req }) =>
      typeof req.query.file !== 'string' && stop(400, { detail: 'Which file? Try ?file=access.log' }),
    resourceExists: async ({ req }) =>
      (await isIn(folder, String(req.query.file))) ||
      stop(404, { detail: 'There is no such file in the folder' }),
    contentTypesProvided: [text()],
    subscribe: ({ req, signal }) => follow(join(folder, String(req.query.file)), signal),
  })

/** Compares with the names that are there: no path, link or trick of spelling is one of them. */
async function isIn(folder: string, name: string): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries.some((entry) => entry.isFile() && entry.name === name)
}
