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
/**
 * An event of an event stream.
 *
 * @typedef {{ type: string, data: string }} Message
 */

/**
 * The events of an event stream as they come, of a response to a POST, which an EventSource cannot send. Comments,
 * `retry` and `id` are passed over, and so is an event without data.
 *
 * @param {Response} response
 * @returns {AsyncGenerator<Message>}
 */
export async function* eventsOf(response) {
  let type = ''
  /** @type {string[]} */
  let data = []
  for await (const line of linesOf(response)) {
    const [, name, value = ''] = /^(event|data)(?:: ?(.*))?\r?$/.exec(line) ?? []
    if (name === 'event') type = value
    else if (name === 'data') data.push(value)
    else if (line.trimEnd() === '') {
      if (data.length > 0) yield { type: type || 'message', data: data.join('\n') }
      type = ''
      data = []
    }
  }
}
