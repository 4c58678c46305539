import axe from 'axe-core'
import type { Page } from 'playwright-core'

/** Telephone and desk, in CSS pixels; each colour scheme in one of them, since colours do not depend on the width. */
const looks = [
  { width: 390, colorScheme: 'dark' },
  { width: 1280, colorScheme: 'light' },
] as const

/** In the page: elements that reach past its right edge, unless something around them scrolls or hides them. */
const findOverflow = `(() => {
  const width = document.documentElement.clientWidth
  if (document.scrollingElement.scrollWidth <= width) return []
  const isHeld = (element) => {
    for (let above = element.parentElement; above; above = above.parentElement)
      if (getComputedStyle(above).overflowX !== 'visible' && above !== document.body) return true
    return false
  }
  return ['the page is ' + document.scrollingElement.scrollWidth + ' wide'].concat(
    [...document.body.querySelectorAll('*')]
      .filter((element) => element.getBoundingClientRect().right > width + 1 && !isHeld(element))
      .map((element) => element.tagName.toLowerCase() + '.' + element.className))
})()`

/** In the page: what axe finds that keeps people out or hinders them seriously. */
const findBarriers = (parts: readonly string[]): string =>
  `axe.run({ include: ${JSON.stringify(parts.map((part) => [part]))} }, { resultTypes: ['violations'] }).then(({ violations }) => violations
  .filter(({ impact }) => impact === 'serious' || impact === 'critical')
  .map(({ id, nodes }) => nodes.length + ' × ' + id + ', such as ' + nodes.slice(0, 3)
    .map(({ target, any }) => target.join(' ') + ': ' + (any[0]?.message ?? '')).join('; ')))`

/**
 * What is wrong with a page as it stands, on a telephone in the dark and on a desk in the light: barriers of axe-core that are serious
 * or critical, and what makes it scroll sideways. Empty when all is well. `parts` are selectors of what axe looks at, on a page
 * that is long and mostly the same.
 */
export const inspectPage = async (page: Page, ...parts: string[]): Promise<string[]> => {
  const problems: string[] = []
  await page.evaluate(axe.source)
  for (const { width, colorScheme } of looks) {
    await page.setViewportSize({ width, height: 900 })
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    const found = [
      ...(await page.evaluate<string[]>(findOverflow)),
      ...(await page.evaluate<string[]>(findBarriers(parts.length > 0 ? parts : ['html']))),
    ]
    problems.push(...found.map((problem) => `${width} ${colorScheme}: ${problem}`))
  }
  return problems
}

/** Collects what the page complains of: errors on its console, refusals by its own policy among them. */
export const listenForComplaints = (page: Page): string[] => {
  const complaints: string[] = []
  page.on('pageerror', (fault) => complaints.push(String(fault)))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  return complaints
}
