// A live HLS origin of real pictures and sound that counts what it sends: it lists a recording segment
// by segment, as if it were being broadcast. For tests and benchmarks with real players.

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  formatInitDigestTag,
  formatPieceAttributes,
  formatSegmentDigestTag,
  pieceListHeader,
} from '@shoal/ingest/protocol';
import { pieceListOf, pieceRootOf } from '../../ingest/origin/piece-digests.ts';
import type { RecordedTrack } from './recorded-media.ts';

export interface RecordedLiveOriginOptions {
  readonly tracks: readonly RecordedTrack[];
  /** 0.0.0.0 for viewers in other network namespaces. */
  readonly host: string;
  readonly segmentSeconds: number;
  /** Segments that are listed at the start. */
  readonly initialSegments: number;
  /** Segments that stay listed; the DVR window. */
  readonly windowSegments: number;
  /** Everything is there from the start and the playlists have ended. */
  readonly isRecording: boolean;
  /** The playlists of a recording have piece roots, which those of the real origin have not. */
  readonly recordingHasPieces: boolean;
  /** Speed of one response. */
  readonly responseBps: number;
  readonly firstByteMs: number;
  /** Who asks for the stream waits, and the broadcast with them, until `begin`. */
  readonly isHeld: boolean;
}

const defaults: Omit<RecordedLiveOriginOptions, 'tracks'> = {
  host: '127.0.0.1',
  segmentSeconds: 2,
  initialSegments: 6,
  windowSegments: 10,
  isRecording: false,
  recordingHasPieces: false,
  responseBps: 25_000_000,
  firstByteMs: 20,
  isHeld: false,
};

/** As the real origin: more piece roots would cost every reload and help nobody. */
const segmentsWithPieces = 4;
const chunkBytes = 64 * 1024;

interface ListedSegment {
  readonly bytes: Buffer;
  readonly pieceList: string;
  readonly digestTag: string;
  readonly pieceAttributes: string;
}

export class RecordedLiveOrigin {
  readonly #options: RecordedLiveOriginOptions;
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();
  readonly #listed = new Map<string, readonly ListedSegment[]>();
  #startedAtEpochMs = Date.now();
  readonly #held: (() => void)[] = [];
  #isHeld: boolean;
  /** Tracks that have ended, and how many segments each of them had then. */
  readonly #endedAt = new Map<string, number>();
  #segmentCount: number;
  #timer: ReturnType<typeof setInterval> | null = null;
  /** Path of each request for media, in their order. */
  readonly requests: string[] = [];
  /** When each segment was listed, since the epoch; not those that were there from the start. */
  readonly publishedAtMs = new Map<number, number>();
  /** Bytes of segments sent so far, by rendition. */
  readonly sentBytes = new Map<string, number>();

  private constructor(options: RecordedLiveOriginOptions) {
    this.#options = options;
    this.#isHeld = options.isHeld;
    this.#segmentCount = options.isRecording ? this.#availableCount() : options.initialSegments;
    for (const { rendition, segments } of options.tracks)
      this.#listed.set(
        rendition.name,
        segments.map(({ bytes }) => listedSegment(bytes)),
      );
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(
    options: Partial<RecordedLiveOriginOptions> & Pick<RecordedLiveOriginOptions, 'tracks'>,
  ): Promise<RecordedLiveOrigin> {
    const origin = new RecordedLiveOrigin({ ...defaults, ...options });
    const { host, isHeld } = origin.#options;
    await new Promise<void>((resolve) => origin.#server.listen(0, host, resolve));
    if (!isHeld) origin.begin();
    return origin;
  }

  /** The broadcast goes on from what is listed at the start. */
  begin(): void {
    const { segmentSeconds, isRecording } = this.#options;
    this.#isHeld = false;
    this.#startedAtEpochMs = Date.now();
    if (!isRecording) this.#timer = setInterval(() => this.#publish(), segmentSeconds * 1_000);
    for (const answer of this.#held.splice(0)) answer();
  }

  /** Viewers that wait for it to begin. */
  get heldCount(): number {
    return this.#held.length;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get playlistUrl(): string {
    return this.playlistUrlAt('127.0.0.1');
  }

  /** For viewers who see this machine at another address. */
  playlistUrlAt(host: string): string {
    return `http://${host}:${this.port}/live/recorded/index.m3u8`;
  }

  /** Segments listed so far. */
  get segmentCount(): number {
    return this.#segmentCount;
  }

  /** Its playlist ends while others go on, as that of a rendition which is too much for the encoder. */
  end(trackName: string): void {
    this.#endedAt.set(trackName, this.#segmentCount);
    for (const wake of [...this.#waiting]) wake();
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const wake of [...this.#waiting]) wake();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #availableCount(): number {
    return Math.min(...this.#options.tracks.map(({ segments }) => segments.length));
  }

  #publish(): void {
    if (this.#segmentCount < this.#availableCount()) {
      this.publishedAtMs.set(this.#segmentCount, Date.now());
      this.#segmentCount += 1;
    }
    for (const wake of [...this.#waiting]) wake();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://origin.invalid');
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-headers', 'range');
    response.setHeader('access-control-expose-headers', pieceListHeader);
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end();
      return;
    }
    if (url.pathname === '/live/recorded/index.m3u8') {
      if (this.#isHeld) await new Promise<void>((resolve) => this.#held.push(resolve));
      response.end(this.#multivariantPlaylist());
      return;
    }
    const [, name = '', file = ''] = /^\/live\/recorded\/([^/]+)\/(.+)$/.exec(url.pathname) ?? [];
    const track = this.#options.tracks.find(({ rendition }) => rendition.name === name);
    const init = /^init-(\d+)\.mp4$/.exec(file)?.[1];
    const number = /^(\d+)\.m4s$/.exec(file)?.[1];
    if (track && file === 'index.m3u8') {
      await this.#untilListed(name, Number(url.searchParams.get('_HLS_msn') ?? 0));
      response.setHeader('cache-control', 'no-store');
      response.end(this.#mediaPlaylist(track));
    } else if (track && init !== undefined) {
      this.requests.push(url.pathname);
      response.end(track.inits[Number(init)]);
    } else if (track && number !== undefined) {
      this.requests.push(url.pathname);
      await this.#sendSegment(name, Number(number), request.headers.range, response);
    } else response.writeHead(404).end();
  }

  #multivariantPlaylist(): string {
    const sound = this.#options.tracks.find(({ rendition }) => !rendition.video);
    const group = sound ? ',AUDIO="sound"' : '';
    const lines = ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS'];
    if (sound) {
      lines.push(
        `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="sound",DEFAULT=YES,AUTOSELECT=YES,URI="${sound.rendition.name}/index.m3u8"`,
      );
    }
    for (const { rendition } of this.#options.tracks) {
      if (!rendition.video || this.#endedAt.has(rendition.name)) continue;
      const { widthPx, heightPx, bitrateBps } = rendition.video;
      lines.push(
        `#EXT-X-STREAM-INF:BANDWIDTH=${bitrateBps + 150_000},RESOLUTION=${widthPx}x${heightPx},CODECS="avc1.42c01e,mp4a.40.2"${group}`,
        `${rendition.name}/index.m3u8`,
      );
    }
    return `${lines.join('\n')}\n`;
  }

  #mediaPlaylist({ rendition, inits, segments }: RecordedTrack): string {
    const { segmentSeconds, windowSegments, isRecording, recordingHasPieces } = this.#options;
    const endedAt = this.#endedAt.get(rendition.name);
    const segmentCount = endedAt ?? this.#segmentCount;
    const first = isRecording ? 0 : Math.max(0, segmentCount - windowSegments);
    const listed = this.#listed.get(rendition.name) ?? [];
    const lines = [
      '#EXTM3U',
      '#EXT-X-VERSION:9',
      `#EXT-X-TARGETDURATION:${Math.ceil(segmentSeconds)}`,
      ...(isRecording ? [] : ['#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES']),
      `#EXT-X-MEDIA-SEQUENCE:${first}`,
      `#EXT-X-DISCONTINUITY-SEQUENCE:${segments[first]?.encoding ?? 0}`,
    ];
    let encoding: number | null = null;
    for (let number = first; number < segmentCount; number += 1) {
      const segment = segments[number];
      const each = listed[number];
      if (!segment || !each) continue;
      if (segment.encoding !== encoding) {
        if (encoding !== null) lines.push('#EXT-X-DISCONTINUITY');
        encoding = segment.encoding;
        lines.push(
          formatInitDigestTag(sha256(inits[encoding] ?? Buffer.alloc(0))),
          `#EXT-X-MAP:URI="init-${encoding}.mp4"`,
          `#EXT-X-PROGRAM-DATE-TIME:${this.#dateOf(segments, number)}`,
        );
      }
      const hasPieces = isRecording
        ? recordingHasPieces
        : number >= segmentCount - segmentsWithPieces;
      lines.push(
        hasPieces ? `${each.digestTag},${each.pieceAttributes}` : each.digestTag,
        `#EXTINF:${segment.durationSeconds.toFixed(5)},`,
        `${number}.m4s`,
      );
    }
    if (isRecording || endedAt !== undefined) lines.push('#EXT-X-ENDLIST');
    return `${lines.join('\n')}\n`;
  }

  /** The initial segments count as captured just before the start. */
  #dateOf(segments: RecordedTrack['segments'], number: number): string {
    const { initialSegments } = this.#options;
    const secondsBefore = (count: number): number =>
      segments.slice(0, count).reduce((sum, { durationSeconds }) => sum + durationSeconds, 0);
    const offsetSeconds = secondsBefore(number) - secondsBefore(initialSegments);
    return new Date(this.#startedAtEpochMs + offsetSeconds * 1_000).toISOString();
  }

  async #untilListed(name: string, number: number): Promise<void> {
    const isDone = (): boolean => this.#segmentCount > number || this.#endedAt.has(name);
    while (!isDone() && this.#server.listening) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  async #sendSegment(
    name: string,
    number: number,
    range: string | undefined,
    response: ServerResponse,
  ): Promise<void> {
    const segment = number < this.#segmentCount ? this.#listed.get(name)?.[number] : undefined;
    if (!segment) {
      response.writeHead(404).end();
      return;
    }
    const [, from = '', to = ''] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    const bytes = from === '' ? segment.bytes : segment.bytes.subarray(+from, +to + 1);
    response.statusCode = from === '' ? 200 : 206;
    response.setHeader('content-length', bytes.length);
    response.setHeader('cache-control', 'max-age=3600, immutable');
    response.setHeader(pieceListHeader, segment.pieceList);
    const startMs = performance.now() + this.#options.firstByteMs;
    await new Promise((resolve) => setTimeout(resolve, this.#options.firstByteMs));
    for (let offset = 0; offset < bytes.length && !response.destroyed; offset += chunkBytes) {
      const chunk = bytes.subarray(offset, offset + chunkBytes);
      response.write(chunk);
      this.sentBytes.set(name, (this.sentBytes.get(name) ?? 0) + chunk.length);
      // By the clock, so that late timers do not add up.
      const dueMs = startMs + ((offset + chunk.length) * 8_000) / this.#options.responseBps;
      await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
    }
    response.end();
  }
}

function listedSegment(bytes: Buffer): ListedSegment {
  const pieceList = pieceListOf(bytes);
  return {
    bytes,
    pieceList: pieceList.toString('base64'),
    digestTag: formatSegmentDigestTag(sha256(bytes)),
    pieceAttributes: formatPieceAttributes(pieceRootOf(bytes.length, pieceList)),
  };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
