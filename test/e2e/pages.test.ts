// The pages as people use them: axe-core over every page and every state of the player, in both
// colour schemes, and a viewer who gives consent and takes it back. Services and browser are real.

import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildForBrowsers } from '../../infra/local/build.ts';
import { type colorSchemes, violations, violationsInSchemes } from '../support/axe.ts';
import { launchChromium } from '../support/chromium.ts';
import { pollUntil } from '../support/poll-until.ts';
import { Services } from '../support/service-processes.ts';

const stream = 'studio';
const key = 'accessibility-key';
const timeoutMs = 60_000;
let browser: Browser;
let services: Services;

beforeAll(async () => {
  await buildForBrowsers({ isForced: false });
  browser = await launchChromium();
  services = await Services.start({ streamKeys: `${stream}:${key}`, ladder: '240p' });
});

afterAll(async () => {
  await browser?.close();
  await services?.stop();
});

async function openPage(
  path: string,
  colorScheme: (typeof colorSchemes)[number],
  viewport = { width: 1_280, height: 800 },
): Promise<{ readonly page: Page; readonly context: BrowserContext }> {
  const context = await browser.newContext({ colorScheme, viewport, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(timeoutMs);
  await page.goto(`${services.ingestUrl}${path}`);
  return { page, context };
}

/** Looks at one page in one state after another, in both colour schemes. */
async function look(
  path: string,
  states: Readonly<Record<string, (page: Page) => Promise<unknown>>>,
  viewport?: { readonly width: number; readonly height: number },
): Promise<string[]> {
  const found: string[] = [];
  const { page, context } = await openPage(path, 'dark', viewport);
  for (const [state, reach] of Object.entries(states)) {
    await reach(page);
    found.push(...(await violationsInSchemes(page, `${path} ${state}`)));
  }
  await context.close();
  return found;
}

const untilPlaying = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => {
    const player = document.querySelector('shoal-player');
    return player !== null && Reflect.get(player, 'currentTime') > 0.5;
  });
const setAttribute = (page: Page, name: string, value: string | null): Promise<unknown> =>
  page.evaluate(
    ([attribute, text]) => {
      const player = document.querySelector('shoal-player');
      if (text === null) player?.removeAttribute(attribute);
      else player?.setAttribute(attribute, text);
    },
    [name, value] as const,
  );

describe('the pages', () => {
  it('have no accessibility violation on the page to broadcast from, idle and live', async () => {
    const { page } = await openPage('/', 'light');
    const found = await violations(page, 'broadcast idle light');
    await page.fill('#stream', stream);
    await page.fill('#key', key);
    await page.click('#camera');
    await page.click('#start');
    await page.waitForSelector('#state[data-state="live"]');
    found.push(...(await violationsInSchemes(page, 'broadcast live')));
    expect(found).toEqual([]);
  });

  it('have none where somebody waits for a broadcast, on the watch page and in the embed', async () => {
    const waits = {
      waiting: (page: Page) => page.getByText('The broadcast has not started yet').waitFor(),
    };
    expect([
      ...(await look('/watch/later', waits)),
      ...(await look('/embed/later', waits)),
    ]).toEqual([]);
  });

  it('have none on the watch page while it plays, with its menu, its overlay and its question', async () => {
    const found = await look(`/watch/${stream}`, {
      playing: untilPlaying,
      menu: async (page) => {
        await page.locator('shoal-player').hover();
        await page.getByRole('button', { name: 'quality' }).click();
        await page.getByRole('menuitemradio').first().waitFor();
      },
      'no overlay': async (page) => {
        await page.keyboard.press('Escape');
        await setAttribute(page, 'overlay', null);
        await page
          .getByRole('region', { name: 'Delivery statistics' })
          .waitFor({ state: 'hidden' });
      },
      consent: async (page) => {
        await setAttribute(page, 'p2p', 'consent');
        await page.getByText('Help to deliver this video?').waitFor();
      },
      error: async (page) => {
        await page.route('**/live/**', (route) => route.fulfill({ status: 403 }));
        await page.evaluate(() => {
          const player = document.querySelector('shoal-player');
          if (player && 'load' in player && typeof player.load === 'function') player.load();
        });
        await page.getByText('This stream is not open to you').waitFor();
      },
    });
    expect(found).toEqual([]);
  });

  it('join nothing before consent, leave when it is taken back and remember that', async () => {
    const context = await browser.newContext();
    const sockets = { opened: 0, open: 0 };
    const open = async (): Promise<Page> => {
      const page = await context.newPage();
      page.setDefaultTimeout(timeoutMs);
      page.on('websocket', (socket) => {
        sockets.opened += 1;
        sockets.open += 1;
        socket.on('close', () => {
          sockets.open -= 1;
        });
      });
      await page.goto(`${services.ingestUrl}/embed/${stream}?p2p=consent&overlay`);
      await untilPlaying(page);
      return page;
    };
    const first = await open();
    await first.getByText('Help to deliver this video?').waitFor();
    expect(sockets.opened).toBe(0);
    await first.getByRole('button', { name: 'Allow' }).click();
    await pollUntil(() => sockets.open > 0, { timeoutMs, description: 'the viewer joins' });
    const sharing = first.getByRole('switch', { name: 'Share with other viewers' });
    expect(await sharing.isChecked()).toBe(true);
    await sharing.uncheck();
    await pollUntil(() => sockets.open === 0, { timeoutMs, description: 'the viewer leaves' });

    const openedBefore = sockets.opened;
    const second = await open();
    expect(await second.getByText('Help to deliver this video?').isVisible()).toBe(false);
    await second.getByText('sharing is off').waitFor();
    // The same answer on the watch page, whose switch and the overlay's are one.
    await second.goto(`${services.ingestUrl}/watch/${stream}`);
    const onPage = second.locator('#sharing');
    const inOverlay = second.locator('shoal-player').getByRole('switch');
    await inOverlay.waitFor();
    expect([await onPage.isChecked(), await inOverlay.isChecked()]).toEqual([false, false]);
    expect(sockets.opened).toBe(openedBefore);
    await inOverlay.check();
    await pollUntil(() => sockets.open > 0, { timeoutMs, description: 'the viewer joins again' });
    expect(await onPage.isChecked()).toBe(true);
    await context.close();
  });

  it('have none in the embed at the size of a phone', async () => {
    const size = { width: 360, height: 203 };
    expect(await look(`/embed/${stream}`, { playing: untilPlaying }, size)).toEqual([]);
  });
});
