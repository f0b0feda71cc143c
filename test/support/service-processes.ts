// Ingest and tracker as processes of their own, configured by the environment as containers run
// them: what end-to-end tests talk to, and may kill.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StreamList } from '@shoal/ingest/protocol';
import { freePort } from '../../infra/local/free-port.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readyTimeoutMs = 30_000;

export interface ServiceOptions {
  readonly streamKeys: string;
  readonly ladder: string;
}

/** One service: a process that has said `ready`. */
export class ServiceProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  }

  static async start(
    entry: string,
    environment: Readonly<Record<string, string>>,
  ): Promise<ServiceProcess> {
    const child = spawn(process.execPath, ['--import', 'tsx', entry], {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const service = new ServiceProcess(child);
    await service.#untilReady(entry);
    return service;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Ends the process at once, as a crash would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Asks it to stop and gives its exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      this.#child.kill('SIGTERM');
    return await this.#exited;
  }

  #untilReady(entry: string): Promise<void> {
    return new Promise((resolve, reject) => {
      let output = '';
      const timer = setTimeout(() => fail('is not ready in time'), readyTimeoutMs);
      const fail = (problem: string): void => {
        clearTimeout(timer);
        this.#child.kill('SIGKILL');
        reject(new Error(`${entry} ${problem}:\n${output}`));
      };
      const read = (chunk: Buffer): void => {
        output = (output + chunk.toString()).slice(-20_000);
        if (!/^ready$/m.test(output)) return;
        clearTimeout(timer);
        resolve();
      };
      this.#child.stdout?.on('data', read);
      this.#child.stderr?.on('data', read);
      void this.#exited.then((code) => fail(`ended with ${code}`));
    });
  }
}

/** Ingest and tracker that know each other. */
export class Services {
  readonly ingestUrl: string;
  readonly trackerUrl: string;
  readonly ingest: ServiceProcess;
  readonly tracker: ServiceProcess;
  readonly #dataDirectory: string;

  private constructor(
    urls: { ingestUrl: string; trackerUrl: string },
    ingest: ServiceProcess,
    tracker: ServiceProcess,
    dataDirectory: string,
  ) {
    this.ingestUrl = urls.ingestUrl;
    this.trackerUrl = urls.trackerUrl;
    this.ingest = ingest;
    this.tracker = tracker;
    this.#dataDirectory = dataDirectory;
  }

  static async start(options: ServiceOptions): Promise<Services> {
    const dataDirectory = await mkdtemp(path.join(tmpdir(), 'shoal-test-'));
    const [ingestPort, trackerPort] = [await freePort(), await freePort()];
    const environment = {
      SHOAL_HOST: '127.0.0.1',
      SHOAL_INGEST_PORT: String(ingestPort),
      SHOAL_TRACKER_PORT: String(trackerPort),
      SHOAL_STREAM_KEYS: options.streamKeys,
      SHOAL_LADDER: options.ladder,
      SHOAL_DATA_DIR: dataDirectory,
    };
    const [ingest, tracker] = await Promise.all([
      ServiceProcess.start('ingest/main.ts', environment),
      ServiceProcess.start('tracker/main.ts', environment),
    ]);
    const urls = {
      ingestUrl: `http://127.0.0.1:${ingestPort}`,
      trackerUrl: `http://127.0.0.1:${trackerPort}`,
    };
    return new Services(urls, ingest, tracker, dataDirectory);
  }

  async streams(): Promise<StreamList> {
    const response = await fetch(`${this.ingestUrl}/api/v1/streams`);
    return await response.json();
  }

  /** Media bytes that the origin has sent for a stream. */
  async originEgressBytes(stream: string): Promise<number> {
    const { streams } = await this.streams();
    return streams.find(({ id }) => id === stream)?.originEgressBytes ?? 0;
  }

  async stop(): Promise<void> {
    await Promise.all([this.ingest.stop(), this.tracker.stop()]);
    await rm(this.#dataDirectory, { recursive: true, force: true });
  }
}
