// An ingest on port 0 with its own directory, and the publisher that a WHIP session would be.
// Integration tests of ingest start from it.

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Ingest, type IngestOptions } from '@shoal/ingest';
import { parseStreamId, type StreamId } from '@shoal/ingest/protocol';
import { pino } from 'pino';
import type { PublisherControl, SessionCloseReason } from '../../ingest/whip/broadcast-sink.ts';

export interface IngestForTest {
  readonly ingest: Ingest;
  readonly directory: string;
  /** Stops the service and removes its directory. */
  close(): Promise<void>;
}

export function streamId(text: string): StreamId {
  const id = parseStreamId(text);
  if (id === null) throw new RangeError(`not a stream id: ${text}`);
  return id;
}

/** A small ladder: two cores carry the source, the encoder and the checks. */
export const smallLadder = [
  { name: '360p', widthPx: 640, heightPx: 360, videoBitrateBps: 500_000, audioBitrateBps: 64_000 },
  { name: '180p', widthPx: 320, heightPx: 180, videoBitrateBps: 200_000, audioBitrateBps: 64_000 },
] as const;

/** Starts ingest; `directory` reuses that of an earlier one. */
export async function startIngestForTest(
  overrides: Partial<IngestOptions> = {},
): Promise<IngestForTest> {
  const directory =
    overrides.dataDirectory ?? (await mkdtemp(path.join(os.tmpdir(), 'shoal-ingest-')));
  const ingest = await Ingest.start({
    host: '127.0.0.1',
    port: 0,
    streamKeys: new Map([[streamId('demo'), 'key-of-the-test']]),
    dataDirectory: directory,
    store: 'disk',
    ladder: smallLadder,
    segmentSeconds: 2,
    dvrSeconds: 60,
    reconnectSeconds: 30,
    pagesDirectory: path.join(directory, 'pages'),
    playerDirectory: path.join(directory, 'player'),
    logger: pino({ level: 'silent' }),
    ...overrides,
  });
  return {
    ingest,
    directory,
    close: async () => {
      await ingest.close('test ended');
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export interface PublisherForTest extends PublisherControl {
  /** Why ingest closed the session, in order. */
  readonly closeReasons: readonly SessionCloseReason[];
  /** How often it was asked for a keyframe, which it never gives. */
  readonly keyframeRequests: number;
}

/** A publisher that has nothing behind it but remembers what it was told. */
export function publisherForTest(media = { hasVideo: true, hasAudio: true }): PublisherForTest {
  const closeReasons: SessionCloseReason[] = [];
  let keyframeRequests = 0;
  return {
    sessionId: 'session-of-the-test',
    media,
    closeReasons,
    get keyframeRequests() {
      return keyframeRequests;
    },
    requestKeyframe: () => {
      keyframeRequests += 1;
    },
    close: async (reason) => {
      closeReasons.push(reason);
    },
  };
}
