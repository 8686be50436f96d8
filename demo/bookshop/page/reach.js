/**
 * Asks the server, and says what failed beside what failed. What is said because the server does not answer goes as
 * soon as it answers anything again.
 */

/** The server does not answer. */
export class Away extends Error {
  constructor() {
    super('The server does not answer. Try again in a moment.')
  }
}

/** What waits until it is back. @type {Set<() => void>} */
const waiting = new Set()

/** @type {Map<HTMLElement, string>} what says that the server is away, and what it says once it is back */
const away = new Map()

/**
 * `fetch`, which throws `Away` where no answer comes, and an AbortError where it was aborted.
 *
 * @param {Request | string} asked
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
export async function reach(asked, init) {
  try {
    const response = await fetch(asked, init)
    isBack()
    return response
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new Away()
  }
}

/** How a stream is followed: somebody looks on, for whom half a minute between two attempts would be long. */
export const lookedOn = { fetch: reach, retry: { most: 2000 } }

/** The server has answered. */
function isBack() {
  for (const [element, text] of away) say(element, text)
  away.clear()
  const all = [...waiting]
  waiting.clear()
  for (const run of all) run()
}

/**
 * Runs something as soon as the server answers anything again.
 *
 * @param {() => void} run
 */
export function whenBack(run) {
  waiting.add(run)
}

/**
 * Says something in an element; what is there already is not said again.
 *
 * @param {HTMLElement} element
 * @param {string} text
 */
export function say(element, text) {
  away.delete(element)
  element.classList.remove('failed')
  if (element.textContent !== text) element.textContent = text
}

/**
 * Says what has failed, and why.
 *
 * @param {HTMLElement} element beside what has failed
 * @param {string} what
 * @param {unknown} error
 * @param {string} [after] what is said instead, once the server answers again
 */
export function sayFailed(element, what, error, after = '') {
  say(element, `${what}. ${error instanceof Error ? error.message : error}`)
  element.classList.add('failed')
  if (error instanceof Away) away.set(element, after)
}
