import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** How much to ask of whom, and how. */
export interface Load {
  readonly port: number
  /** The request, as it goes out. */
  readonly head: string
  readonly connections: number
  readonly requests: number
}

/** Sends requests over connections that stay open, on each the next when the last is answered. */
async function load({ port, head, connections, requests }: Load): Promise<number> {
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect(port, '127.0.0.1').setNoDelay()
      await once(socket, 'connect')
      return socket
    }),
  )
  const request = Buffer.from(head)
  const size = await sizeOfAnswer(sockets[0]!, request)
  const began = process.hrtime.bigint()
  await Promise.all(sockets.map((socket) => exchange(socket, request, size, requests / connections)))
  const took = Number(process.hrtime.bigint() - began) / 1e9
  for (const socket of sockets) socket.destroy()
  return took
}

/** All answers to one request are of one size: to count bytes is all that a client has to do. */
async function sizeOfAnswer(socket: Socket, request: Buffer): Promise<number> {
  socket.write(request)
  let answer = ''
  while (!answer.includes('\r\n\r\n')) answer += String((await once(socket, 'data'))[0])
  const length = Number(/^content-length: (\d+)/im.exec(answer)?.[1] ?? 0)
  const size = answer.indexOf('\r\n\r\n') + 4 + length
  while (answer.length < size) answer += String((await once(socket, 'data'))[0])
  return size
}

function exchange(socket: Socket, request: Buffer, size: number, times: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let got = 0
    let left = times
    socket.on('data', (chunk) => {
      got += chunk.length
      if (got < size) return
      if (got > size) return reject(new Error(`An answer has ${got} bytes, the first had ${size}`))
      got = 0
      left -= 1
      if (left > 0) socket.write(request)
      else resolve()
    })
    socket.once('error', reject).once('close', () => reject(new Error('The server hung up')))
    socket.write(request)
  })
}

process.on('message', (asked: Load) => {
  load(asked).then(
    (seconds) => process.send?.(seconds),
    (error) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.on('disconnect', () => process.exit())
