// Outputs of several renditions brought into step.

import { describe, expect, it } from 'vitest';
import { OutputRows } from '../../../ingest/hls/output-rows.ts';
import type { PackagedSegment } from '../../../ingest/hls/packager.ts';

function segment(startSeconds: number): PackagedSegment {
  return {
    ...{ kind: 'segment', startSeconds, durationSeconds: 2, startsWithKeyframe: true },
    ...{ mediaEndSeconds: startSeconds + 2, frameCount: 50, bytes: new Uint8Array() },
  };
}

describe('OutputRows', () => {
  it('gives a row with the output that completes it, in the order of the renditions', () => {
    const rows = new OutputRows(3);
    const [first, second, third] = [segment(0), segment(0), segment(0)];
    expect(rows.push(1, second)).toBeNull();
    expect(rows.push(2, third)).toBeNull();
    expect(rows.push(0, first)).toEqual([first, second, third]);
    expect(rows.incompleteCount).toBe(0);
  });

  it('keeps what a rendition has ahead of the others for later rows', () => {
    const rows = new OutputRows(2);
    for (const startSeconds of [0, 2, 4]) expect(rows.push(0, segment(startSeconds))).toBeNull();
    expect(rows.push(1, segment(0))?.map(({ kind }) => kind)).toEqual(['segment', 'segment']);
    const row = rows.push(1, segment(2));
    expect(row).toEqual([segment(2), segment(2)]);
    expect(rows.incompleteCount).toBe(1);
  });
});
