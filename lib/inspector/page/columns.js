// What several lists share: filters, the address of a row, and how counts stand out.
import { hrefOf, place } from './place.js'
import { count } from './words.js'

/** @type {import('./list.js').Filter} */
export const route = { name: 'route', label: 'All routes', from: 'routes' }
/** @type {import('./list.js').Filter} */
export const format = { name: 'format', label: 'All formats', from: 'formats' }

/**
 * The address of a row: the list stays as it is beside it.
 *
 * @param {string} id
 */
export function beside(id) {
  const { view, query } = place()
  return hrefOf({ view, open: id, query })
}

/** An option that is called what it is. @param {string} value @returns {[value: string, label: string]} */
export function same(value) {
  return [value, value]
}

/** @param {number} value */
export function some(value) {
  return value > 0 ? count(value) : '0'
}

/** @param {number} value @param {string} tone */
export function unlessNone(value, tone) {
  return value > 0 ? tone : 'quiet'
}

/** @param {{ at: number }} row */
export function full({ at }) {
  return new Date(at).toISOString()
}
