// A live origin with pictures whose faults a test switches on and off, and the page that watches
// it: plain hls.js or Shoal. Faults meet browsers only; headless viewers are always served.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  formatInitDigestTag,
  formatPieceAttributes,
  formatSegmentDigestTag,
  formatSignatureAttribute,
  pieceListHeader,
} from '@shoal/ingest/protocol';
import { pieceListOf, pieceRootOf } from '../../ingest/origin/piece-digests.ts';
import { SegmentSigner } from '../../ingest/origin/segment-signer.ts';
import { faultyPage } from './faulty-page.ts';

/** What browsers get instead of a segment. */
export type SegmentFault = 'none' | '404' | '503' | 'slow' | 'truncated' | 'wrong-bytes' | 'hangs';

/**
 * `replayed-signature`: signatures that the origin has made, for another broadcast. `forged-pieces`:
 * piece roots of other bytes under true digests and signatures, and viewers without a browser get
 * those bytes from the CDN, as accomplices would.
 */
export type PlaylistLie = 'none' | 'replayed-signature' | 'forged-pieces';

/** Stands at every 1 KiB of the other bytes; occurs in no real segment. */
export const forgeryMark = 'SHOAL-FORGED-BY-A-CDN';

/** The faults of one broadcast, switched by a test. */
export interface BroadcastFaults {
  segments: SegmentFault;
  playlists: 'none' | '503';
  /** What playlists say that is not so, to browsers and viewers alike. */
  lie: PlaylistLie;
  /** Answers that were faulty. */
  count: number;
}

interface Media {
  readonly bytes: Buffer;
  readonly digest: string;
  readonly pieceList: Buffer;
  readonly pieceAttributes: string;
}

interface Rendition {
  readonly init: Media;
  readonly segments: readonly Media[];
}

/** Where a broadcast is steered to: pathway and base URL by its rank. */
export interface Steering {
  readonly pathways: Readonly<Record<string, string>>;
  /** Best first; a test may change it while viewers watch. */
  priority: readonly string[];
}

export const segmentSeconds = 2;
const recording = 'recorded-once';
const windowSegments = 12;
const recordedSegments = 220;
const slowBytesPerSecond = 2_000;
const rungs = [
  { name: 'high', widthPx: 160, bitrateBps: 400_000 },
  { name: 'low', widthPx: 96, bitrateBps: 200_000 },
] as const;

export class FaultyLiveSite {
  readonly #server: Server;
  readonly #scriptFolder: string;
  readonly #signer: SegmentSigner;
  readonly #renditions: ReadonlyMap<string, Rendition>;
  readonly #faults = new Map<string, BroadcastFaults>();
  readonly #steering = new Map<string, Steering>();
  readonly #forged = new Map<Media, Media>();
  readonly #startedAtMs = Date.now();
  #isClosed = false;
  /** Scripts that were asked for, in order. */
  readonly scripts: string[] = [];

  private constructor(
    server: Server,
    scriptFolder: string,
    signer: SegmentSigner,
    renditions: ReadonlyMap<string, Rendition>,
  ) {
    this.#server = server;
    this.#signer = signer;
    this.#scriptFolder = scriptFolder;
    this.#renditions = renditions;
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  /** @param scriptFolder with the built `shoal.js` and what that loads late */
  static async start(scriptFolder: string): Promise<FaultyLiveSite> {
    const folder = await mkdtemp(path.join(tmpdir(), 'shoal-faults-'));
    try {
      await Promise.all(rungs.map((rung) => record(folder, rung)));
      const entries = rungs.map(async ({ name }) => {
        return [name, await readRendition(path.join(folder, name))] as const;
      });
      const server = createServer();
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const renditions = new Map(await Promise.all(entries));
      const signer = await SegmentSigner.start({ directory: folder });
      return new FaultyLiveSite(server, scriptFolder, signer, renditions);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The `x` of the key that segments are signed with. */
  get integrityKey(): string {
    return this.#signer.publicKey.x;
  }

  /** Each name is a broadcast, and a swarm, of its own. */
  playlistUrl(broadcast: string): string {
    return `${this.url}/live/${broadcast}/index.m3u8`;
  }

  /** The newest segment that is listed. */
  get lastNumber(): number {
    const published = Math.floor((Date.now() - this.#startedAtMs) / (segmentSeconds * 1_000));
    return Math.min(recordedSegments - 1, windowSegments + published);
  }

  faults(broadcast: string): BroadcastFaults {
    const known = this.#faults.get(broadcast);
    if (known) return known;
    const faults: BroadcastFaults = { segments: 'none', playlists: 'none', lie: 'none', count: 0 };
    this.#faults.set(broadcast, faults);
    return faults;
  }

  /** Gives the broadcast a content steering manifest (RFC 8216bis §7). */
  steer(broadcast: string, steering: Steering): Steering {
    this.#steering.set(broadcast, steering);
    return steering;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://site');
    response.setHeader('cache-control', 'no-store');
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-expose-headers', pieceListHeader);
    if (pathname === '/page') {
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(faultyPage);
      return;
    }
    const script = /^\/player\/([a-z-]+\.js)$/.exec(pathname)?.[1];
    if (script !== undefined) {
      this.scripts.push(script);
      response.setHeader('content-type', 'text/javascript');
      response.end(await readFile(path.join(this.#scriptFolder, script)));
      return;
    }
    const [, broadcast = '', name = '', file = ''] =
      /^\/live\/([a-z0-9-]+)\/(?:(high|low)\/)?(?:recorded-once\/)?([a-z0-9.]+)$/.exec(pathname) ??
      [];
    const faults = this.faults(broadcast);
    const isBrowser = /Mozilla/.test(request.headers['user-agent'] ?? '');
    if (file === 'steering.json') {
      const { priority = [] } = this.#steering.get(broadcast) ?? {};
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ VERSION: 1, TTL: 1, 'PATHWAY-PRIORITY': priority }));
      return;
    }
    if (file === 'index.m3u8') {
      const isRefused = isBrowser && faults.playlists === '503';
      if (!isRefused) await this.#untilListed(Number(searchParams.get('_HLS_msn') ?? 0));
      if (isBrowser && faults.playlists === '503') refuse(response, faults, 503);
      else
        response.end(
          name === ''
            ? multivariantPlaylist(broadcast, this.#steering.get(broadcast) ?? null)
            : this.#mediaPlaylist(broadcast, name),
        );
      return;
    }
    const rendition = this.#renditions.get(name);
    const number = Number.parseInt(file, 10);
    const isListed = number <= this.lastNumber;
    const media =
      file === 'init.mp4' ? rendition?.init : isListed ? rendition?.segments[number] : undefined;
    if (media === undefined) response.writeHead(404).end();
    else {
      const fault = isBrowser && file !== 'init.mp4' ? faults.segments : 'none';
      if (fault !== 'none') faults.count += 1;
      const isForged = !isBrowser && file !== 'init.mp4' && faults.lie === 'forged-pieces';
      await sendMedia(
        isForged ? this.#forgedOf(media) : media,
        fault,
        request.headers.range,
        response,
      );
    }
  }

  #mediaPlaylist(broadcast: string, name: string): string {
    const { lastNumber } = this;
    const first = Math.max(0, lastNumber - windowSegments + 1);
    const rendition = this.#renditions.get(name);
    const lines = [
      ...['#EXTM3U', '#EXT-X-VERSION:9', `#EXT-X-TARGETDURATION:${segmentSeconds}`],
      ...['#EXT-X-INDEPENDENT-SEGMENTS', '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES'],
      `#EXT-X-MEDIA-SEQUENCE:${first}`,
      formatInitDigestTag(rendition?.init.digest ?? ''),
      '#EXT-X-MAP:URI="init.mp4"',
    ];
    for (let number = first; number <= lastNumber; number += 1) {
      const media = rendition?.segments[number];
      if (!media) continue;
      const { lie } = this.faults(broadcast);
      const signed = lie === 'replayed-signature' ? 'another-broadcast' : broadcast;
      const pieces = lie === 'forged-pieces' ? this.#forgedOf(media) : media;
      const startsAtMs = this.#startedAtMs + (number - windowSegments - 1) * segmentSeconds * 1_000;
      lines.push(
        `#EXT-X-PROGRAM-DATE-TIME:${new Date(startsAtMs).toISOString()}`,
        formatSegmentDigestTag(
          media.digest,
          formatSignatureAttribute(this.#sign(signed, name, number, media)),
          pieces.pieceAttributes,
        ),
        ...[`#EXTINF:${segmentSeconds},`, `${recording}/${number}.m4s`],
      );
    }
    return `${lines.join('\n')}\n`;
  }

  #forgedOf(media: Media): Media {
    const known = this.#forged.get(media);
    if (known) return known;
    const bytes = Buffer.from(media.bytes);
    for (let offset = 0; offset + forgeryMark.length <= bytes.length; offset += 1_024)
      bytes.write(forgeryMark, offset, 'latin1');
    const forged = mediaOf(bytes);
    this.#forged.set(media, forged);
    return forged;
  }

  #sign(stream: string, rendition: string, number: number, { digest }: Media): string {
    return this.#signer.sign({
      ...{ stream, recording, rendition, mediaSequenceNumber: number },
      ...{ discontinuitySequence: 0, digest },
      initDigest: this.#renditions.get(rendition)?.init.digest ?? '',
    });
  }

  async #untilListed(number: number): Promise<void> {
    while (this.lastNumber < number && !this.#isClosed) {
      const elapsedMs = (Date.now() - this.#startedAtMs) % (segmentSeconds * 1_000);
      await new Promise((resolve) => setTimeout(resolve, segmentSeconds * 1_000 - elapsedMs + 5));
    }
  }
}

function multivariantPlaylist(broadcast: string, steering: Steering | null): string {
  // Most cases have one rendition, so that viewers and peers are sure to be in one swarm.
  const listed = broadcast.startsWith('ladder') ? rungs : rungs.slice(0, 1);
  const pathways = Object.entries(steering?.pathways ?? { '': '' });
  const lines = pathways.flatMap(([pathway, baseUrl]) =>
    listed.map(
      ({ name, widthPx, bitrateBps }) =>
        `#EXT-X-STREAM-INF:BANDWIDTH=${bitrateBps},CODECS="avc1.42c00a",RESOLUTION=` +
        `${widthPx}x${(widthPx * 9) / 16}${pathway === '' ? '' : `,PATHWAY-ID="${pathway}"`}\n` +
        `${baseUrl === '' ? '' : `${baseUrl}/live/${broadcast}/`}${name}/index.m3u8`,
    ),
  );
  const [first = ''] = Object.keys(steering?.pathways ?? {});
  const server = `#EXT-X-CONTENT-STEERING:SERVER-URI="steering.json",PATHWAY-ID="${first}"`;
  return `${['#EXTM3U', ...(steering ? [server] : []), ...lines].join('\n')}\n`;
}

function refuse(response: ServerResponse, faults: BroadcastFaults, status: number): void {
  faults.count += 1;
  response.writeHead(status).end();
}

async function sendMedia(
  media: Media,
  fault: SegmentFault,
  range: string | undefined,
  response: ServerResponse,
): Promise<void> {
  if (fault === 'hangs') return;
  if (fault === '404' || fault === '503') {
    response.writeHead(Number(fault)).end();
    return;
  }
  const [, from = '', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  const end = to === '' ? media.bytes.length : Number(to) + 1;
  const part = from === '' ? media.bytes : media.bytes.subarray(Number(from), end);
  const bytes = fault === 'wrong-bytes' ? part.map((byte) => byte ^ 0x5a) : part;
  response.statusCode = from === '' ? 200 : 206;
  if (from !== '')
    response.setHeader('content-range', `bytes ${from}-${end - 1}/${media.bytes.length}`);
  response.setHeader('content-length', bytes.length);
  response.setHeader(pieceListHeader, media.pieceList.toString('base64'));
  if (fault === 'truncated') {
    response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
    return;
  }
  if (fault !== 'slow') {
    response.end(bytes);
    return;
  }
  const chunkBytes = slowBytesPerSecond / 5;
  for (let sent = 0; sent < bytes.length && !response.destroyed; sent += chunkBytes) {
    response.write(bytes.subarray(sent, sent + chunkBytes));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  response.end();
}

async function record(folder: string, rung: (typeof rungs)[number]): Promise<void> {
  const { name, widthPx, bitrateBps } = rung;
  const kbps = `${bitrateBps / 1_000}k`;
  const output = path.join(folder, name);
  const encoder = spawn(
    'ffmpeg',
    [
      ...['-hide_banner', '-loglevel', 'error', '-nostdin', '-f', 'lavfi'],
      ...['-i', `testsrc2=size=${widthPx}x${(widthPx * 9) / 16}:rate=10`],
      ...['-t', String(recordedSegments * segmentSeconds), '-c:v', 'libx264'],
      ...['-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline'],
      // Filled up to a constant rate: a few pieces in every segment, however simple the picture.
      ...['-b:v', kbps, '-maxrate', kbps, '-bufsize', kbps, '-x264-params', 'nal-hrd=cbr'],
      ...['-pix_fmt', 'yuv420p', '-g', String(10 * segmentSeconds), '-f', 'hls'],
      ...['-hls_time', String(segmentSeconds), '-hls_segment_type', 'fmp4', '-hls_list_size', '0'],
      ...['-hls_fmp4_init_filename', `${name}-init.mp4`],
      ...['-hls_segment_filename', `${output}-%d.m4s`, `${output}.m3u8`],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const [exitCode] = await once(encoder, 'exit');
  if (exitCode !== 0) throw new Error(`ffmpeg ended with ${String(exitCode)}`);
}

async function readRendition(prefix: string): Promise<Rendition> {
  const names = await readdir(path.dirname(prefix));
  const isSegment = (each: string): boolean =>
    each.startsWith(`${path.basename(prefix)}-`) && each.endsWith('.m4s');
  const count = names.filter(isSegment).length;
  const segments: Media[] = [];
  for (let number = 0; number < count; number += 1)
    segments.push(mediaOf(await readFile(`${prefix}-${number}.m4s`)));
  return { init: mediaOf(await readFile(`${prefix}-init.mp4`)), segments };
}

function mediaOf(bytes: Buffer): Media {
  const pieceList = pieceListOf(bytes);
  return {
    bytes,
    digest: createHash('sha256').update(bytes).digest('hex'),
    pieceList,
    pieceAttributes: formatPieceAttributes(pieceRootOf(bytes.length, pieceList)),
  };
}
