// Makes elements. Text is always text, never markup.

/**
 * The element of an id, which must exist.
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
 * An element with its attributes, listeners (`onclick`) and children.
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
    } else setAttribute(element, key, value === true ? '' : value)
  }
  element.append(...children)
  return element
}

/**
 * Changes an element's text, where it differs: what stays is not painted again.
 *
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

/**
 * Changes an attribute, where it differs; false and undefined remove it.
 *
 * @param {Element} element
 * @param {string} name
 * @param {unknown} value
 */
export function setAttribute(element, name, value) {
  if (value === false || value === undefined) element.removeAttribute(name)
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value))
}

/**
 * Gives an element exactly these children, in this order: those that stay are not moved, and the one with the focus
 * keeps it.
 *
 * @param {Element} parent
 * @param {readonly Element[]} children
 */
export function setChildren(parent, children) {
  const focused = document.activeElement
  const staying = new Set(children)
  for (const child of [...parent.children]) if (!staying.has(child)) child.remove()
  let next = parent.firstElementChild
  for (const child of children) {
    if (child === next) next = next.nextElementSibling
    else parent.insertBefore(child, next)
  }
  const isLost = focused !== document.activeElement && focused instanceof HTMLElement
  if (isLost && parent.contains(focused)) focused.focus({ preventScroll: true })
}
