// What a page or a worker does with the client on behalf of a test; `client` is the library's, `told` what came of it.

globalThis.told = {}
globalThis.streams = {}

const plain = (data) => (data instanceof Uint8Array ? new TextDecoder().decode(data) : data)

globalThis.run = async (name, url, { store, ...options } = {}) => {
  const it = { data: [], ids: [], states: [], delays: [], gaps: [] }
  told[name] = it
  const stream = client.follow(url, {
    ...options,
    ...(store && {
      store: { get: () => localStorage.getItem(store), set: (id) => localStorage.setItem(store, id) },
    }),
    onState(state, { delay }) {
      it.states.push(state)
      if (delay !== undefined) it.delays.push(delay)
    },
    onGap: (gap) => it.gaps.push(gap),
  })
  streams[name] = stream
  try {
    for await (const { data, id } of stream) {
      it.data.push(plain(data))
      it.ids.push(id)
      if (globalThis.heard) heard(plain(data))
    }
  } catch (error) {
    it.error = String(error)
  }
}

/** Time passes of which this page is not told: its timers stand still, as those of a frozen tab. */
globalThis.freeze = (milliseconds) => {
  for (const clock of [performance, Date]) {
    const now = clock.now.bind(clock)
    clock.now = () => now() + milliseconds
  }
}
