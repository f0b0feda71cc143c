// A live HLS origin of random bytes that counts what it sends, for delivery tests and benchmarks
// in which no picture is decoded: only sizes, times and digests matter there.

import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  formatInitDigestTag,
  formatPieceAttributes,
  formatSegmentDigestTag,
  pieceListHeader,
} from '@shoal/ingest/protocol';
import { pieceListOf, pieceRootOf } from '../../ingest/origin/piece-digests.ts';

export interface SyntheticLiveOriginOptions {
  readonly targetDurationSeconds: number;
  readonly bitrateBps: number;
  readonly windowSegments: number;
  /** Speed of one response; a segment takes at least its size divided by this. */
  readonly responseBps: number;
  readonly firstByteMs: number;
  /** Sound in a playlist of its own; 0 for none. */
  readonly audioBitrateBps: number;
  /** Segments that are published together, each so much shorter. */
  readonly slices: number;
}

type Track = 'video' | 'audio';

interface Segment {
  readonly publishedAtMs: number;
  readonly bytes: Buffer;
  readonly digest: string;
  readonly pieceList: Buffer;
  readonly pieceAttributes: string;
}

export const syntheticDefaults: SyntheticLiveOriginOptions = {
  targetDurationSeconds: 2,
  bitrateBps: 2_500_000,
  windowSegments: 10,
  responseBps: 25_000_000,
  firstByteMs: 20,
  audioBitrateBps: 0,
  slices: 1,
};

const initSection = Buffer.from('synthetic init section');
const chunkBytes = 64 * 1024;

export class SyntheticLiveOrigin {
  readonly #options: SyntheticLiveOriginOptions;
  readonly #server: Server;
  readonly #segments: Readonly<Record<Track, Map<number, Segment>>> = {
    video: new Map(),
    audio: new Map(),
  };
  readonly #waiting = new Set<() => void>();
  readonly #requests = new Map<number, number>();
  readonly #sentBytesOf = new Map<number, number>();
  #playlistBytes = 0;
  readonly #sentBytes: Record<Track, number> = { video: 0, audio: 0 };
  #lastNumber = -1;
  #timer: ReturnType<typeof setInterval> | null = null;

  private constructor(options: SyntheticLiveOriginOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(
    options: Partial<SyntheticLiveOriginOptions> = {},
  ): Promise<SyntheticLiveOrigin> {
    const origin = new SyntheticLiveOrigin({ ...syntheticDefaults, ...options });
    await new Promise<void>((resolve) => origin.#server.listen(0, '127.0.0.1', resolve));
    const { windowSegments, slices } = origin.#options;
    for (let index = 0; index < windowSegments * slices; index += 1) origin.#publish();
    const intervalMs = origin.#options.targetDurationSeconds * 1_000;
    origin.#timer = setInterval(() => {
      for (let slice = 0; slice < origin.#options.slices; slice += 1) origin.#publish();
    }, intervalMs);
    return origin;
  }

  get playlistUrl(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/live/synthetic/index.m3u8`;
  }

  get segmentSizeBytes(): number {
    return Math.round((this.#options.bitrateBps * this.#segmentSeconds) / 8);
  }

  get audioSegmentSizeBytes(): number {
    return Math.round((this.#options.audioBitrateBps * this.#segmentSeconds) / 8);
  }

  get #segmentSeconds(): number {
    return this.#options.targetDurationSeconds / this.#options.slices;
  }

  get lastSequenceNumber(): number {
    return this.#lastNumber;
  }

  /** Bytes of segments sent so far. */
  get sentBytes(): number {
    return this.#sentBytes.video + this.#sentBytes.audio;
  }

  /** Those of the sound among them. */
  get sentAudioBytes(): number {
    return this.#sentBytes.audio;
  }

  /** Bytes sent of each segment of the pictures, by sequence number. */
  get sentBytesOf(): ReadonlyMap<number, number> {
    return this.#sentBytesOf;
  }

  /** Bytes of playlists sent so far, without HTTP headers. */
  get playlistBytes(): number {
    return this.#playlistBytes;
  }

  /** By the machine's clock; `null` when the origin has forgotten the segment. */
  publishedAtMs(number: number): number | null {
    return this.#segments.video.get(number)?.publishedAtMs ?? null;
  }

  /** How often each segment of the pictures was asked for, by sequence number. */
  get requests(): ReadonlyMap<number, number> {
    return this.#requests;
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const wake of this.#waiting) wake();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #publish(): void {
    this.#lastNumber += 1;
    this.#add('video', this.segmentSizeBytes);
    if (this.#options.audioBitrateBps > 0) this.#add('audio', this.audioSegmentSizeBytes);
    for (const wake of this.#waiting) wake();
  }

  #add(track: Track, sizeBytes: number): void {
    const bytes = randomBytes(sizeBytes);
    const digest = createHash('sha256').update(bytes).digest('hex');
    const pieceList = pieceListOf(bytes);
    const pieceAttributes = formatPieceAttributes(pieceRootOf(bytes.length, pieceList));
    const publishedAtMs = Date.now();
    const segment = { publishedAtMs, bytes, digest, pieceList, pieceAttributes };
    this.#segments[track].set(this.#lastNumber, segment);
    this.#segments[track].delete(
      this.#lastNumber - 4 * this.#options.windowSegments * this.#options.slices,
    );
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://origin.invalid');
    response.setHeader('access-control-allow-origin', '*');
    const track = url.pathname.includes('/audio/') ? 'audio' : 'video';
    const segmentNumber = /\/(\d+)\.m4s$/.exec(url.pathname)?.[1];
    if (url.pathname === '/live/synthetic/index.m3u8') response.end(this.#multivariantPlaylist());
    else if (/^\/live\/synthetic\/(?:720p|audio)\/index\.m3u8$/.test(url.pathname)) {
      await this.#untilPublished(Number(url.searchParams.get('_HLS_msn') ?? 0));
      const playlist = this.#mediaPlaylist(track);
      this.#playlistBytes += playlist.length;
      response.end(playlist);
    } else if (url.pathname.endsWith('/init.mp4')) response.end(initSection);
    else if (segmentNumber !== undefined)
      await this.#sendSegment(track, Number(segmentNumber), request.headers.range, response);
    else response.writeHead(404).end();
  }

  #multivariantPlaylist(): string {
    const { bitrateBps, audioBitrateBps } = this.#options;
    const hasAudio = audioBitrateBps > 0;
    const lines = [
      '#EXTM3U',
      ...(hasAudio
        ? [
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="sound",DEFAULT=YES,URI="audio/index.m3u8"',
          ]
        : []),
      `#EXT-X-STREAM-INF:BANDWIDTH=${bitrateBps + audioBitrateBps},RESOLUTION=1280x720${hasAudio ? ',AUDIO="sound"' : ''}`,
      '720p/index.m3u8',
    ];
    return `${lines.join('\n')}\n`;
  }

  #mediaPlaylist(track: Track): string {
    const { targetDurationSeconds, windowSegments, slices } = this.#options;
    const first = Math.max(0, this.#lastNumber - windowSegments * slices + 1);
    const lines = [
      '#EXTM3U',
      '#EXT-X-VERSION:9',
      `#EXT-X-TARGETDURATION:${Math.ceil(targetDurationSeconds)}`,
      '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES',
      `#EXT-X-MEDIA-SEQUENCE:${first}`,
      formatInitDigestTag(createHash('sha256').update(initSection).digest('hex')),
      '#EXT-X-MAP:URI="init.mp4"',
    ];
    for (let number = first; number <= this.#lastNumber; number += 1) {
      const segment = this.#segments[track].get(number);
      if (segment === undefined) continue;
      lines.push(
        `${formatSegmentDigestTag(segment.digest)},${segment.pieceAttributes}`,
        `#EXTINF:${this.#segmentSeconds},`,
        `${number}.m4s`,
      );
    }
    return `${lines.join('\n')}\n`;
  }

  async #untilPublished(number: number): Promise<void> {
    while (this.#lastNumber < number && this.#server.listening) {
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
    track: Track,
    number: number,
    range: string | undefined,
    response: ServerResponse,
  ): Promise<void> {
    const segment = this.#segments[track].get(number);
    if (segment === undefined) {
      response.writeHead(404).end();
      return;
    }
    if (track === 'video') this.#requests.set(number, (this.#requests.get(number) ?? 0) + 1);
    const [, from = '', to = ''] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    const bytes =
      from === '' ? segment.bytes : segment.bytes.subarray(Number(from), Number(to) + 1);
    response.statusCode = from === '' ? 200 : 206;
    response.setHeader('content-length', bytes.length);
    response.setHeader(pieceListHeader, segment.pieceList.toString('base64'));
    const chunkMs = (chunkBytes * 8_000) / this.#options.responseBps;
    await new Promise((resolve) => setTimeout(resolve, this.#options.firstByteMs));
    for (let offset = 0; offset < bytes.length && !response.destroyed; offset += chunkBytes) {
      const chunk = bytes.subarray(offset, offset + chunkBytes);
      response.write(chunk);
      this.#sentBytes[track] += chunk.length;
      if (track === 'video')
        this.#sentBytesOf.set(number, (this.#sentBytesOf.get(number) ?? 0) + chunk.length);
      await new Promise((resolve) => setTimeout(resolve, chunkMs));
    }
    response.end();
  }
}
