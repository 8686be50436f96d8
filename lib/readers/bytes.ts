// Reads the formats without records: text and bytes, each chunk as it comes.
import { decoding, type Reader } from './reader.js'

/** Reads `text/plain`: a string for each chunk, which are not those that were written. */
export const text: Reader = {
  mediaTypes: ['text/plain', 'text/*'],
  read(contentType, _options, into) {
    const decode = decoding(/charset="?([^\s";]+)/i.exec(contentType)?.[1])
    const take = (bytes?: Uint8Array) => {
      const data = decode(bytes)
      if (data) into.push({ data })
      return true
    }
    return { take, end: take }
  },
}

/** Reads any type: a Uint8Array for each chunk, which are not those that were written. */
export const bytes: Reader = {
  mediaTypes: ['application/octet-stream', '*/*'],
  read: (_contentType, _options, into) => ({
    take: (data) => void into.push({ data }),
    end: () => true,
  }),
}
