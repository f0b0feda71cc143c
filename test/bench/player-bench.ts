// npm run bench player: the same page with plain hls.js and with the plugin, by turns, on one live stream
// that two further viewers exchange; what the plugin costs a viewer.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildForBrowsers } from '../../infra/local/build.ts';
import { HlsSite } from '../support/hls-site.ts';
import { LiveStage } from '../support/live-stage.ts';
import type { BenchReport } from './bench-report.ts';
import { LoadWatch } from './load-watch.ts';
import {
  destroyedPlayers,
  type LeakFigures,
  measureLeaks,
  playedMsOfEach,
  uncountedPlayers,
} from './player-leaks.ts';
import {
  type PlayerKind,
  playedMs,
  playSession,
  type SessionFigures,
  startMs,
} from './player-session.ts';

const sessionsEach = 10;
const picture = { rendition: '480p', widthPx: 854, heightPx: 480 } as const;
const root = fileURLToPath(new URL('../..', import.meta.url));

type Pair = Readonly<Record<PlayerKind, number>>;

interface Limit {
  readonly metric: string;
  readonly digits: number;
  readonly kind: 'ratio' | 'difference';
  /** Absent for what only explains another row. */
  readonly most?: number;
}

interface SessionLimit extends Limit {
  readonly of: (figures: SessionFigures) => number;
  /** Over all sessions rather than their median: stalls are rare. */
  readonly isSum?: boolean;
}

interface LeakLimit extends Limit {
  readonly of: (figures: LeakFigures) => number;
}

const sessionLimits: readonly SessionLimit[] = [
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
    metric: `main thread in the first ${startMs / 1_000} s, ms per second`,
    of: (figures) => figures.mainThreadMsPerSecondAtStart,
    ...{ digits: 1, kind: 'ratio', most: 1.25 },
  },
  {
    ...{ metric: 'memory of the browser, MB', of: (figures) => figures.memoryBytes / 1e6 },
    ...{ digits: 1, kind: 'difference', most: 40 },
  },
];

const leakLimits: readonly LeakLimit[] = [
  {
    ...{ metric: 'JS heap before, MB', of: (figures) => figures.heapBytesBefore / 1e6 },
    ...{ digits: 2, kind: 'difference' },
  },
  {
    ...{
      metric: `JS heap after ${destroyedPlayers} players destroyed, MB`,
      of: (figures) => figures.heapBytesAfter / 1e6,
    },
    ...{ digits: 2, kind: 'difference' },
  },
  {
    ...{
      metric: 'JS heap more per player destroyed, kB',
      of: ({ heapBytesBefore, heapBytesAfter }) =>
        (heapBytesAfter - heapBytesBefore) / 1e3 / destroyedPlayers,
    },
    ...{ digits: 1, kind: 'difference', most: 50 },
  },
  {
    ...{
      metric: `RTCPeerConnections left after ${destroyedPlayers} players destroyed`,
      of: (figures) => figures.peerConnections,
    },
    ...{ digits: 0, kind: 'difference', most: 0 },
  },
  {
    ...{
      metric: `WebSockets left after ${destroyedPlayers} players destroyed`,
      of: (figures) => figures.webSockets,
    },
    ...{ digits: 0, kind: 'difference', most: 0 },
  },
];

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function rowOf(limit: Limit, { plain, shoal }: Pair): Record<string, string | number> {
  const compared = limit.kind === 'ratio' ? shoal / plain : shoal - plain;
  const sign = limit.kind === 'ratio' ? '×' : '+';
  const isKept = limit.most === undefined || compared <= limit.most;
  return {
    figure: limit.metric,
    'plain hls.js': plain.toFixed(limit.digits),
    'with Shoal': shoal.toFixed(limit.digits),
    compared: limit.kind === 'ratio' ? `×${compared.toFixed(3)}` : compared.toFixed(limit.digits),
    'at most': limit.most === undefined ? '' : `${sign}${limit.most}`,
    kept: limit.most === undefined ? '' : isKept ? 'yes' : 'no',
  };
}

function sessionRow(
  limit: SessionLimit,
  figures: Readonly<Record<PlayerKind, readonly SessionFigures[]>>,
): Record<string, string | number> {
  const combine = (kind: PlayerKind): number => {
    const values = figures[kind].map(limit.of);
    return limit.isSum ? values.reduce((sum, value) => sum + value, 0) : median(values);
  };
  return rowOf(limit, { plain: combine('plain'), shoal: combine('shoal') });
}

async function playSessions(
  site: HlsSite,
  stage: LiveStage,
): Promise<Record<PlayerKind, SessionFigures[]>> {
  const figures: Record<PlayerKind, SessionFigures[]> = { plain: [], shoal: [] };
  for (let index = 0; index < sessionsEach; index += 1) {
    // Whoever goes first in a pair goes second in the next one.
    const order: PlayerKind[] = index % 2 === 0 ? ['plain', 'shoal'] : ['shoal', 'plain'];
    for (const kind of order) {
      const session = await playSession(kind, site, stage);
      console.log(kind, JSON.stringify(session));
      figures[kind].push(session);
    }
  }
  return figures;
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
  const load = LoadWatch.start();
  try {
    const figures = await playSessions(site, stage);
    const leaks = {
      plain: await measureLeaks('plain', site, stage),
      shoal: await measureLeaks('shoal', site, stage),
    };
    console.log('left behind', JSON.stringify(leaks));
    const offload = median(figures.shoal.map(({ peerShare }) => peerShare));
    return {
      name: 'player',
      title: 'What the plugin costs a viewer, beside plain hls.js',
      method: [
        `${sessionsEach} sessions each by turns in Chromium, each in a browser of its own, ${playedMs / 1_000} s of playback, begun at the same point between two segments, on a line of 25 Mbit/s that adds 20 ms to each request; 480p live from ingest with two further viewers exchanging, all on this machine; medians. ${Math.round(offload * 100)} % of the media of the sessions with Shoal came from peers. Memory is the proportional set size of all processes of the browser.`,
        `What is left is counted after a forced collection in one more page each, which has made, played for ${playedMsOfEach / 1_000} s and destroyed ${uncountedPlayers} players before, and then ${destroyedPlayers} more, one after the other, those with Shoal with a peer each.`,
        ...(load.stop().isStarved ? ['Taken on a busy machine.'] : []),
      ].join(' '),
      rows: [
        ...sessionLimits.map((limit) => sessionRow(limit, figures)),
        ...leakLimits.map((limit) =>
          rowOf(limit, { plain: limit.of(leaks.plain), shoal: limit.of(leaks.shoal) }),
        ),
      ],
    };
  } finally {
    await Promise.all(neighbours.map((neighbour) => neighbour.close()));
    await site.close();
    await stage.close();
  }
}
