import { expect } from 'chai'
import type { Page } from 'playwright-core'

/** What Chromium says on the console of a server that is away. */
export const away =
  /net::ERR_(?:CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|ABORTED)/

/** Waits until something is shown, with a text where one is given. */
export async function shows(page: Page, selector: string, text?: string | RegExp): Promise<void> {
  const locator = page.locator(selector, text === undefined ? {} : { hasText: text })
  await locator.first().waitFor()
}

/** Waits until the page has counted so. */
export async function countsOf(page: Page, wanted: Record<string, number>): Promise<void> {
  const read = () =>
    page.evaluate(
      (names) =>
        Object.fromEntries(names.map((name) => [name, Number(document.getElementById(name)!.textContent)])),
      Object.keys(wanted),
    )
  await page.waitForFunction(
    (expected) =>
      Object.entries(expected).every(
        ([name, count]) => Number(document.getElementById(name)!.textContent) >= count,
      ),
    wanted,
  )
  expect(await read()).to.deep.equal(wanted)
}

/** Hides the window, or shows it, as far as the page can tell. */
export function look(page: Page, state: 'hidden' | 'visible'): Promise<void> {
  return page.evaluate((value) => {
    Object.defineProperty(document, 'visibilityState', { value, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, state)
}
