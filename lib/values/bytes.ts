// Recognises bytes: buffers, views of them, and Blobs.
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
