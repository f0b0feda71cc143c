// axe-core over a page as it is at the moment, in both colour schemes. For the tests of pages and of the
// player's states.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

export const colorSchemes = ['light', 'dark'] as const;
let source: Promise<string> | null = null;

/**
 * What axe finds, one line a violation; open shadow trees are looked into.
 * @param within a selector, where the page around it is only the test's
 */
export async function violations(page: Page, state: string, within = 'html'): Promise<string[]> {
  source ??= readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  // By evaluation, not by a script element: the page's policy does not matter.
  await page.evaluate(await source);
  const results = await page.evaluate(async (selector) => {
    const axe: unknown = Reflect.get(window, 'axe');
    const { run } = axe as { run: (context: string) => Promise<AxeResults> };
    return await run(selector);
  }, within);
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(
      (node) => `${state}: ${id} at ${node.target.flat().join(' ')}: ${node.failureSummary}`,
    ),
  );
}

export async function violationsInSchemes(
  page: Page,
  state: string,
  within?: string,
): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of colorSchemes) {
    await page.emulateMedia({ colorScheme });
    found.push(...(await violations(page, `${state} ${colorScheme}`, within)));
  }
  return found;
}
