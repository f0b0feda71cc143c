// Which recordings expire, by age and by size.

import { makeRecordingId } from '@shoal/ingest/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordingSummary } from '../../../ingest/origin/recording-description.ts';
import { expiredRecordings } from '../../../ingest/origin/retention.ts';
import { streamId } from '../../support/ingest-for-test.ts';

const nowMs = Date.UTC(2026, 10, 22, 12);

function recording(ageSeconds: number, sizeBytes: number): RecordingSummary {
  const endedAt = new Date(nowMs - ageSeconds * 1000);
  return {
    ...{ stream: streamId('demo'), recording: makeRecordingId(endedAt, 'abc123'), sizeBytes },
    ...{ startedAt: endedAt.toISOString(), endedAt: endedAt.toISOString() },
    ...{ durationSeconds: 10, hasPoster: false, hasThumbnails: false, renditions: [] },
  };
}

const forEver = { maxAgeSeconds: null, maxTotalBytes: null };

describe('retention', () => {
  it('keeps everything without a policy', () => {
    expect(expiredRecordings([recording(1e9, 1e15)], forEver, nowMs)).toEqual([]);
  });

  it('lets go what ended too long ago', () => {
    const [old, young] = [recording(3_601, 1), recording(3_600, 1)];
    const policy = { ...forEver, maxAgeSeconds: 3_600 };
    expect(expiredRecordings([young, old], policy, nowMs)).toEqual([old]);
  });

  it('lets the oldest go until the rest fits', () => {
    const recordings = [recording(30, 40), recording(10, 40), recording(20, 40)];
    const policy = { ...forEver, maxTotalBytes: 80 };
    expect(expiredRecordings(recordings, policy, nowMs)).toEqual([recordings[0]]);
    expect(expiredRecordings(recordings, { ...policy, maxTotalBytes: 79 }, nowMs)).toHaveLength(2);
  });

  it('always ends within its bounds, and never deletes more than it must', () => {
    const recordings = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 1_000 }), fc.integer({ min: 1, max: 100 })),
    );
    fc.assert(
      fc.property(recordings, fc.nat(1_000), fc.nat(500), (sizes, maxAgeSeconds, maxTotalBytes) => {
        const all = sizes.map(([age, size]) => recording(age, size));
        const expired = new Set(expiredRecordings(all, { maxAgeSeconds, maxTotalBytes }, nowMs));
        const kept = all.filter((item) => !expired.has(item));
        const keptBytes = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        expect(keptBytes).toBeLessThanOrEqual(maxTotalBytes);
        const ageOf = ({ endedAt }: RecordingSummary) => (nowMs - Date.parse(endedAt)) / 1000;
        for (const item of kept) expect(ageOf(item)).toBeLessThanOrEqual(maxAgeSeconds);
        const youngestExpired = [...expired].at(-1);
        if (youngestExpired !== undefined && ageOf(youngestExpired) <= maxAgeSeconds) {
          expect(keptBytes + youngestExpired.sizeBytes).toBeGreaterThan(maxTotalBytes);
        }
      }),
    );
  });
});
