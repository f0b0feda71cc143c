// What hls.js's ABR learns of ranges from the CDN. player/delivery/pieces/transfer-clock.ts.

import { expect, it } from 'vitest';
import { TransferClock } from '../../../player/delivery/pieces/transfer-clock.ts';

const sizeBytes = 600_000;

function speedBps(clock: TransferClock, nowMs: number): number | null {
  const transfer = clock.whole(nowMs);
  return transfer && (sizeBytes * 8_000) / (transfer.finishedAtMs - transfer.firstByteAtMs);
}

it('takes a whole segment as it came', () => {
  const clock = new TransferClock(sizeBytes);
  const range = clock.begin(1_000, sizeBytes, 1_050);
  expect(clock.underWay()).toMatchObject({ startedAtMs: 1_000, firstByteAtMs: 1_050 });
  clock.end(range, sizeBytes, 1_650);
  expect(clock.underWay()).toBeNull();
  expect(clock.whole(1_650)).toEqual({
    startedAtMs: 1_000,
    firstByteAtMs: 1_050,
    finishedAtMs: 1_650,
  });
});

it('takes the largest range for the whole, and leaves out the waiting between ranges', () => {
  const clock = new TransferClock(sizeBytes);
  clock.end(clock.begin(1_000, 400_000, 1_050), 400_000, 1_450);
  clock.end(clock.begin(4_000, 100_000, 4_050), 100_000, 4_900);
  expect(speedBps(clock, 5_000)).toBeCloseTo(8_000_000);
});

it('learns nothing from small ranges, nor without one', () => {
  const clock = new TransferClock(sizeBytes);
  expect(clock.whole(1_000)).toBeNull();
  for (let index = 0; index < 6; index += 1)
    clock.end(clock.begin(index * 100, 100_000, index * 100 + 1), 100_000, index * 100 + 2);
  expect(clock.whole(1_000)).toBeNull();
});
