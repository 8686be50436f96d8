import { expect } from 'chai'
import type { Page } from 'playwright-core'

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
