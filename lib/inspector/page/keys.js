// Keyboard shortcuts. Single keys can be turned off, for those who speak to their computer (WCAG 2.1.4).
import { byId, h } from './dom.js'

const stored = 'lariat-inspector-keys'

/**
 * @param {object} does
 * @param {(index: number) => void} does.view
 * @param {() => void} does.search
 * @param {() => void} does.pause
 * @param {() => void} does.back
 */
export function listenToKeys({ view, search, pause, back }) {
  const help = /** @type {HTMLDialogElement} */ (byId('help'))
  const single = /** @type {HTMLInputElement} */ (byId('single-keys'))
  single.checked = remembered() !== 'off'
  single.addEventListener('change', () => remember(single.checked ? 'on' : 'off'))
  byId('help-button').addEventListener('click', () => help.showModal())
  byId('keys').append(
    ...[
      ['1 … 5', 'the views'],
      ['/', 'search'],
      ['j, k or ↓, ↑', 'next and previous row'],
      ['Enter', 'open the row'],
      ['Esc', 'close what is open'],
      ['p', 'pause, and go on'],
      ['?', 'this help'],
    ].map(([key = '', what = '']) => h('div', {}, h('dt', {}, h('kbd', {}, key)), h('dd', {}, what))),
  )

  document.addEventListener('keydown', (event) => {
    const { key, target } = event
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
    const isIn = target instanceof Element && target.closest('input, textarea, select, .tail-lines, .graph')
    if (key === 'Escape') {
      if (isIn instanceof HTMLElement) isIn.blur()
      else back()
      return
    }
    if (isIn) return
    const isArrow = key === 'ArrowDown' || key === 'ArrowUp'
    if (isArrow ? !isInRows(target) : !single.checked) return
    /** @type {Record<string, () => void>} */
    const keys = {
      '/': search,
      '?': () => help.showModal(),
      p: pause,
      j: () => step(1),
      k: () => step(-1),
      ArrowDown: () => step(1),
      ArrowUp: () => step(-1),
    }
    const run = keys[key] ?? (/^[1-5]$/.test(key) ? () => view(Number(key) - 1) : undefined)
    if (!run) return
    event.preventDefault()
    run()
  })
}

/** @param {EventTarget | null} target */
function isInRows(target) {
  return target instanceof Element && target.closest('#view .rows') !== null
}

/** Goes to another row. @param {1 | -1} by */
function step(by) {
  const links = /** @type {HTMLElement[]} */ ([
    ...document.querySelectorAll('#view .rows tbody td > a[href]:first-child'),
  ]).filter(
    (each, index, all) => all.findIndex((other) => other.closest('tr') === each.closest('tr')) === index,
  )
  const here = document.activeElement?.closest('tr') ?? document.querySelector('#view tr.open')
  const at = links.findIndex((each) => each.closest('tr') === here)
  const next = links[at < 0 ? 0 : Math.max(0, Math.min(links.length - 1, at + by))]
  next?.focus({ preventScroll: true })
  next?.scrollIntoView({ block: 'nearest' })
}

function remembered() {
  try {
    return localStorage.getItem(stored)
  } catch {
    return null // where storage is forbidden
  }
}

/** @param {string} value */
function remember(value) {
  try {
    localStorage.setItem(stored, value)
  } catch {
    // it is asked again next time
  }
}
