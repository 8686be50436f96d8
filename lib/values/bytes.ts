// Recognises bytes: buffers, views of them, and Blobs; and frees views from memory that they share.
import { isAnyArrayBuffer } from 'node:util/types'

/** Bytes of any kind but a Blob, as a view of the same memory; undefined for anything else. */
export function asBytes(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  return isAnyArrayBuffer(value) ? new Uint8Array(value) : undefined
}

/** Whether a value is a Blob or a File, whose bytes come later. */
export function isBlob(value: unknown): value is Blob {
  return value instanceof Blob
}

/**
 * A view of the same bytes, in memory of its own if it would keep alive much more than itself: small Buffers are cut
 * from Node's shared pool.
 */
export function unpooled<View extends ArrayBufferView>(view: View): View
export function unpooled(view: ArrayBufferView): ArrayBufferView {
  const { buffer, byteOffset, byteLength } = view
  if (buffer.byteLength <= 2 * byteLength) return view
  if (view instanceof DataView) return new DataView(buffer.slice(byteOffset, byteOffset + byteLength))
  // unlike that of an array, the slice of a Buffer shares its memory
  if (!Buffer.isBuffer(view)) return (view as Uint8Array).slice()
  const own = Buffer.allocUnsafeSlow(byteLength)
  view.copy(own)
  return own
}
