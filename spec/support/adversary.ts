/** 8 times what Node lets into a head by default: work that grows by the square would take minutes. */
const size = 8 * 16 * 1024

/** Of each piece: itself over and over, and the same with something before and after that does not fit. */
export function adversaries(...pieces: readonly string[]): readonly string[] {
  return pieces.flatMap((piece) => {
    const long = piece.repeat(Math.ceil(size / piece.length))
    return [long, `${long}\x00`, `\x00${long}`, `"${long}`, `a/b;a="${long}`, `a=${long}x`]
  })
}

/**
 * Runs over each text. Nothing is timed: what grows with the square of 128 KiB does not come to an end before the
 * test runner gives up on it, what grows in proportion takes milliseconds.
 */
export function expectToEnd(run: (text: string) => unknown, texts: readonly string[]): void {
  for (const text of texts) run(text)
}
