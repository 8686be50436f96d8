/** No more attempts than that. */
const most = 400

/** Leaves away what is not needed for bytes to fail: first large pieces of them, then ever smaller ones. */
export async function smallest(
  parts: readonly Buffer[],
  fails: (parts: readonly Buffer[]) => Promise<boolean>,
): Promise<readonly Buffer[]> {
  let attempts = 0
  const stillFails = (bytes: readonly Buffer[]) => attempts++ < most && fails(bytes)
  const whole = Buffer.concat(parts)
  if (parts.length > 1 && !(await stillFails([whole]))) return parts
  let bytes = whole
  for (let size = bytes.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < bytes.length; ) {
      const shorter = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)])
      if (await stillFails([shorter])) bytes = shorter
      else at += size
    }
  }
  return [bytes]
}
