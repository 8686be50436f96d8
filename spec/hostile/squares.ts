/** Work that grows by the square in code, for whoever checks that this is seen. */
export function nested(size: number): number {
  let sum = 0
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) sum += j
  return sum
}

/** Work that grows by the square in what the engine does. */
export function cutting(size: number): void {
  for (let text = 'a'.repeat(size); text !== ''; text = text.slice(1));
}
