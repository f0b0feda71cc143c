// The controls of `<shoal-player>` in a real Chromium: buttons, keys, seek bar, menus, sizes.
// What the element itself does is in `player-element.test.ts`, its states in `player-states.test.ts`.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PlayerPages, untilPlayedMore, untilPosition } from '../support/player-page.ts';
import { pollUntil } from '../support/poll-until.ts';

const recordingSeconds = 40;
let pages: PlayerPages;

beforeAll(async () => {
  pages = await PlayerPages.start();
  await pages.site.makeRecording('recording', recordingSeconds);
  await makeVariants();
  await makeWindow();
});

afterEach(() => pages.closePages());
afterAll(() => pages?.close());

/** Two renditions of the recording and subtitles for it. */
async function makeVariants(): Promise<void> {
  const { site } = pages;
  const playlist = await site.readMedia('recording/360p/index.m3u8');
  const absolute = (name: string): string =>
    playlist
      .replaceAll(/^(\S+\.m4s)$/gm, `/live/recording/360p/$1?${name}`)
      .replaceAll(/URI="([^"]+)"/g, 'URI="/live/recording/360p/$1"');
  site.setFile('/live/variants/low/index.m3u8', absolute('low'));
  site.setFile('/live/variants/high/index.m3u8', absolute('high'));
  site.setFile(
    '/live/variants/text.m3u8',
    `#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:${recordingSeconds}\n` +
      `#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:${recordingSeconds},\ntext.vtt\n#EXT-X-ENDLIST\n`,
  );
  site.setFile(
    '/live/variants/text.vtt',
    'WEBVTT\n\n00:00.000 --> 00:30.000\nWords that somebody says\n',
  );
  const codecs = 'CODECS="avc1.42c01e,mp4a.40.2",SUBTITLES="text"';
  site.setFile(
    '/live/variants/index.m3u8',
    '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n' +
      '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="text",NAME="English",LANGUAGE="en",' +
      'AUTOSELECT=YES,DEFAULT=NO,URI="text.m3u8"\n' +
      `#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,${codecs}\nlow/index.m3u8\n` +
      `#EXT-X-STREAM-INF:BANDWIDTH=2800000,RESOLUTION=1280x720,${codecs}\nhigh/index.m3u8\n`,
  );
}

/** The recording as a live stream whose window does not move any more. */
async function makeWindow(): Promise<void> {
  const { site } = pages;
  const playlist = await site.readMedia('recording/360p/index.m3u8');
  const live = playlist.replace('#EXT-X-ENDLIST', '').replace('#EXT-X-PLAYLIST-TYPE:VOD\n', '');
  site.setFile(
    '/live/window/media.m3u8',
    live
      .replaceAll(/^(\S+\.m4s)$/gm, '/live/recording/360p/$1')
      .replaceAll(/URI="([^"]+)"/g, 'URI="/live/recording/360p/$1"')
      .replace('#EXTINF', '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:10.000Z\n#EXTINF'),
  );
  site.setFile(
    '/live/window/index.m3u8',
    '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,' +
      'CODECS="avc1.42c01e,mp4a.40.2"\nmedia.m3u8\n',
  );
  site.setFile('/live/window/pictures/1.jpg', await site.makePicture(160, 90));
  site.setFile('/live/window/pictures/2.jpg', await site.makePicture(160, 90));
  // The track counts from the first picture of the broadcast, ten seconds before the window.
  site.setFile(
    '/live/window/thumbnails.vtt',
    'WEBVTT\nX-PROGRAM-DATE-TIME=2026-01-01T00:00:00.000Z\n\n' +
      '00:00:10.000 --> 00:00:30.000\npictures/1.jpg\n\n' +
      '00:00:30.000 --> 00:00:50.000\npictures/2.jpg\n',
  );
}

const recording = 'src="/live/recording/index.m3u8" autoplay muted controls';
const variants = 'src="/live/variants/index.m3u8" autoplay muted controls';

describe('the controls of <shoal-player>', () => {
  it('pause, play, mute and seek at the press of their buttons and keys', async () => {
    const { page, problems } = await pages.open({ attributes: recording });
    await untilPosition(page, 0.3);
    const state = () =>
      page.evaluate(() => {
        const player = document.querySelector('shoal-player');
        return { paused: player?.paused, muted: player?.muted, at: player?.currentTime ?? 0 };
      });
    await page.locator('shoal-player').hover();
    await page.getByRole('button', { name: 'pause' }).click();
    expect((await state()).paused).toBe(true);
    // The keys do what the button says, which follows the video.
    await page.getByRole('button', { name: 'play', exact: true }).waitFor();
    await page.keyboard.press('k');
    await pollUntil(async () => (await state()).paused === false, {
      timeoutMs: 5_000,
      description: 'k plays',
    });
    await page.keyboard.press('m');
    expect((await state()).muted).toBe(false);
    const before = (await state()).at;
    await page.keyboard.press('l');
    await pollUntil(async () => (await state()).at >= before + 10, {
      timeoutMs: 5_000,
      description: 'l goes 10 s ahead',
    });
    await page.getByRole('slider', { name: 'seek' }).focus();
    await page.keyboard.press('Home');
    await pollUntil(async () => (await state()).at < before + 5, {
      timeoutMs: 5_000,
      description: 'Home on the seek bar goes to the start',
    });
    expect(problems).toEqual([]);
  });

  it('offer the qualities and automatic choice, and keep to what was chosen', async () => {
    const { page } = await pages.open({ attributes: variants, widthPx: 900 });
    await untilPosition(page, 0.3);
    await page.locator('shoal-player').hover();
    await page.getByRole('button', { name: 'quality' }).click();
    const items = page.getByRole('menu', { name: 'Quality' }).getByRole('menuitemradio');
    await items.filter({ hasText: 'Auto' }).waitFor();
    expect((await items.allInnerTexts()).map((text) => text.trim().slice(0, 4))).toEqual([
      '720p',
      '360p',
      'Auto',
    ]);
    for (const [name, folder] of [
      ['360p', 'low'],
      ['720p', 'high'],
    ] as const) {
      await items.filter({ hasText: new RegExp(`^\\s*${name}`) }).click();
      await items.first().waitFor({ state: 'hidden' });
      await pollUntil(
        () =>
          page.evaluate(
            (wanted) => document.querySelector('shoal-player')?.stats.rendition === wanted,
            folder,
          ),
        { timeoutMs: 10_000, description: `segments of ${name} are loaded` },
      );
      await page.getByRole('button', { name: 'quality' }).click();
    }
    expect(
      await page.evaluate(
        () => document.querySelector('shoal-player')?.videoRenditions.selectedIndex,
      ),
    ).toBe(1);
  });

  it('show captions at the press of c and from their menu', async () => {
    const { page } = await pages.open({ attributes: variants, widthPx: 900 });
    await untilPosition(page, 0.3);
    const modes = () =>
      page.evaluate(() =>
        [...(document.querySelector('shoal-player')?.textTracks ?? [])]
          .filter(({ kind }) => kind === 'subtitles' || kind === 'captions')
          .map(({ mode, label, cues }) => `${label} ${mode} ${(cues?.length ?? 0) > 0}`),
      );
    await page.locator('shoal-player').hover();
    const button = page.getByRole('button', { name: 'closed captions' });
    await button.waitFor();
    await button.click();
    await page.getByRole('menuitemradio', { name: 'English' }).click();
    await pollUntil(async () => (await modes()).join() === 'English showing true', {
      timeoutMs: 10_000,
      description: 'the captions are loaded and shown',
    });
    await page.locator('shoal-player media-play-button').focus();
    await page.keyboard.press('c');
    await pollUntil(async () => !(await modes()).join().includes('showing'), {
      timeoutMs: 5_000,
      description: 'c hides them',
    });
  });

  it('have a bar for the live window, with pictures, and a way back to live', async () => {
    const { page, problems } = await pages.open({
      attributes: 'src="/live/window/index.m3u8" autoplay muted controls',
    });
    await untilPosition(page, 0.3);
    expect(pages.site.requests).not.toContain('/live/window/thumbnails.vtt');
    expect(
      await page.evaluate(() => {
        const player = document.querySelector('shoal-player');
        return [player?.streamType, player?.duration, (player?.targetLiveWindow ?? 0) >= 30];
      }),
    ).toEqual(['live', Number.POSITIVE_INFINITY, true]);
    const bar = page.locator('media-time-range');
    const box = await pollUntil(() => bar.boundingBox(), {
      timeoutMs: 5_000,
      description: 'the seek bar is there',
    });
    const shown = () =>
      page.evaluate(() => {
        const range = document
          .querySelector('shoal-player')
          ?.shadowRoot?.querySelector('media-time-range');
        return {
          image: range?.getAttribute('mediapreviewimage')?.split('/').pop() ?? '',
          time: Number(range?.getAttribute('mediapreviewtime')),
        };
      });
    for (const [share, picture] of [
      [0.25, '1.jpg'],
      [0.75, '2.jpg'],
    ] as const) {
      let wiggle = 0;
      await pollUntil(
        async () => {
          // Pictures come while the pointer moves.
          wiggle = (wiggle + 1) % 8;
          await page.mouse.move(
            box.x + box.width * share + wiggle * 6 - 24,
            box.y + box.height / 2,
          );
          return (await shown()).image === picture;
        },
        { timeoutMs: 10_000, description: `the picture at ${share}` },
      );
    }
    // Distance from the live edge, not a position.
    expect((await shown()).time).toBeLessThan(0);
    await page.mouse.click(box.x + box.width * 0.25, box.y + box.height / 2);
    const back = page.getByRole('button', { name: /behind live/ });
    await back.waitFor();
    expect(await back.innerText()).toMatch(/−\d+ s/);
    await back.click();
    await page.getByRole('button', { name: 'Playing live' }).waitFor();
    expect(problems).toEqual([]);
  });

  it('ask once for pictures that are not there, and only when somebody points at the bar', async () => {
    const { page } = await pages.open({ attributes: recording });
    await untilPosition(page, 0.3);
    const asked = () =>
      pages.site.requests.filter((path) => path === '/live/recording/thumbnails.vtt').length;
    expect(asked()).toBe(0);
    await page.locator('media-time-range').hover();
    await pollUntil(() => asked() === 1, {
      timeoutMs: 5_000,
      description: 'the track is asked for',
    });
    for (const x of [100, 200, 300, 400]) await page.mouse.move(x, 320);
    await page.locator('media-time-range').hover({ position: { x: 200, y: 12 } });
    await untilPlayedMore(page, 0.5);
    expect(asked()).toBe(1);
  });

  it('come and go with their attribute, and the picture plays on', async () => {
    const { page, problems } = await pages.open({
      attributes: 'src="/live/recording/index.m3u8" autoplay muted',
    });
    await untilPosition(page, 0.3);
    const bars = () => page.locator('media-controller').count();
    expect(await bars()).toBe(0);
    expect(await page.getByRole('button').count()).toBe(0);
    await page.evaluate(() => document.querySelector('shoal-player')?.setAttribute('controls', ''));
    await page.locator('media-controller').waitFor({ state: 'attached' });
    await page.evaluate(() => document.querySelector('shoal-player')?.removeAttribute('controls'));
    await page.locator('media-controller').waitFor({ state: 'detached' });
    await untilPlayedMore(page, 0.3);
    const seen = await page.evaluate(() => Reflect.get(window, 'seen'));
    expect(seen).not.toContain('pause');
    expect(problems).toEqual([]);
  });

  it('fit into 240 px, and every button is reached by Tab', async () => {
    const { page } = await pages.open({
      attributes: `${recording} tracker="ws://127.0.0.1:9"`,
      widthPx: 240,
    });
    await untilPosition(page, 0.3);
    await page.locator('shoal-player').hover();
    const buttons = page.locator('media-control-bar > *:visible:not(.bar-space)');
    const boxes = await Promise.all((await buttons.all()).map((each) => each.boundingBox()));
    expect(boxes.length).toBeGreaterThanOrEqual(5);
    for (const box of boxes) {
      expect(box?.x).toBeGreaterThanOrEqual(0);
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(240);
      expect(box?.height).toBeGreaterThanOrEqual(24);
    }
    await page.locator('#text').focus();
    const reached: string[] = [];
    for (let presses = 0; presses < boxes.length + 3; presses += 1) {
      await page.keyboard.press('Tab');
      reached.push(
        await page.evaluate(() => {
          const focused = document.querySelector('shoal-player')?.shadowRoot?.activeElement;
          return focused?.localName === 'button' ? focused.className : (focused?.localName ?? '');
        }),
      );
    }
    expect(reached.filter((name) => name !== '')).toEqual([
      'tap',
      'media-controller',
      'media-time-range',
      'media-play-button',
      'media-mute-button',
      'delivery-button',
      'media-rendition-menu-button',
      'media-fullscreen-button',
    ]);
  });

  it('give way to the browser’s own where the page’s policy forbids their styles', async () => {
    const { page, problems } = await pages.open({
      attributes: recording,
      headers: { 'content-security-policy': "style-src 'self'" },
    });
    await untilPosition(page, 0.3);
    const state = await page.evaluate(() => {
      const player = document.querySelector('shoal-player');
      const bars = player?.shadowRoot?.querySelectorAll('media-controller').length;
      return { isNative: player?.media.controls, bars, width: player?.media.clientWidth };
    });
    expect(state.isNative).toBe(true);
    expect(state.bars).toBe(0);
    expect(problems).toEqual([]);
  });
});
