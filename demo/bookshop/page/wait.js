import { byId, h } from './dom.js'

/**
 * Shows how long something takes: a bar that fills, and the seconds.
 *
 * @param {string} id where
 * @param {object} wait
 * @param {string} wait.what what is waited for
 * @param {number} wait.ms how long it takes, more or less
 * @param {number} [wait.since] when it began
 * @returns {() => void} ends it
 */
export function showWait(id, { what, ms, since = Date.now() }) {
  const bar = h('progress', { max: ms, 'aria-label': what })
  // whoever hears the page is told by the bar, and not each second
  const seconds = h('span', { 'aria-hidden': true })
  const host = byId(id)
  host.replaceChildren(bar, seconds)
  const tick = () => {
    const past = Date.now() - since
    bar.value = Math.min(past, ms)
    seconds.textContent = `${Math.floor(past / 1000)} s of about ${Math.ceil(ms / 1000)} s`
  }
  tick()
  const ticking = setInterval(tick, 100)
  return () => {
    clearInterval(ticking)
    if (host.contains(bar)) host.replaceChildren()
  }
}
