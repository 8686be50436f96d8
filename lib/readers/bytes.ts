// Reads the formats without records: text and bytes, each chunk as it comes.
import { decoding, type Reader, type Received } from './reader.js'

/** Reads `text/plain`: a string for each chunk, which are not those that were written. */
export const text: Reader = {
  mediaTypes: ['text/plain', 'text/*'],
  read(contentType) {
    const decode = decoding(/charset="?([^\s";]+)/i.exec(contentType)?.[1])
    const add = (data: string, into: Received[]) => void (data !== '' && into.push({ data }))
    return {
      take: (bytes, into) => add(decode(bytes), into),
      end(into) {
        add(decode(), into)
        return true
      },
    }
  },
}

/** Reads any type: a Uint8Array for each chunk, which are not those that were written. */
export const bytes: Reader = {
  mediaTypes: ['application/octet-stream', '*/*'],
  read: () => ({
    take: (data, into) => void into.push({ data }),
    end: () => true,
  }),
}
