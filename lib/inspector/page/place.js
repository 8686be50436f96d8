// Knows where the reader is: view, opened item and query, in the address after the #.

/**
 * @typedef {object} Place
 * @property {string} view
 * @property {string | undefined} open the id of what is opened beside the list
 * @property {Record<string, string>} query of the list
 */

/** @returns {Place} */
export function place() {
  const [path = '', search = ''] = location.hash.slice(1).split(/\?(.*)/s)
  const [view = '', open] = path.split(/\/(.*)/s).map(decoded)
  return { view, open: open || undefined, query: Object.fromEntries(new URLSearchParams(search)) }
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * @param {Place} to
 * @returns {string} the address, relative to the page
 */
export function hrefOf({ view, open, query }) {
  const kept = Object.entries(query).filter(([, value]) => value !== '')
  const search = new URLSearchParams(kept).toString()
  return `#${view}${open === undefined ? '' : `/${encodeURIComponent(open)}`}${search && `?${search}`}`
}

/**
 * Goes to another query of the same view, in place of this one: typing leaves no trail in the history.
 *
 * @param {Record<string, string>} query
 */
export function refine(query) {
  const here = place()
  history.replaceState(null, '', hrefOf({ ...here, query: { ...here.query, page: '', ...query } }))
  dispatchEvent(new HashChangeEvent('hashchange'))
}
