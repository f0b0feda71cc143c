// npm run bench player: the same page with plain hls.js and with the plugin, by turns, on one live stream
// that two further viewers exchange; what the plugin costs a viewer.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildForBrowsers } from '../../infra/local/build.ts';
import { HlsSite } from '../support/hls-site.ts';
import { LiveStage } from '../support/live-stage.ts';
import type { BenchReport } from './bench-report.ts';
import { LoadWatch } from './load-watch.ts';
import { type PlayerKind, playSession, type SessionFigures } from './player-session.ts';

const sessionsEach = 10;
const picture = { rendition: '480p', widthPx: 854, heightPx: 480 } as const;
const root = fileURLToPath(new URL('../..', import.meta.url));

interface Limit {
  readonly metric: string;
  readonly of: (figures: SessionFigures) => number;
  readonly digits: number;
  readonly kind: 'ratio' | 'difference';
  /** Over all sessions rather than their median: stalls are rare. */
  readonly isSum?: boolean;
  readonly most: number;
}

const limits: readonly Limit[] = [
  {
    ...{ metric: 'time to first frame, ms', of: (figures) => figures.firstFrameMs },
    ...{ digits: 0, kind: 'ratio', most: 1.05 },
  },
  {
    ...{ metric: 'stalls, all sessions', of: (figures) => figures.stallCount, digits: 0 },
    ...{ kind: 'difference', isSum: true, most: 0 },
  },
  {
    ...{ metric: 'main thread, ms per second', of: (figures) => figures.mainThreadMsPerSecond },
    ...{ digits: 1, kind: 'ratio', most: 1.25 },
  },
  {
    ...{ metric: 'memory of the browser, MB', of: (figures) => figures.memoryBytes / 1e6 },
    ...{ digits: 1, kind: 'difference', most: 40 },
  },
];

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function rowOf(
  limit: Limit,
  figures: Readonly<Record<PlayerKind, readonly SessionFigures[]>>,
): Record<string, string | number> {
  const combine = (kind: PlayerKind): number => {
    const values = figures[kind].map(limit.of);
    return limit.isSum ? values.reduce((sum, value) => sum + value, 0) : median(values);
  };
  const [plain, shoal] = [combine('plain'), combine('shoal')];
  const compared = limit.kind === 'ratio' ? shoal / plain : shoal - plain;
  const sign = limit.kind === 'ratio' ? '×' : '+';
  return {
    figure: limit.metric,
    'plain hls.js': plain.toFixed(limit.digits),
    'with Shoal': shoal.toFixed(limit.digits),
    compared: limit.kind === 'ratio' ? `×${compared.toFixed(3)}` : compared.toFixed(limit.digits),
    'at most': `${sign}${limit.most}`,
    kept: compared <= limit.most ? 'yes' : 'no',
  };
}

export async function benchPlayer(): Promise<BenchReport> {
  await buildForBrowsers({ isForced: false });
  const stage = await LiveStage.start('bench', picture);
  const site = await HlsSite.start({
    folders: {
      '/hls/': path.join(root, 'node_modules/hls.js/dist'),
      '/player/': path.join(root, 'player/dist'),
    },
  });
  const neighbours = [stage.neighbour(), stage.neighbour()];
  const figures: Record<PlayerKind, SessionFigures[]> = { plain: [], shoal: [] };
  const load = LoadWatch.start();
  try {
    for (let index = 0; index < sessionsEach; index += 1) {
      // Whoever goes first in a pair goes second in the next one.
      const order: PlayerKind[] = index % 2 === 0 ? ['plain', 'shoal'] : ['shoal', 'plain'];
      for (const kind of order) {
        const session = await playSession(kind, site, stage);
        console.log(kind, JSON.stringify(session));
        figures[kind].push(session);
      }
    }
  } finally {
    await Promise.all(neighbours.map((neighbour) => neighbour.close()));
    await site.close();
    await stage.close();
  }
  const offload = median(figures.shoal.map(({ peerShare }) => peerShare));
  return {
    name: 'player',
    title: 'What the plugin costs a viewer, beside plain hls.js',
    method: `${sessionsEach} sessions each by turns in Chromium, each in a browser of its own, 10 s of playback, begun at the same point between two segments, on a line of 25 Mbit/s that adds 20 ms to each request; 480p live from ingest with two further viewers exchanging, all on this machine; medians. ${Math.round(offload * 100)} % of the media of the sessions with Shoal came from peers. Memory is the proportional set size of all processes of the browser.${load.stop().isStarved ? ' Taken on a busy machine.' : ''}`,
    rows: limits.map((limit) => rowOf(limit, figures)),
  };
}
