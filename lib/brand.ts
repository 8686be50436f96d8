// Marks the library's own values, so that every copy of the package in a process recognises them: the ESM build
// beside the CommonJS build, or two versions. The shape behind a mark or a shared name is a contract between copies:
// an incompatible change of the shape takes another name.

/** The key of the mark; registered, so that two copies of the package share it. */
export const is: unique symbol = Symbol.for('express-lariat.is') as never

/** Marks the methods of a class, so that one that was taken off its object is recognised. */
export function markMethods({ prototype }: { readonly prototype: object }): void {
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const { value } = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor
    if (typeof value === 'function' && name !== 'constructor')
      Object.defineProperty(value, is, { value: 'method' })
  }
}

export function isMethod(value: unknown): value is (...given: never) => unknown {
  return typeof value === 'function' && (value as { [is]?: unknown })[is] === 'method'
}

/** Whether a value has a mark of the library's. */
export function isBranded(value: unknown, brand: string): boolean {
  return typeof value === 'object' && value !== null && (value as { [is]?: unknown })[is] === brand
}

/** A value that all copies of the package share, made by the first of them. */
export function shared<T>(name: string, make: () => T): T {
  const all = globalThis as unknown as Record<symbol, T | undefined>
  const key = Symbol.for(`express-lariat.${name}`)
  all[key] ??= make()
  return all[key]
}
