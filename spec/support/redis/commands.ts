/** Tells the names of the commands in what a client of Redis sends (RESP arrays of bulk strings), in upper case. */
export function commandsIn(told: (name: string) => void): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0)
  /** Bytes of an argument that are still to come. */
  let skipped = 0
  let isFirst = false

  return (bytes) => {
    const skips = Math.min(skipped, bytes.length)
    skipped -= skips
    rest = Buffer.concat([rest, bytes.subarray(skips)])
    for (;;) {
      const end = rest.indexOf('\r\n')
      if (end < 0) return
      const size = Number(rest.toString('latin1', 1, end))
      if (rest[0] === 0x24 /* $ */) {
        const after = end + 2 + size + 2
        if (isFirst) {
          if (rest.length < after) return
          told(rest.toString('latin1', end + 2, end + 2 + size).toUpperCase())
          isFirst = false
        }
        skipped = Math.max(0, after - rest.length)
        rest = rest.subarray(after)
      } else {
        isFirst = true
        rest = rest.subarray(end + 2)
      }
    }
  }
}
