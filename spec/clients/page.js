// What a page does on behalf of a test; `tell` leads back to it.

globalThis.held = new Map()

globalThis.listen = (key, url, types, { closesOn, withCredentials = false } = {}) => {
  const source = new EventSource(url, { withCredentials })
  held.set(key, () => source.close())
  for (const type of types) {
    source.addEventListener(type, ({ data, lastEventId }) => {
      const isClosed = type === closesOn
      if (isClosed) source.close()
      tell(key, 'event', { event: { id: lastEventId, type, data }, isClosed })
    })
  }
  source.addEventListener('open', () => tell(key, 'open'))
  source.addEventListener('error', () =>
    tell(key, 'error', { isClosed: source.readyState === EventSource.CLOSED }),
  )
}

globalThis.read = async (key, url, init) => {
  const controller = new AbortController()
  held.set(key, () => controller.abort())
  try {
    const { status, headers, body } = await fetch(url, { ...init, signal: controller.signal })
    tell(key, 'head', { status, headers: Object.fromEntries(headers) })
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      const { done = true, value } = (await reader?.read()) ?? {}
      if (done) break
      tell(key, 'text', value)
    }
    tell(key, 'end', 'whole')
  } catch (error) {
    tell(key, 'end', { error: String(error) })
  }
}
