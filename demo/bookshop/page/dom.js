/**
 * The element of an id, which has to be there.
 *
 * @template {Element} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const element = document.getElementById(id)
  if (!element) throw new Error(`There is no element #${id}`)
  return /** @type {T} */ (/** @type {unknown} */ (element))
}

/**
 * An element with its attributes, listeners (`onclick`) and children. A text is a text: never markup.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') {
      element.addEventListener(key.slice(2), /** @type {EventListener} */ (value))
    } else if (value === true) element.setAttribute(key, '')
    else if (value !== false && value !== undefined) element.setAttribute(key, String(value))
  }
  element.append(...children)
  return element
}

/**
 * Lets a button be pressed, or not. It keeps the focus: one that is `disabled` would lose it, and a keyboard would
 * begin again at the top of the page.
 *
 * @param {HTMLElement} button
 * @param {boolean} isIt
 */
export function enable(button, isIt) {
  button.setAttribute('aria-disabled', String(!isIt))
}

/**
 * Listens to a button, while it may be pressed.
 *
 * @param {HTMLElement} button
 * @param {() => void} press
 */
export function onPress(button, press) {
  button.addEventListener('click', () => {
    if (button.getAttribute('aria-disabled') !== 'true') press()
  })
}

/**
 * Gives an element the focus, and scrolls no more than is needed to see it.
 *
 * @param {HTMLElement} element
 */
export function focusOn(element) {
  element.focus({ preventScroll: true })
  element.scrollIntoView({ block: 'nearest' })
}
