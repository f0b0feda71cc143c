// What is written down about a broadcast: all of it while it runs, so that a crash loses little,
// and a summary when it is finished. The recording archive writes and reads both.

import { z } from 'zod';
import type { ListedInitSection, ListedSegment } from '../hls/media-playlist.ts';
import {
  parseRecordingId,
  parseRenditionName,
  parseStreamId,
  type RecordingId,
  type RenditionName,
  type StreamId,
} from '../protocol/index.ts';

export interface RecordedRendition {
  readonly name: RenditionName;
  readonly bandwidthBps: number;
  readonly averageBandwidthBps: number;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly frameRate: number | null;
  readonly codecs: string;
  /** Whether it ended before the broadcast: it is no choice for who watches the recording. */
  readonly isShed?: boolean;
  readonly initSections: readonly ListedInitSection[];
  readonly segments: readonly ListedSegment[];
}

/** A whole broadcast. */
export interface RecordingDescription {
  readonly stream: StreamId;
  readonly recording: RecordingId;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly targetDurationSeconds: number;
  /** Discontinuity sequence number of the first segment. */
  readonly discontinuitySequence: number;
  readonly renditions: readonly RecordedRendition[];
}

/** What the list of recordings says. */
export interface RecordingSummary {
  readonly stream: StreamId;
  readonly recording: RecordingId;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly durationSeconds: number;
  /** Of all segments; 0 in recordings of earlier versions. */
  readonly sizeBytes: number;
  readonly hasPoster: boolean;
  readonly hasThumbnails: boolean;
  readonly renditions: readonly Omit<
    RecordedRendition,
    'initSections' | 'segments' | 'isShed' | 'averageBandwidthBps' | 'frameRate'
  >[];
}

/** A later part of the same broadcast joined to an earlier one. */
export function joinDescriptions(
  earlier: RecordingDescription,
  later: RecordingDescription,
): RecordingDescription {
  return {
    ...later,
    renditions: later.renditions.map((rendition) => {
      const before = earlier.renditions.find(({ name }) => name === rendition.name);
      return { ...rendition, segments: [...(before?.segments ?? []), ...rendition.segments] };
    }),
  };
}

function parsed<Id extends string>(parse: (text: string) => Id | null) {
  return z.string().transform((text, context): Id => {
    const id = parse(text);
    if (id !== null) return id;
    context.addIssue({ code: 'custom', message: 'not an id' });
    return z.NEVER;
  });
}

const count = z.number().int().min(0);
const positive = z.number().min(0);
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const place = {
  stream: parsed(parseStreamId),
  recording: parsed(parseRecordingId),
  startedAt: z.iso.datetime(),
};
const format = {
  name: parsed(parseRenditionName),
  bandwidthBps: positive,
  widthPx: count,
  heightPx: count,
  codecs: z.string().max(256),
};

export const recordingDescriptionSchema = z.object({
  ...place,
  targetDurationSeconds: count,
  discontinuitySequence: count.default(0),
  renditions: z.array(
    z.object({
      ...format,
      averageBandwidthBps: positive,
      frameRate: positive.nullable(),
      isShed: z.boolean().default(false),
      initSections: z.array(z.object({ generation: count, digest })),
      segments: z.array(
        z.object({
          sequenceNumber: count,
          durationSeconds: positive,
          programDateTimeMs: positive,
          digest,
          sizeBytes: count,
          generation: count,
          signature: z
            .string()
            .regex(/^[A-Za-z0-9_-]{86}$/)
            .nullable()
            .default(null),
          pieceRoot: z
            .string()
            .regex(/^[A-Za-z0-9_-]{22}$/)
            .nullable()
            .default(null),
        }),
      ),
    }),
  ),
}) satisfies z.ZodType<RecordingDescription>;

export const recordingSummarySchema = z.object({
  ...place,
  endedAt: z.iso.datetime(),
  durationSeconds: positive,
  sizeBytes: count.default(0),
  hasPoster: z.boolean().default(false),
  hasThumbnails: z.boolean().default(false),
  renditions: z.array(z.object(format)),
}) satisfies z.ZodType<RecordingSummary>;
