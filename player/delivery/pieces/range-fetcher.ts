// Fetches runs of pieces from the CDN by HTTP ranges, hands on each piece as soon as it is whole
// and checked, and measures how fast this viewer's CDN is. Below piece-delivery.

import { pieceListHeader } from '@shoal/ingest/protocol';
import type { FetchUrl } from '../cdn/cdn-fetch.ts';
import { CdnError } from '../cdn-fetcher.ts';
import { type CdnSpeed, CdnSpeedMeter } from '../scheduler/cdn-speed.ts';
import { PieceDigests, parsePieceList } from './piece-digests.ts';
import type { PieceSegment } from './piece-segment.ts';

export interface RangeListener {
  onFirstByte(): void;
  /** It takes far longer than fetches of this size do; it goes on all the same. */
  onLate(): void;
  /** A checked piece. */
  onPiece(piece: number, bytes: Uint8Array<ArrayBuffer>): void;
}

export interface RangeResult {
  /** All pieces of the range came and were right. */
  readonly isComplete: boolean;
  readonly discardedBytes: number;
}

export interface RangeFetcherOptions {
  readonly fetch: FetchUrl;
  readonly nowMs: () => number;
}

const timeoutMs = 10_000;
/** A fetch is late after this many times what is expected of it, and not before the least. */
const lateFactor = 3;
const leastLateMs = 1_000;
/** What should have come by then is read at once: each chunk of a body costs the page a task. */
const readAtOnceMs = 40;

export class RangeFetcher {
  readonly #options: RangeFetcherOptions;
  readonly #running = new Map<AbortController, PieceSegment>();
  readonly #meter = new CdnSpeedMeter();

  constructor(options: RangeFetcherOptions) {
    this.#options = options;
  }

  get speed(): CdnSpeed {
    return this.#meter.speed;
  }

  /**
   * Fetches pieces `first` to `last`.
   * @throws CdnError on a refusal, a broken connection, a timeout or an abort
   */
  async fetch(
    segment: PieceSegment,
    first: number,
    last: number,
    listener: RangeListener,
  ): Promise<RangeResult> {
    const controller = new AbortController();
    this.#running.set(controller, segment);
    const sizeBytes = (last - first) * segment.pieceSizeBytes + segment.sizeOf(last);
    const timer = setTimeout(() => controller.abort(), timeoutMs);
    const lateTimer = setTimeout(() => listener.onLate(), this.#lateMs(sizeBytes));
    let receivedBytes = 0;
    let reader: PieceReader | null = null;
    try {
      const startedAtMs = this.#options.nowMs();
      const response = await this.#request(segment, first, last, controller.signal);
      const firstByteAtMs = this.#options.nowMs();
      listener.onFirstByte();
      this.#meter.observeFirstByte(firstByteAtMs - startedAtMs);
      await this.#learnDigests(segment, response);
      reader = new PieceReader(
        segment,
        response.status === 206 ? [first, last] : [0, segment.pieceCount - 1],
        listener,
      );
      const isShort = sizeBytes / this.speed.bytesPerMs <= readAtOnceMs;
      for await (const chunk of chunksOf(response, isShort && response.status === 206)) {
        receivedBytes += chunk.byteLength;
        reader.take(chunk);
        // Nothing is left to break off: to abort now would cost the connection, which is kept alive.
        if (reader.isFull) this.#running.delete(controller);
      }
      this.#meter.observeTransfer(receivedBytes, this.#options.nowMs() - firstByteAtMs);
      await reader.settle();
      return {
        isComplete: reader.nextPiece > last && !reader.hasFailed,
        discardedBytes: reader.discardedBytes,
      };
    } catch (error) {
      await reader?.settle();
      if (error instanceof CdnError) throw error;
      throw new CdnError(0, `${segment.progress.segment.url} could not be fetched`, 0, {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
      clearTimeout(lateTimer);
      this.#running.delete(controller);
    }
  }

  abort(segment: PieceSegment): void {
    for (const [controller, running] of this.#running) if (running === segment) controller.abort();
  }

  abortAll(): void {
    for (const controller of this.#running.keys()) controller.abort();
  }

  #lateMs(sizeBytes: number): number {
    const { firstByteMs, bytesPerMs } = this.speed;
    return Math.max(leastLateMs, lateFactor * (firstByteMs + sizeBytes / bytesPerMs));
  }

  async #request(
    segment: PieceSegment,
    first: number,
    last: number,
    signal: AbortSignal,
  ): Promise<Response> {
    const { url } = segment.progress.segment;
    const isWhole = first === 0 && last === segment.pieceCount - 1;
    const from = first * segment.pieceSizeBytes;
    const to = last * segment.pieceSizeBytes + segment.sizeOf(last) - 1;
    const response = await this.#options.fetch(url, {
      signal,
      ...(isWhole ? {} : { headers: { range: `bytes=${from}-${to}` } }),
    });
    if (!response.ok) throw new CdnError(response.status, `${url} answered ${response.status}`, 0);
    return response;
  }

  async #learnDigests(segment: PieceSegment, response: Response): Promise<void> {
    if (segment.digests) return;
    const header = response.headers.get(pieceListHeader);
    const list = header === null ? null : parsePieceList(header);
    if (list) segment.digests = await PieceDigests.verify(list, segment.root);
  }
}

/** The body as it comes, or in one. */
async function* chunksOf(
  response: Response,
  isAtOnce: boolean,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (isAtOnce) {
    yield new Uint8Array(await response.arrayBuffer());
    return;
  }
  const body = response.body?.getReader();
  for (;;) {
    const chunk = await body?.read();
    if (!chunk || chunk.done) return;
    yield chunk.value;
  }
}

/**
 * Cuts a body into pieces and checks each, without waiting for one check before the next: WebCrypto
 * does them elsewhere, and the first picture waits for the last. Without digests nothing can be used.
 */
class PieceReader {
  readonly #segment: PieceSegment;
  readonly #listener: RangeListener;
  nextPiece: number;
  hasFailed = false;
  discardedBytes = 0;
  readonly #lastPiece: number;
  /** Of a piece that has come in part. */
  #part: Uint8Array<ArrayBuffer> | null = null;
  #filledBytes = 0;
  readonly #checks: Promise<void>[] = [];

  constructor(
    segment: PieceSegment,
    [firstPiece, lastPiece]: readonly [number, number],
    listener: RangeListener,
  ) {
    this.#segment = segment;
    this.#listener = listener;
    this.nextPiece = firstPiece;
    this.#lastPiece = lastPiece;
  }

  /** The last piece has come. */
  get isFull(): boolean {
    return this.nextPiece > this.#lastPiece;
  }

  /** Pieces that a chunk has whole are not copied out of it. */
  take(chunk: Uint8Array<ArrayBuffer>): void {
    let offset = 0;
    while (offset < chunk.length && !this.isFull) {
      const sizeBytes = this.#segment.sizeOf(this.nextPiece);
      const take = Math.min(sizeBytes - this.#filledBytes, chunk.length - offset);
      const bytes = chunk.subarray(offset, offset + take);
      offset += take;
      if (take === sizeBytes) {
        this.#finish(bytes);
        continue;
      }
      this.#part ??= new Uint8Array(sizeBytes);
      this.#part.set(bytes, this.#filledBytes);
      this.#filledBytes += take;
      if (this.#filledBytes === sizeBytes) this.#finish(this.#part);
    }
  }

  /** Resolves when all pieces that have come are checked. */
  async settle(): Promise<void> {
    await Promise.all(this.#checks);
  }

  #finish(bytes: Uint8Array<ArrayBuffer>): void {
    this.#checks.push(this.#check(this.nextPiece, bytes));
    this.nextPiece += 1;
    this.#filledBytes = 0;
    this.#part = null;
  }

  async #check(piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (await this.#segment.digests?.matches(piece, bytes)) this.#listener.onPiece(piece, bytes);
    else {
      this.hasFailed = true;
      this.discardedBytes += bytes.length;
    }
  }
}
