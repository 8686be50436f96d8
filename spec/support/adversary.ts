import { expect } from 'chai'

/** 8 times what Node lets into a head by default: work that grows by the square would take minutes. */
const size = 8 * 16 * 1024
const limit = 2000

/** Of each piece: itself over and over, and the same with something before and after that does not fit. */
export function adversaries(...pieces: readonly string[]): readonly string[] {
  return pieces.flatMap((piece) => {
    const long = piece.repeat(Math.ceil(size / piece.length))
    return [long, `${long}\x00`, `\x00${long}`, `"${long}`, `a/b;a="${long}`, `a=${long}x`]
  })
}

/** That nothing takes more work than in proportion to its size. */
export function expectLinear(run: (text: string) => unknown, texts: readonly string[]): void {
  for (const text of texts) {
    const begin = performance.now()
    run(text)
    const took = performance.now() - begin
    expect(took, `ms for ${JSON.stringify(text.slice(0, 20))}…`).to.be.below(limit)
  }
}
