// Identifiers of the origin, parsed once at the edge of a service and trusted inside.
// Used by every service and by the player: no dependency, no I/O.

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Name of a live stream, as in its URL: `[a-z0-9][a-z0-9_-]{0,62}`. */
export type StreamId = Branded<'StreamId'>;
/** Name of one encoding of the ladder, as in its URL, for example `720p`. */
export type RenditionName = Branded<'RenditionName'>;
/** One broadcast of a stream: the time it began and random letters, unique within the stream. */
export type RecordingId = Branded<'RecordingId'>;

const streamIdPattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const renditionNamePattern = /^[a-z0-9][a-z0-9_-]{0,31}$/;
const recordingIdPattern = /^\d{8}t\d{6}z-[a-z0-9]{6}$/;

/** The stream id, or `null` when the text is not one. */
export function parseStreamId(text: string): StreamId | null {
  return streamIdPattern.test(text) ? (text as StreamId) : null;
}

/** The rendition name, or `null` when the text is not one. */
export function parseRenditionName(text: string): RenditionName | null {
  return renditionNamePattern.test(text) ? (text as RenditionName) : null;
}

/** The recording id, or `null` when the text is not one. */
export function parseRecordingId(text: string): RecordingId | null {
  return recordingIdPattern.test(text) ? (text as RecordingId) : null;
}

/**
 * The id of a recording that starts at `startedAt`.
 * @param randomness six characters of `[a-z0-9]` that tell apart two starts within one second
 */
export function makeRecordingId(startedAt: Date, randomness: string): RecordingId {
  const stamp = startedAt
    .toISOString()
    .replace(/[-:]|\.\d+/g, '')
    .toLowerCase();
  const id = parseRecordingId(`${stamp}-${randomness}`);
  if (id === null) throw new RangeError(`not six characters of [a-z0-9]: ${randomness}`);
  return id;
}
