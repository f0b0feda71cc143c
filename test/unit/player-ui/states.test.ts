// What the player does about faults and what it says: faults of hls.js, waiting times, sentences,
// the live badge and the overlay. Pure functions of `player/ui`.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyStats } from '../../../player/ui/empty-stats.ts';
import { hlsFaultOf } from '../../../player/ui/hls-fault.ts';
import { liveBadgeModel } from '../../../player/ui/live-edge.ts';
import { overlayModel } from '../../../player/ui/overlay-model.ts';
import { noticeOf, type PlaybackState } from '../../../player/ui/playback-state.ts';
import { maxRetryDelayMs, retryDelayMs } from '../../../player/ui/retry-policy.ts';

describe('hlsFaultOf', () => {
  const network = (
    details: 'manifestLoadError' | 'levelLoadError' | 'fragLoadError',
    code: number,
  ) => hlsFaultOf({ type: 'networkError', details, response: { code } });

  it('takes a playlist that is not there for a broadcast that has not begun', () => {
    expect(network('manifestLoadError', 404)).toEqual({ kind: 'not-started' });
  });

  it('tries again when the server fails or cannot be reached', () => {
    expect(network('manifestLoadError', 503)).toEqual({ kind: 'playlist-lost' });
    expect(hlsFaultOf({ type: 'networkError', details: 'manifestLoadTimeOut' })).toEqual({
      kind: 'playlist-lost',
    });
    expect(network('fragLoadError', 404)).toEqual({ kind: 'media-lost' });
    expect(network('levelLoadError', 0)).toEqual({ kind: 'media-lost' });
  });

  it('gives up where trying again cannot help', () => {
    expect(network('manifestLoadError', 403)).toEqual({ kind: 'final', failure: 'forbidden' });
    expect(hlsFaultOf({ type: 'mediaError', details: 'manifestIncompatibleCodecsError' })).toEqual({
      kind: 'final',
      failure: 'not-supported',
    });
  });

  it('has the decoder recovered after other media errors', () => {
    expect(hlsFaultOf({ type: 'mediaError', details: 'bufferAppendError' })).toEqual({
      kind: 'decoder',
    });
  });
});

describe('retryDelayMs', () => {
  it('grows with the attempts, stays within the ceiling and never is immediate', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
        const delayMs = retryDelayMs(attempt, random);
        expect(delayMs).toBeGreaterThanOrEqual(750);
        expect(delayMs).toBeLessThanOrEqual(maxRetryDelayMs);
        expect(retryDelayMs(attempt + 1, random)).toBeGreaterThanOrEqual(delayMs);
      }),
    );
  });
});

describe('noticeOf', () => {
  it('says nothing while the picture speaks', () => {
    expect(noticeOf({ kind: 'active' })).toBeNull();
    expect(noticeOf({ kind: 'idle' })).toBeNull();
  });

  it('tells the end of a broadcast from the end of a recording', () => {
    expect(noticeOf({ kind: 'ended', wasLive: true })?.title).toBe('The broadcast has ended');
    expect(noticeOf({ kind: 'ended', wasLive: false })?.action).toBe('Play again');
  });

  it('offers no button where another try cannot help', () => {
    expect(noticeOf({ kind: 'failed', failure: 'not-supported' })?.action).toBeNull();
    expect(noticeOf({ kind: 'failed', failure: 'not-decodable' })?.action).toBe('Try again');
  });

  it('moves a mark only while something is under way', () => {
    const states: readonly PlaybackState[] = [
      { kind: 'loading' },
      { kind: 'waiting' },
      { kind: 'reconnecting' },
      { kind: 'ended', wasLive: true },
      { kind: 'failed', failure: 'forbidden' },
    ];
    expect(states.map((state) => noticeOf(state)?.isBusy)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('liveBadgeModel', () => {
  it('counts a small distance as live', () => {
    expect(liveBadgeModel(-1)).toMatchObject({ isAtEdge: true, text: 'Live' });
    expect(liveBadgeModel(3.9).isAtEdge).toBe(true);
  });

  it('says the distance beyond it', () => {
    expect(liveBadgeModel(12.4)).toEqual({
      isAtEdge: false,
      text: '−12 s',
      label: '12 s behind live. Jump to live',
    });
  });
});

describe('overlayModel', () => {
  const figure = (label: string, stats: Parameters<typeof overlayModel>[0], allowed = true) =>
    overlayModel(stats, allowed).figures.find((each) => each.label === label)?.value;

  it('shows what is not known as unknown, never as zero', () => {
    expect(overlayModel(emptyStats, true)).toMatchObject({
      peerShare: null,
      headline: '–',
      barLabel: 'Nothing delivered yet',
    });
    expect(figure('Latency', emptyStats)).toBe('–');
    expect(figure('Rendition', emptyStats)).toBe('–');
  });

  it('says in words what the bar shows', () => {
    const stats = { ...emptyStats, peerBytes: 3_000_000, cdnBytes: 1_000_000, offloadRatio: 0.75 };
    expect(overlayModel(stats, true)).toMatchObject({
      headline: '75 %',
      barLabel: '75 % from viewers, 25 % from the CDN',
      fromPeers: '3.00 MB',
      fromCdn: '1.00 MB',
    });
  });

  it('tells a viewer who shares nothing from one who has no peers', () => {
    expect(figure('Peers', emptyStats, false)).toBe('off');
    expect(figure('Peers', emptyStats, true)).toBe('0');
  });

  it('counts stalls and their length', () => {
    expect(figure('Stalls', emptyStats)).toBe('none');
    expect(figure('Stalls', { ...emptyStats, stallCount: 2, stallSeconds: 3.14 })).toBe(
      '2 · 3.1 s',
    );
  });
});
