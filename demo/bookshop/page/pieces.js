/**
 * The text of a body as it comes.
 *
 * @param {Response} response
 * @returns {AsyncGenerator<string>}
 */
async function* piecesOf(response) {
  if (!response.body) return
  // an async iterable in most browsers, and a reader in all
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

/**
 * The lines of a body as they come.
 *
 * @param {Response} response
 * @returns {AsyncGenerator<string>}
 */
export async function* linesOf(response) {
  let rest = ''
  for await (const piece of piecesOf(response)) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
