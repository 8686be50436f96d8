/**
 * The books, by HTTP. Each function answers the response, whatever its status; none throws but where the server
 * does not answer at all.
 *
 * @typedef {{ isbn: string, title: string, author: string, year?: number }} Book
 */

// whatever languages the browser is set to: JSON has none
const json = { Accept: 'application/json', 'Accept-Language': '*' }

/**
 * @param {string} search
 * @param {AbortSignal} [signal]
 */
export function list(search, signal) {
  const query = search === '' ? '' : `?q=${encodeURIComponent(search)}`
  return fetch(`/api/books${query}`, { headers: json, signal: signal ?? null })
}

/** @param {string} isbn */
export function read(isbn) {
  return fetch(`/api/books/${isbn}`, { headers: json, cache: 'no-store' })
}

/** @param {unknown} book */
export function create(book) {
  return send('POST', '/api/books', {}, book)
}

/**
 * Replaces a book if it is still the one of this etag; else 412.
 *
 * @param {string} isbn
 * @param {string} etag
 * @param {unknown} book
 */
export function replace(isbn, etag, book) {
  return send('PUT', `/api/books/${isbn}`, { 'If-Match': etag }, book)
}

/**
 * Removes a book if it is still the one of this etag; else 412.
 *
 * @param {string} isbn
 * @param {string} etag
 */
export function remove(isbn, etag) {
  return fetch(`/api/books/${isbn}`, { method: 'DELETE', headers: { ...json, 'If-Match': etag } })
}

/**
 * @param {string} method
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {unknown} body
 */
function send(method, url, headers, body) {
  return fetch(url, {
    method,
    headers: { ...json, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}
