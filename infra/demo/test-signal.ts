// Runs ffmpeg as a live source of RTP: a moving picture with a clock, and a tone. Its packets
// come in over loopback sockets and go to the broadcaster, which puts them on a connection.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import {
  type RtpTarget,
  type TestSignalPicture,
  testSignalArguments,
} from './test-signal-arguments.ts';

export type MediaKind = 'video' | 'audio';
/** How the packets of one kind of media are marked. */
export type RtpMarks = Omit<RtpTarget, 'port'>;

export interface TestSignalOptions {
  readonly ffmpegPath: string;
  readonly picture: TestSignalPicture;
  readonly video: RtpMarks;
  readonly audio: RtpMarks | null;
  /** One RTP packet; the buffer is the callee's to keep. */
  readonly onPacket: (kind: MediaKind, packet: Buffer) => void;
  /** ffmpeg ended by itself; called at most once, never after `close`. */
  readonly onFailure: (error: Error) => void;
}

/** A keyframe arrives as one burst of about a hundred packets; the kernel counts 2 KiB for each. */
const receiveBufferSizeBytes = 2 * 1024 * 1024;
const killAfterMs = 2_000;
const errorTailChars = 2_000;

export class TestSignal {
  readonly #options: TestSignalOptions;
  readonly #sockets: Socket[] = [];
  #ffmpeg: ChildProcess | null = null;
  #errorTail = '';
  #closing: Promise<void> | null = null;

  private constructor(options: TestSignalOptions) {
    this.#options = options;
  }

  /** @throws when a socket cannot be bound or ffmpeg cannot be started */
  static async start(options: TestSignalOptions): Promise<TestSignal> {
    const signal = new TestSignal(options);
    try {
      await signal.#run();
    } catch (error) {
      await signal.close();
      throw error;
    }
    return signal;
  }

  /** Ends ffmpeg and closes the sockets. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    const { video, audio, picture, ffmpegPath } = this.#options;
    const videoTarget = { ...video, port: await this.#listen('video', video) };
    const audioTarget = audio && { ...audio, port: await this.#listen('audio', audio) };
    const ffmpeg = spawn(ffmpegPath, testSignalArguments(picture, videoTarget, audioTarget), {
      stdio: ['ignore', 'ignore', 'pipe'],
      // Out of the terminal's process group: Ctrl-C is for its parent, which ends it in order.
      detached: true,
    });
    this.#ffmpeg = ffmpeg;
    ffmpeg.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errorTail = (this.#errorTail + text).slice(-errorTailChars);
    });
    await once(ffmpeg, 'spawn');
    ffmpeg.once('close', (exitCode) => {
      if (this.#closing !== null) return;
      const detail = this.#errorTail.trim() || `exit code ${exitCode}`;
      this.#options.onFailure(new Error(`ffmpeg ended: ${detail}`));
    });
  }

  async #listen(kind: MediaKind, marks: RtpMarks): Promise<number> {
    const socket = createSocket('udp4');
    this.#sockets.push(socket);
    socket.on('message', (packet) => {
      if (isExpected(packet, marks)) this.#options.onPacket(kind, packet);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    socket.setRecvBufferSize(receiveBufferSizeBytes);
    return socket.address().port;
  }

  async #release(): Promise<void> {
    const ffmpeg = this.#ffmpeg;
    if (ffmpeg?.pid !== undefined && ffmpeg.exitCode === null && ffmpeg.signalCode === null) {
      const ended = once(ffmpeg, 'close');
      ffmpeg.kill('SIGTERM');
      const timer = setTimeout(() => ffmpeg.kill('SIGKILL'), killAfterMs);
      await ended;
      clearTimeout(timer);
    }
    for (const socket of this.#sockets) socket.close();
  }
}

/** Other programs of this machine can reach the port too; only packets with our marks count. */
function isExpected(packet: Buffer, marks: RtpMarks): boolean {
  return (
    packet.length > 12 &&
    packet.readUInt8(0) >> 6 === 2 &&
    (packet.readUInt8(1) & 0x7f) === marks.payloadType &&
    packet.readUInt32BE(8) === marks.ssrc
  );
}

const clockFontPaths = [
  '/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf',
  '/usr/share/fonts/truetype/liberation/LiberationMono-Bold.ttf',
  '/usr/share/fonts/dejavu-sans-mono-fonts/DejaVuSansMono-Bold.ttf',
  '/System/Library/Fonts/Menlo.ttc',
];

/** A font for the picture's clock, or `null` when this ffmpeg or this machine cannot draw text. */
export async function findClockFont(ffmpegPath: string): Promise<string | null> {
  const fontPath = clockFontPaths.find((path) => existsSync(path));
  if (fontPath === undefined) return null;
  const { stdout } = await promisify(execFile)(ffmpegPath, ['-hide_banner', '-filters']);
  return /\bdrawtext\b/.test(stdout) ? fontPath : null;
}
