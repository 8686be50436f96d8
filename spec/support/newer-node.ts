import { join } from 'node:path'
import { packagesOf } from './packages.js'

const { arch } = process
const system = process.platform === 'win32' ? 'win' : process.platform

/** The program of Node 24, from npm: for software that does not run on the oldest Node that this project supports. */
export async function newerNode(): Promise<string> {
  const folder = await packagesOf([`node24@npm:node-${system}-${arch}@24`])
  return join(folder, 'node_modules/node24/bin', process.platform === 'win32' ? 'node.exe' : 'node')
}
