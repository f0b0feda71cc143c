// A small site for tests of the player: serves the built player, pages with any body, and HLS that
// ffmpeg makes while the test runs. Nothing of the origin is in it, so that the player stands alone.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.m4s': 'video/iso.segment',
  '.mp4': 'video/mp4',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.vtt': 'text/vtt',
  '.jpg': 'image/jpeg',
};

export interface HlsSiteOptions {
  /** URL path prefix → folder on disk, for example `/player/` → `player/dist`. */
  readonly folders: Readonly<Record<string, string>>;
  readonly ffmpegPath?: string;
}

export class HlsSite {
  readonly #server: Server;
  readonly #mediaFolder: string;
  readonly #folders: ReadonlyMap<string, string>;
  readonly #ffmpegPath: string;
  readonly #encoders = new Set<ChildProcess>();
  readonly #pages = new Map<string, Page>();
  readonly #files = new Map<string, string | Buffer>();
  readonly #faults = new Map<string, number>();
  #isClosed = false;
  /** Paths that were asked for, in order. */
  readonly requests: string[] = [];

  private constructor(server: Server, mediaFolder: string, options: HlsSiteOptions) {
    this.#server = server;
    this.#mediaFolder = mediaFolder;
    this.#folders = new Map([...Object.entries(options.folders), ['/live/', mediaFolder]]);
    this.#ffmpegPath = options.ffmpegPath ?? 'ffmpeg';
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  static async start(options: HlsSiteOptions): Promise<HlsSite> {
    const mediaFolder = await mkdtemp(path.join(tmpdir(), 'shoal-hls-site-'));
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new HlsSite(server, mediaFolder, options);
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${isTcp(address) ? address.port : 0}`;
  }

  /** Serves `html` at `pathname`, with these headers besides its type. */
  setPage(pathname: string, html: string, headers: Readonly<Record<string, string>> = {}): void {
    this.#pages.set(pathname, { html, headers });
  }

  /** Serves `content` at `pathname`. */
  setFile(pathname: string, content: string | Buffer): void {
    this.#files.set(pathname, content);
  }

  /** Answers everything below `prefix` with this status until it is `null`. */
  setFault(prefix: string, status: number | null): void {
    if (status === null) this.#faults.delete(prefix);
    else this.#faults.set(prefix, status);
  }

  /** Makes a finished recording of a moving picture and a tone; resolves when it is complete. */
  async makeRecording(stream: string, durationSeconds: number): Promise<void> {
    const encoder = await this.#encode(
      stream,
      ['-t', String(durationSeconds)],
      [...['-hls_playlist_type', 'vod']],
    );
    const [exitCode] = await once(encoder, 'exit');
    if (exitCode !== 0) throw new Error(`ffmpeg ended with ${String(exitCode)}`);
  }

  /** A JPEG picture of this size, as ffmpeg makes it. */
  async makePicture(widthPx: number, heightPx: number): Promise<Buffer> {
    const source = `testsrc2=size=${widthPx}x${heightPx}`;
    const output = ['-frames:v', '1', '-f', 'image2pipe', '-c:v', 'mjpeg', 'pipe:1'];
    const { stdout } = await execFileAsync(
      this.#ffmpegPath,
      ['-loglevel', 'error', '-f', 'lavfi', '-i', source, ...output],
      { encoding: 'buffer' },
    );
    return stdout;
  }

  /** The text of a file that ffmpeg has made, for example a playlist. */
  async readMedia(name: string): Promise<string> {
    return await readFile(path.join(this.#mediaFolder, name), 'utf8');
  }

  /**
   * Begins a live stream in real time; it goes on until `endLive` or `close`.
   * @param windowSegments how many segments of one second the playlist lists
   */
  async startLive(stream: string, { windowSegments = 6 } = {}): Promise<LiveStream> {
    const encoder = await this.#encode(
      stream,
      [],
      [
        ...[
          '-hls_list_size',
          String(windowSegments),
          '-hls_flags',
          'program_date_time+delete_segments',
        ],
      ],
    );
    return {
      end: async () => {
        // ffmpeg writes the end list on SIGINT.
        if (encoder.exitCode === null) {
          encoder.kill('SIGINT');
          await once(encoder, 'exit');
        }
      },
    };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const encoder of this.#encoders) {
      if (encoder.exitCode !== null || encoder.signalCode !== null) continue;
      encoder.kill('SIGKILL');
      await once(encoder, 'exit');
    }
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
    await rm(this.#mediaFolder, { recursive: true, force: true });
  }

  async #encode(
    stream: string,
    outputLimit: readonly string[],
    hlsOptions: readonly string[],
  ): Promise<ChildProcess> {
    const folder = path.join(this.#mediaFolder, stream);
    await mkdir(folder, { recursive: true });
    const realTime = outputLimit.length === 0 ? ['-re'] : [];
    const encoder = spawn(
      this.#ffmpegPath,
      [
        ...['-hide_banner', '-loglevel', 'error', '-nostdin'],
        ...[...realTime, '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25'],
        ...[...realTime, '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'],
        ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-b:v', '600k'],
        ...['-pix_fmt', 'yuv420p', '-g', '25', '-c:a', 'aac', '-b:a', '64k', ...outputLimit],
        ...['-f', 'hls', '-hls_time', '1', '-hls_segment_type', 'fmp4', ...hlsOptions],
        ...['-var_stream_map', 'v:0,a:0,name:360p', '-master_pl_name', 'index.m3u8'],
        ...['-hls_segment_filename', path.join(folder, '%v', '%d.m4s')],
        path.join(folder, '%v', 'index.m3u8'),
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    this.#encoders.add(encoder);
    return encoder;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://site');
    this.requests.push(pathname);
    const fault = [...this.#faults].find(([prefix]) => pathname.startsWith(prefix));
    if (fault !== undefined) {
      response.writeHead(fault[1], { 'access-control-allow-origin': '*' }).end();
      return;
    }
    const page = this.#pages.get(pathname);
    if (page !== undefined) {
      const type = { 'content-type': 'text/html; charset=utf-8' };
      response.writeHead(200, { ...type, ...page.headers }).end(page.html);
      return;
    }
    const made = this.#files.get(pathname);
    if (made !== undefined) {
      response.writeHead(200, headersOf(pathname)).end(made);
      return;
    }
    const file = this.#fileOf(pathname);
    try {
      const content = file === null ? null : await readFile(file);
      if (content === null) response.writeHead(404).end();
      else response.writeHead(200, headersOf(pathname)).end(content);
    } catch {
      // Not there, or not there yet: what a player sees before a broadcast begins.
      response.writeHead(404).end();
    }
  }

  #fileOf(pathname: string): string | null {
    for (const [prefix, folder] of this.#folders) {
      if (!pathname.startsWith(prefix)) continue;
      const file = path.join(folder, pathname.slice(prefix.length));
      return file.startsWith(folder) ? file : null;
    }
    return null;
  }
}

interface Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface LiveStream {
  /** Ends the broadcast with an end list. */
  end(): Promise<void>;
}

function headersOf(pathname: string): Record<string, string> {
  return {
    'content-type': contentTypes[path.extname(pathname)] ?? 'application/octet-stream',
    'access-control-allow-origin': '*',
    'cache-control': 'no-store',
  };
}

function isTcp(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}
