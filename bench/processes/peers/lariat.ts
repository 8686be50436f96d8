import type { Publish, Serving } from '../peers.js'
export async function serve(_url: string): Promise<Serving> {
  throw new Error('not yet')
}
export async function publisher(_url: string): Promise<Publish> {
  throw new Error('not yet')
}
