// A short broadcast of a test picture and a tone, four times as fast as real time: for tests that
// need a broadcast and do not look at its media.

import type { BroadcastSink } from '../../ingest/whip/broadcast-sink.ts';
import { makeFrames, playFrames } from './frame-source.ts';

export interface BroadcastMedia {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly durationSeconds: number;
}

/** Writes the frames; the sink stays open. */
export async function playBroadcast(sink: BroadcastSink, media: BroadcastMedia): Promise<void> {
  const frames = await makeFrames({ ...media, frameRate: 10, startTimeMs: Date.now() });
  await playFrames(frames, (frame) => sink.writeFrame(frame), { speed: 4 });
}
