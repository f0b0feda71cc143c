// The guide for site owners, docs/embed.md, taken at its word: its snippets play in Chromium, also
// under the policy that it recommends. Only the addresses are replaced.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ShoalPlayer } from '../../player/shoal-player.ts';
import { PlayerPages, untilPosition } from '../support/player-page.ts';
import { pollUntil } from '../support/poll-until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let pages: PlayerPages;
let guide: string;

beforeAll(async () => {
  guide = await readFile(path.join(root, 'docs/embed.md'), 'utf8');
  pages = await PlayerPages.start();
  await pages.site.makeRecording('demo', 12);
  pages.site.setFile(
    '/hls.mjs',
    await readFile(path.join(root, 'node_modules/hls.js/dist/hls.min.mjs'), 'utf8'),
  );
});

afterEach(() => pages.closePages());
afterAll(() => pages?.close());

/** The guide's snippets of a language, with the addresses of this test. */
function snippets(language: string): string[] {
  const found = guide.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'));
  return [...found].map(([, text = '']) => withAddresses(text));
}

function withAddresses(text: string): string {
  return (
    text
      .replaceAll('https://live.example.com', pages.site.url)
      // Nobody answers there: everything must play without the tracker.
      .replaceAll('wss://tracker.example.com', 'ws://127.0.0.1:9')
      .replaceAll('https://tracker.example.com', 'http://127.0.0.1:9')
  );
}

function snippetWith(text: string): string {
  const found = snippets('html').find((snippet) => snippet.includes(text));
  if (found === undefined) throw new Error(`the guide has no snippet with ${text}`);
  return found;
}

async function open(body: string, headers: Readonly<Record<string, string>> = {}): Promise<Page> {
  pages.site.setPage(
    '/guide',
    `<!doctype html><html lang="en"><title>guide</title>${body}`,
    headers,
  );
  const page = await pages.newPage();
  await page.addInitScript(() => {
    const refused: string[] = [];
    Reflect.set(window, 'refused', refused);
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      refused.push(`${violatedDirective} ${blockedURI}`),
    );
  });
  await page.goto(`${pages.site.url}/guide`);
  return page;
}

describe('the guide to embed', () => {
  it('has an element that plays, and a script that hears its statistics', async () => {
    const page = await open(snippetWith('<shoal-player') + snippetWith('shoal-stats'));
    await untilPosition(page, 0.3);
    await page.locator('media-controller').waitFor({ state: 'attached' });
    await pollUntil(async () => (await page.title()) === '0 % from viewers', {
      timeoutMs: 10_000,
      description: 'the title tells the share of viewers',
    });
  });

  it('has a policy under which the player and its controls work, and refuse nothing', async () => {
    const [policy = ''] = snippets('text').filter((text) => text.includes('script-src'));
    const page = await open(snippetWith('<shoal-player'), {
      'content-security-policy': policy.replaceAll('\n', ' '),
    });
    await untilPosition(page, 0.3);
    await page.locator('shoal-player').hover();
    await page.getByRole('button', { name: 'pause' }).click();
    expect(await page.evaluate(() => document.querySelector('shoal-player')?.paused)).toBe(true);
    expect(await page.evaluate(() => Reflect.get(window, 'refused'))).toEqual([]);
  });

  it('has three lines that play with a page’s own hls.js', async () => {
    const modules = '<script type="importmap">{"imports":{"hls.js":"/hls.mjs"}}</script>';
    const page = await open(modules + snippetWith('createShoalHls'));
    await page.evaluate(() => document.querySelector('video')?.play());
    await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 0.3);
  });

  it('names every attribute that the element observes', () => {
    const missing = ShoalPlayer.observedAttributes.filter((name) => !guide.includes(`\`${name}`));
    // One that stands with others in the last row of the table, or has a row of its own.
    expect(missing.filter((name) => name !== 'disableremoteplayback')).toEqual([]);
  });

  it('asks in the words that it quotes', async () => {
    const page = await open(
      snippetWith('<shoal-player').replace('tracker=', 'p2p="consent" tracker='),
    );
    const question = page.getByRole('group', { name: 'Help to deliver this video?' });
    await question.waitFor();
    const quoted = guide
      .split('\n')
      .filter((line) => line.startsWith('> '))
      .map((line) => line.slice(2))
      .join(' ');
    const detail = (await question.locator('.consent-detail').innerText()).trim();
    expect(quoted).toContain(detail);
  });
});
