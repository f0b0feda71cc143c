// What stays of players that a page has made and destroyed: twenty of them with hls.js alone, or with the
// plugin, in one page of a fresh Chromium. The player benchmark puts the two beside each other.

import { launchChromium } from '../support/chromium.ts';
import type { HlsSite } from '../support/hls-site.ts';
import type { LiveStage } from '../support/live-stage.ts';
import { PlayerCycles, pageOfCycles } from '../support/player-cycles.ts';
import type { PlayerKind } from './player-session.ts';

export const destroyedPlayers = 20;
/**
 * What is loaded late, compiled and learnt by the engine counts for the page, not for its players. It grows by
 * 25 to 50 kB a player over the first twenty and then no more, with hls.js alone as with the plugin.
 */
export const uncountedPlayers = 20;
export const playedMsOfEach = 1_000;

export interface LeakFigures {
  /** With the first, uncounted players gone. */
  readonly heapBytesBefore: number;
  /** With all players gone. */
  readonly heapBytesAfter: number;
  readonly peerConnections: number;
  readonly webSockets: number;
}

export async function measureLeaks(
  kind: PlayerKind,
  site: HlsSite,
  stage: LiveStage,
): Promise<LeakFigures> {
  const plugin = { url: '/player/shoal-hls.mjs', trackerUrl: stage.trackerSocketUrl };
  const page = pageOfCycles({
    hlsUrl: '/hls/hls.min.mjs',
    plugin: kind === 'shoal' ? plugin : null,
    playlistUrl: stage.playlistUrl,
    playedMs: playedMsOfEach,
  });
  site.setPage(`/cycles-${kind}`, page);
  const browser = await launchChromium();
  try {
    const cycles = await PlayerCycles.open(
      await browser.newContext(),
      `${site.url}/cycles-${kind}`,
    );
    await cycles.play(uncountedPlayers);
    const before = await cycles.holdings();
    await cycles.play(destroyedPlayers);
    const after = await cycles.holdings();
    return {
      heapBytesBefore: before.heapBytes,
      heapBytesAfter: after.heapBytes,
      peerConnections: after.peerConnections,
      webSockets: after.webSockets,
    };
  } finally {
    await browser.close();
  }
}
