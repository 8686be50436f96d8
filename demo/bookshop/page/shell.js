import { commands } from './commands.js'
import { byId, h } from './dom.js'

/** Puts the commands of each panel at its end. */
export function showCommands() {
  for (const [panel, list] of Object.entries(commands)) {
    byId(panel).append(
      h(
        'details',
        { class: 'shell' },
        h('summary', {}, 'Try it from the shell'),
        ...list.map(({ format, command }) => line(format, command.replace('HOST', location.origin))),
      ),
    )
  }
}

/**
 * @param {string} format
 * @param {string} command
 */
function line(format, command) {
  const button = h(
    'button',
    { type: 'button', class: 'copy', 'aria-label': `Copy the command for ${format}` },
    'Copy',
  )
  const code = h(
    'code',
    { tabindex: 0, role: 'textbox', 'aria-readonly': 'true', 'aria-label': format },
    command,
  )
  button.addEventListener('click', async () => {
    button.textContent = (await copy(command, code)) ? 'Copied' : 'Press Ctrl+C'
    setTimeout(() => {
      button.textContent = 'Copy'
    }, 2000)
  })
  return h('div', { class: 'command' }, h('span', { class: 'format' }, format), code, button)
}

/**
 * Copies a text; where the browser does not let it (no HTTPS), selects it instead.
 *
 * @param {string} text
 * @param {HTMLElement} shown
 */
async function copy(text, shown) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    getSelection()?.selectAllChildren(shown)
    return false
  }
}
