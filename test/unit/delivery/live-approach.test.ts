// How a viewer who started too close to the edge gets to its distance. player/delivery/hls/live-approach.ts.

import { expect, it } from 'vitest';
import { LiveApproach } from '../../../player/delivery/hls/live-approach.ts';

function distance(latency: number, isLive = true) {
  const details = { live: isLive } as NonNullable<
    Parameters<LiveApproach['update']>[0]['latestLevelDetails']
  >;
  return { latency, targetLatency: 6, latestLevelDetails: details };
}

it('plays slower until the target is reached, and at 1 from then on', () => {
  const approach = new LiveApproach();
  const media = { playbackRate: 1 };
  const rates = [2.5, 4.6, 5.7, 5.9, 5.0, 4.4].map((latency) => {
    approach.update(distance(latency), media);
    return media.playbackRate;
  });
  expect(rates).toEqual([0.92, 0.92, 0.92, 1, 1, 0.92]);
});

it('leaves recordings, good distances and rates that the viewer has chosen alone', () => {
  const approach = new LiveApproach();
  const media = { playbackRate: 1 };
  approach.update(distance(2, false), media);
  approach.update(distance(6), media);
  expect(media.playbackRate).toBe(1);
  media.playbackRate = 1.5;
  approach.update(distance(2), media);
  expect(media.playbackRate).toBe(1.5);
  media.playbackRate = 1;
  approach.update(distance(2), media);
  media.playbackRate = 1.25;
  approach.update(distance(7), media);
  expect(media.playbackRate).toBe(1.25);
});
