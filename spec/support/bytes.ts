/** Bytes as mebibytes, for people. */
export function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1)
}
