// What a publisher may send, frame by frame, and what its answer tells it.

import { describe, expect, it } from 'vitest';
import type { EncodedFrame } from '../../../ingest/rtp/encoded-frame.ts';
import { PublisherLimitWatch } from '../../../ingest/whip/publisher-limits.ts';
import { limitBitrate } from '../../../ingest/whip/sdp-answer.ts';

const limits = { maxBitrateBps: 1_000_000, maxLines: 720 };

function sound(sizeBytes: number): EncodedFrame {
  return { kind: 'audio', codec: 'opus', captureTimeMs: 0, payload: new Uint8Array(sizeBytes) };
}

function picture(widthPx: number, heightPx: number): EncodedFrame {
  const configuration = { widthPx, heightPx, decoderConfiguration: null };
  const payload = new Uint8Array(1);
  return {
    ...{ kind: 'video', codec: 'vp8', captureTimeMs: 0 },
    isKeyframe: true,
    payload,
    configuration,
  };
}

/** What is said within half a minute of one frame in 100 ms. */
function verdicts(bytesAt: (nowMs: number) => number): string[] {
  const watch = new PublisherLimitWatch(limits);
  const found: string[] = [];
  for (let nowMs = 0; nowMs <= 30_000; nowMs += 100) {
    const exceeded = watch.exceeded(sound(bytesAt(nowMs)), nowMs);
    if (exceeded !== null) found.push(`${nowMs}: ${exceeded}`);
  }
  return found;
}

describe('the limits of a publisher', () => {
  it('bear bursts and a little too much', () => {
    expect(verdicts(() => 15_000)).toEqual([]);
    expect(verdicts((nowMs) => (nowMs < 2_000 ? 50_000 : 5_000))).toEqual([]);
  });

  it('are exceeded by what is too much for ten seconds', () => {
    expect(verdicts(() => 20_000)[0]).toMatch(/^10000: 16\d\d kbit\/s$/);
  });

  it('are exceeded by a picture that is too large, whichever way it is held', () => {
    const watch = new PublisherLimitWatch(limits);
    expect(watch.exceeded(picture(1280, 720), 0)).toBeNull();
    expect(watch.exceeded(picture(720, 1280), 0)).toBeNull();
    expect(watch.exceeded(picture(1080, 1920), 0)).toBe('a picture of 1080 lines');
  });

  it('are told in the answer, before the attributes of the picture', () => {
    const answer = ['v=0', 's=-', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=mid:0'];
    const video = ['m=video 9 UDP/TLS/RTP/SAVPF 96', 'c=IN IP4 0.0.0.0', 'a=mid:1', ''];
    const limited = limitBitrate([...answer, ...video].join('\r\n'), 2_500_000);
    expect(limited.split('\r\n')).toEqual([
      ...answer,
      ...video.slice(0, 2),
      'b=AS:2500',
      'b=TIAS:2500000',
      ...video.slice(2),
    ]);
  });
});
