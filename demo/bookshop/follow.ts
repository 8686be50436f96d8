import { once } from 'node:events'
import { watch } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * What is in a file, then what is appended to it, in pieces, read no faster than they are asked for.
 *
 * Goes on with the new file where the old one is rotated away, and from the start where it is truncated.
 */
export async function* follow(path: string, signal: AbortSignal, from = 0): AsyncGenerator<Buffer> {
  const watcher = watch(dirname(path), { signal })
  let file = await open(path)
  try {
    for (let position = from; ; ) {
      // awaited only after the reading, but there before it, so that no change is missed
      const changed = once(watcher, 'change', { signal })
      changed.catch(() => {})
      const latest = await stat(path).catch(() => undefined)
      const { ino, size } = await file.stat()
      if (size < position) position = 0
      for await (const piece of pieces(file, position)) {
        position += piece.length
        yield piece
      }
      if (!latest || latest.ino === ino) {
        await changed
      } else {
        await file.close()
        file = await open(path)
        position = 0
      }
    }
  } finally {
    watcher.close()
    await file.close()
  }
}

/** A file from a position to its end. */
async function* pieces(file: FileHandle, from: number): AsyncGenerator<Buffer> {
  for (let position = from; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(65_536), 0, 65_536, position)
    if (bytesRead === 0) return
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** Where the last so many lines of a file begin, as far as they are within its last 256 KiB. */
export async function startOfLast(count: number, path: string): Promise<number> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const from = Math.max(0, size - 2 ** 18)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from)
    const text = buffer.subarray(0, bytesRead)
    // the line feed that ends the line before them
    let end = text.length
    for (let line = 0; line <= count && end >= 0; line++) end = end > 0 ? text.lastIndexOf('\n', end - 1) : -1
    return from + (end >= 0 ? end + 1 : from > 0 ? text.indexOf('\n') + 1 : 0)
  } finally {
    await file.close()
  }
}

/** No line is longer: what is, comes in parts. */
const longest = 2 ** 16

/** The lines of a text that comes in pieces, each once it is whole. */
export async function* linesOf(pieces: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let line = ''
  for await (const piece of pieces) {
    const [first = '', ...others] = decoder.decode(piece, { stream: true }).split('\n')
    line += first
    for (const other of others) {
      yield line
      line = other
    }
    if (line.length < longest) continue
    yield line
    line = ''
  }
}
