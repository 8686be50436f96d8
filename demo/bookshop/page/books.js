/**
 * The books, by HTTP. Each function answers the response, whatever its status: of a server that does not answer,
 * `Response.error()`.
 *
 * @typedef {{ isbn: string, title: string, author: string, year?: number }} Book
 */

import { Away, reach } from './reach.js'

// whatever languages the browser is set to: JSON has none
const json = { Accept: 'application/json', 'Accept-Language': '*' }

/**
 * @param {string} search
 * @param {AbortSignal} [signal]
 */
export function list(search, signal) {
  const query = search === '' ? '' : `?q=${encodeURIComponent(search)}`
  return ask(`/api/books${query}`, { signal: signal ?? null })
}

/** @param {string} isbn */
export function read(isbn) {
  return ask(`/api/books/${isbn}`)
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
  return ask(`/api/books/${isbn}`, { method: 'DELETE', headers: { 'If-Match': etag } })
}

/**
 * Where the books are kept; undefined if the server does not say.
 *
 * @returns {Promise<'memory' | 'Redis' | undefined>}
 */
export async function keptIn() {
  const response = await ask('/api/shop')
  return response.ok ? (await response.json()).books : undefined
}

/**
 * @param {string} method
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {unknown} body
 */
function send(method, url, headers, body) {
  return ask(url, {
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

/**
 * @param {string} url
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
async function ask(url, { headers, ...init } = {}) {
  // what the browser has kept is not looked at: an etag has to be that of what is shown
  return reach(url, { cache: 'no-store', headers: { ...json, ...headers }, ...init }).catch(() =>
    Response.error(),
  )
}

/** What is wrong, as the answer says; `fields`: what is wrong with each field of a book. */
export class Flaw extends Error {
  /** @type {Readonly<Record<string, string>>} */
  fields = {}
}

/**
 * @param {Response} response
 * @returns {Promise<Away | Flaw>}
 */
export async function flawOf(response) {
  if (response.type === 'error') return new Away()
  const { detail, title, errors = [] } = await response.json().catch(() => ({}))
  const flaw = new Flaw(sentence(detail ?? `${response.status} ${title ?? response.statusText}`))
  flaw.fields = Object.fromEntries(
    /** @type {{ pointer: string, detail: string }[]} */ (errors).map((error) => [
      error.pointer.slice('#/'.length),
      sentence(error.detail),
    ]),
  )
  return flaw
}

/** @param {string} text */
export function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}`
}
