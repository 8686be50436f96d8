// Marks the library's own values, so that every copy of the package recognises them.

/** The key of the mark; registered, so that two copies of the package share it. */
export const is: unique symbol = Symbol.for('express-lariat.is') as never

/** Whether a value has a mark of the library's. */
export function isBranded(value: unknown, brand: string): boolean {
  return typeof value === 'object' && value !== null && (value as { [is]?: unknown })[is] === brand
}
