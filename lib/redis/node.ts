// Writes on one node of a cluster, and waits there for its replicas.

/** A client of one server, as far as it is used. */
export interface Node {
  sendCommand(command: readonly string[]): Promise<unknown>
}

/** A master, as a cluster's client knows it. */
type Known = object

export interface Nodes {
  readonly slots: readonly { readonly master: Known }[]
  readonly nodeByAddress: ReadonlyMap<string, Known>
  nodeClient(node: Known): Node | Promise<Node>
  /** Goes where the key is, and learns of it, if that is elsewhere by now. */
  sendCommand(key: string, isReadonly: boolean, command: readonly string[]): Promise<unknown>
}

/** What a node is asked, one after the other on one connection. */
export type Asking<T> = (node: Node) => Promise<T>

/**
 * Asks the node that has a key. A cluster's client would follow a write to another node, and not what waits for the
 * replicas there: on a connection that has not written it is answered at once, as if they had everything.
 *
 * @throws what the node has refused with: `MOVED` once the client knows the other one, to be asked again
 */
export async function onNodeOf<T>(nodes: Nodes, key: string, asking: Asking<T>): Promise<T> {
  const known = nodes.slots[slotOf(key)]?.master
  if (!known) throw new Error('The cluster has no node for a slot')
  const node = await nodes.nodeClient(known)
  try {
    return await asking(node)
  } catch (error) {
    const [, redirection, address] = /^(MOVED|ASK) \d+ (\S+)/.exec((error as Error).message) ?? []
    const other = redirection === 'ASK' && nodes.nodeByAddress.get(address as string)
    if (other) return await onAsked(await nodes.nodeClient(other), asking)
    if (redirection) await nodes.sendCommand(key, false, ['EXISTS', key])
    throw error
  }
}

/** A node to which a slot is just moving takes what comes right behind this. */
function onAsked<T>(node: Node, asking: Asking<T>): Promise<T> {
  node.sendCommand(['ASKING']).catch(() => {})
  return asking(node)
}

/** The slot of a key: that of its tag, if it has one (Redis Cluster specification, "Hash tags"). */
export function slotOf(key: string): number {
  const tag = /^[^{]*\{([^}]+)\}/s.exec(key)?.[1] ?? key
  let crc = 0
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff
  }
  return crc % 16_384
}
