// Which layer of a simulcast is taken, told frame by frame.

import { describe, expect, it } from 'vitest';
import type { DepacketizedFrame } from '../../../ingest/rtp/depacketizer.ts';
import { LayerChoice } from '../../../ingest/rtp/layer-choice.ts';

const heightsPx = [720, 360, 180];
const frameMs = 40;

function frame(layer: number, isKeyframe: boolean): DepacketizedFrame {
  const heightPx = heightsPx[layer] ?? 0;
  const configuration = { widthPx: heightPx * 2, heightPx, decoderConfiguration: null };
  return {
    ...{ rtpTimestamp: 0, arrivalMs: 0, isKeyframe, payload: new Uint8Array(1) },
    configuration: isKeyframe ? configuration : null,
  };
}

/** Which layer is taken when, of layers that send a keyframe each second while they flow. */
function taken(isFlowing: (layer: number, nowMs: number) => boolean, untilMs = 20_000): string[] {
  const choice = new LayerChoice(heightsPx.length);
  const changes: string[] = [];
  for (let nowMs = 0; nowMs < untilMs; nowMs += frameMs) {
    // The smallest layer arrives first.
    for (const layer of [2, 1, 0]) {
      if (!isFlowing(layer, nowMs)) continue;
      const verdict = choice.take(layer, frame(layer, nowMs % 1_000 === 0), nowMs);
      if (verdict === 'switched') changes.push(`${heightsPx[layer]} at ${nowMs}`);
      if (verdict === 'taken') expect(choice.current).toBe(layer);
    }
  }
  return changes;
}

describe('LayerChoice', () => {
  it('takes the largest at once when all are there', () => {
    expect(taken(() => true)).toEqual(['720 at 0']);
  });

  it('waits for the largest, whose bandwidth is found last', () => {
    expect(taken((layer, nowMs) => layer === 2 || nowMs >= 2_000)).toEqual(['720 at 2000']);
  });

  it('does without layers that do not come, and takes them when they do', () => {
    expect(taken((layer) => layer > 0)).toEqual(['360 at 4000']);
    expect(taken((layer, nowMs) => layer > 0 || nowMs >= 9_000)).toEqual([
      '360 at 4000',
      '720 at 11000',
    ]);
  });

  it('falls to the next when the largest stops, and rises when it is back for a while', () => {
    const stopped = (nowMs: number): boolean => nowMs > 5_000 && nowMs < 10_000;
    expect(taken((layer, nowMs) => layer > 0 || !stopped(nowMs))).toEqual([
      '720 at 0',
      '360 at 7000',
      '720 at 12000',
    ]);
  });

  it('stays with its layer when the publisher stops as a whole', () => {
    expect(taken((_, nowMs) => nowMs < 5_000 || nowMs > 9_000)).toEqual(['720 at 0']);
  });
});
