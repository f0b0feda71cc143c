// Debian's WHIP client, which is built on GStreamer, as a process that publishes a test picture and a
// tone. Its libsoup 2 and the libsoup 3 of libnice's UPnP do not bear each other in one process.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const libraryName = 'libnice.so.10';
const upnpLibrary = 'libgupnp-igd-1.0.so.4';
const upnpFunctions = ['thread_new', 'add_port', 'get_type', 'remove_port_local'];

const picture = [
  'videotestsrc is-live=true pattern=ball',
  'video/x-raw,width=320,height=180,framerate=30/1',
  'queue',
  'x264enc tune=zerolatency speed-preset=ultrafast bitrate=400 key-int-max=60',
  'video/x-h264,profile=constrained-baseline',
  'rtph264pay pt=96 config-interval=-1 aggregate-mode=zero-latency',
  'application/x-rtp,media=video,encoding-name=H264,payload=96',
];
const sound = [
  ...['audiotestsrc is-live=true wave=sine', 'audioconvert', 'queue', 'opusenc'],
  ...['rtpopuspay pt=100', 'application/x-rtp,media=audio,encoding-name=OPUS,payload=100'],
];

/** Overwrites a whole string of a table of strings. */
function renamed(library: Buffer, from: string, to: string): void {
  const at = library.indexOf(`\0${from}\0`, 0, 'latin1');
  if (at < 0) return;
  library.fill(0, at + 1, at + 1 + from.length);
  library.write(to, at + 1, 'latin1');
}

/**
 * libnice as if it had been built without UPnP, for which there is no switch outside of a program: it
 * wants nothing of that library, and what would look for a router gives it none (`sched_yield` takes
 * nothing and returns 0). A libnice that has nothing of this stays as it is.
 */
async function withoutUpnp(directory: string): Promise<void> {
  const { stdout } = await run('ldconfig', ['-p']);
  const file = new RegExp(`${libraryName} .* => (\\S+)`).exec(stdout)?.[1];
  if (file === undefined) throw new Error(`there is no ${libraryName}`);
  const library = await readFile(file);
  renamed(library, upnpLibrary, 'libc.so.6');
  for (const name of upnpFunctions) renamed(library, `gupnp_simple_igd_${name}`, 'sched_yield');
  await writeFile(path.join(directory, libraryName), library);
}

export class GstreamerPublisher {
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #exited: Promise<void>;
  #output = '';

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.#directory = directory;
    this.#exited = new Promise((resolve) => child.once('close', () => resolve()));
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-20_000);
      });
  }

  static async start(whipUrl: string, key: string): Promise<GstreamerPublisher> {
    const directory = await mkdtemp(path.join(tmpdir(), 'shoal-gstreamer-'));
    await withoutUpnp(directory);
    const pipelines = ['-V', picture.join(' ! '), '-A', sound.join(' ! ')];
    const child = spawn('whip-client', ['-u', whipUrl, '-t', key, '-o', ...pipelines], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        LD_LIBRARY_PATH: directory,
        // What it knows of plugins is remembered: not among the user's own.
        GST_REGISTRY: path.join(directory, 'registry.bin'),
      },
    });
    return new GstreamerPublisher(child, directory);
  }

  /** What it has said so far. */
  get output(): string {
    return this.#output;
  }

  /** As Ctrl-C: it ends its session by DELETE. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      this.#child.kill('SIGINT');
    await this.#exited;
    await rm(this.#directory, { recursive: true, force: true });
  }
}
