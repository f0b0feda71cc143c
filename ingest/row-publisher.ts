// Rows of segments on their way to viewers: into the store first, then into every rendition's
// playlist at once. The broadcast hands rows over one after the other, the origin serves them.

import type { Logger } from 'pino';
import type { PackagedInitSection } from './hls/fragment-reader.ts';
import type { ListedSegment } from './hls/media-playlist.ts';
import type { OutputRow } from './hls/output-rows.ts';
import type { PackagedSegment } from './hls/packager.ts';
import { CheckpointWriter } from './origin/checkpoint-writer.ts';
import type { LiveRendition } from './origin/live-rendition.ts';
import type { Presentation } from './origin/live-stream.ts';
import type { MediaObjects } from './origin/media-objects.ts';
import { mediaKey } from './origin/object-keys.ts';
import { pieceListOf, pieceRootOf } from './origin/piece-digests.ts';
import type { RecordingArchive } from './origin/recording-archive.ts';
import type { SegmentSigner } from './origin/segment-signer.ts';
import { initSectionName, type Sha256Hex, segmentName } from './protocol/index.ts';

export interface RowPublisherOptions {
  readonly presentation: Presentation;
  readonly objects: MediaObjects;
  /** `null` keeps the live window only. */
  readonly archive: RecordingArchive | null;
  readonly signer: SegmentSigner;
  readonly logger: Logger;
  /** A row is in the store and waits until this resolves; viewers see its segments then. */
  readonly beforeListing: (sequenceNumber: number) => Promise<void>;
  /** Told of each listed row: the time since its last frame was captured. */
  readonly onListed: (sinceCaptureSeconds: number) => void;
  /** Told once, when the first row is listed. */
  readonly onPlayable: () => void;
}

/** What is said of the encoding of a row. */
export interface RowEncoding {
  /** Capture time of its zero. */
  readonly originTimeMs: number;
  /** In the order of the row. */
  readonly renditionNames: readonly string[];
}

interface PendingEncoding extends RowEncoding {
  readonly inits: readonly PackagedInitSection[];
}

interface StoredSegment {
  readonly sequenceNumber: number;
  readonly digest: Sha256Hex;
  readonly initDigest: Sha256Hex;
}

/** Windows that stay in the store without a recording, for slow clients. */
const keptWindows = 2;

export class RowPublisher {
  readonly #options: RowPublisherOptions;
  readonly #checkpoints: CheckpointWriter | null;
  /** Counts the encodings of which a segment is listed. */
  #generation = -1;
  /** Of an encoding without a segment yet: one that dies before leaves no trace. */
  #nextEncoding: PendingEncoding | null = null;
  /** Those of the current generation: an encoder that is too slow does without some. */
  #renditions: readonly LiveRendition[] = [];
  /** Of the current generation, in the order of the renditions. */
  #initDigests: readonly Sha256Hex[] = [];
  /** Capture time of the current encoding's zero. */
  #originTimeMs = 0;
  /** Where the last listed segment ended. */
  #endTimeMs = 0;
  #nextSequenceNumber: number;
  /** Lowest number that may still be in the store. */
  #oldestStored: number;

  constructor(options: RowPublisherOptions) {
    const { presentation, archive, logger } = options;
    this.#options = options;
    this.#checkpoints =
      archive === null ? null : new CheckpointWriter({ archive, presentation, logger });
    this.#nextSequenceNumber = presentation.firstSequenceNumber;
    this.#oldestStored = presentation.firstSequenceNumber;
  }

  /**
   * Stores and lists a row; the one before must have been listed.
   * @throws IngestError `store-unavailable`
   */
  async publish(row: OutputRow, encoding: RowEncoding): Promise<void> {
    const inits = row.filter((output) => output.kind === 'init-section');
    const segments = row.filter((output) => output.kind === 'segment');
    if (inits.length === row.length) this.#nextEncoding = { ...encoding, inits };
    else if (segments.length === row.length) await this.#publishSegments(segments);
    else throw new RangeError('a row has outputs of two kinds');
  }

  /** Resolves when what was listed is written down. */
  async settle(): Promise<void> {
    await this.#checkpoints?.settle();
  }

  async #beginGeneration(encoding: PendingEncoding): Promise<void> {
    const { inits, originTimeMs, renditionNames } = encoding;
    const { presentation } = this.#options;
    // Everything of the encodings before is listed: who is not in this one has its end.
    presentation.shedAllBut(renditionNames);
    this.#renditions = presentation.activeRenditions;
    const generation = this.#generation + 1;
    this.#initDigests = await this.#store(initSectionName(generation), inits);
    this.#generation = generation;
    this.#nextEncoding = null;
    // Publishers overlap by a moment when one replaces the other; the playlist's times never fall.
    this.#originTimeMs = Math.max(originTimeMs, this.#endTimeMs);
    for (const [index, rendition] of this.#renditions.entries()) {
      const [init, digest] = [inits[index], this.#initDigests[index]];
      if (init === undefined || digest === undefined) continue;
      rendition.addInitSection(this.#generation, digest, init.description);
    }
  }

  async #publishSegments(segments: readonly PackagedSegment[]): Promise<void> {
    if (this.#nextEncoding !== null) await this.#beginGeneration(this.#nextEncoding);
    const sequenceNumber = this.#nextSequenceNumber;
    // In the store before it is listed: whoever reads the playlist can read the segment.
    const digests = await this.#store(segmentName(sequenceNumber), segments);
    await this.#options.beforeListing(sequenceNumber);
    this.#nextSequenceNumber += 1;
    for (const [index, rendition] of this.#renditions.entries()) {
      const [segment, digest] = [segments[index], digests[index]];
      const initDigest = this.#initDigests[index];
      if (segment === undefined || digest === undefined || initDigest === undefined) continue;
      const signature = this.#sign(rendition, { sequenceNumber, digest, initDigest });
      const pieceRoot = pieceRootOf(segment.bytes.length, pieceListOf(segment.bytes)).root;
      this.#list(rendition, segment, { sequenceNumber, digest, signature, pieceRoot });
    }
    const { firstSequenceNumber } = this.#options.presentation;
    if (sequenceNumber === firstSequenceNumber) this.#options.onPlayable();
    this.#options.onListed((Date.now() - this.#endTimeMs) / 1000);
    if (this.#checkpoints === null) await this.#evict();
    else this.#checkpoints.save();
  }

  #sign(rendition: LiveRendition, segment: StoredSegment): string {
    const { signer, presentation } = this.#options;
    const { stream, recording, discontinuitySequence } = presentation;
    return signer.sign({
      ...{ stream, recording, rendition: rendition.name },
      mediaSequenceNumber: segment.sequenceNumber,
      discontinuitySequence: discontinuitySequence + this.#generation,
      digest: segment.digest,
      initDigest: segment.initDigest,
    });
  }

  #list(
    rendition: LiveRendition,
    segment: PackagedSegment,
    listed: Pick<ListedSegment, 'sequenceNumber' | 'digest' | 'signature' | 'pieceRoot'>,
  ): void {
    const { startSeconds, durationSeconds, frameCount, bytes } = segment;
    const programDateTimeMs = this.#originTimeMs + startSeconds * 1000;
    this.#endTimeMs = Math.max(this.#endTimeMs, programDateTimeMs + durationSeconds * 1000);
    const generation = this.#generation;
    const sizeBytes = bytes.length;
    rendition.list(
      { ...listed, durationSeconds, programDateTimeMs, sizeBytes, generation },
      frameCount,
    );
  }

  /** One object of each rendition under the same name. */
  #store(name: string, outputs: readonly { readonly bytes: Uint8Array }[]): Promise<string[]> {
    const { presentation, objects } = this.#options;
    return Promise.all(
      this.#renditions.map((rendition, index) =>
        objects.put(
          mediaKey(presentation, rendition.name, name),
          outputs[index]?.bytes ?? new Uint8Array(),
        ),
      ),
    );
  }

  /** Forgets what has left the window for a whole window's length. */
  async #evict(): Promise<void> {
    const { presentation, objects } = this.#options;
    const [first] = this.#renditions;
    const { renditions } = presentation;
    const windowStart = first?.firstSequenceNumber ?? null;
    const last = first?.lastSequenceNumber ?? null;
    if (windowStart === null || last === null) return;
    const oldestKept = last + 1 - keptWindows * (last - windowStart + 1);
    for (; this.#oldestStored < oldestKept; this.#oldestStored += 1) {
      const name = segmentName(this.#oldestStored);
      for (const rendition of renditions) {
        await objects.delete(mediaKey(presentation, rendition.name, name));
      }
    }
  }
}
