// Follows what the operator tells all players, the kill switch first: reads it at the start, again
// when a beacon's answer names another version, and regularly where no beacons go. Never in the way.

import { type PlayerConfig, parsePlayerConfig } from '@shoal/tracker/protocol';

export interface RemoteConfigOptions {
  /** Base URL of the tracker. */
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  readonly nowMs: () => number;
  readonly onConfig: (config: PlayerConfig) => void;
}

/** A kill switch must be heard within 10 s. */
const pollIntervalMs = 7_000;
/** Beacons come every 5 s; while their answers name the version nobody needs to ask. */
const announcedMs = 9_000;
/** A tracker that knows no such thing, or none at all, is asked rarely. */
const maxIntervalMs = 60_000;
const requestTimeoutMs = 5_000;

export class RemoteConfig {
  readonly #options: RemoteConfigOptions;
  #reading: AbortController | null = null;
  #closed = false;
  #version = -1;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(options: RemoteConfigOptions) {
    this.#options = options;
    void this.#poll();
  }

  /** A beacon's answer has named the version that counts now. */
  noteVersion(version: number): void {
    if (this.#closed) return;
    this.#heardAtMs = this.#options.nowMs();
    if (version !== this.#version) void this.#read();
  }

  close(): void {
    this.#closed = true;
    this.#reading?.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #poll(): Promise<void> {
    const isAnnounced = this.#options.nowMs() - this.#heardAtMs < announcedMs;
    if (!isAnnounced) await this.#read();
    if (this.#closed) return;
    const waitMs = Math.min(maxIntervalMs, pollIntervalMs * 2 ** Math.min(this.#failures, 8));
    this.#timer = setTimeout(() => void this.#poll(), waitMs);
  }

  async #read(): Promise<void> {
    if (this.#reading) return;
    const reading = new AbortController();
    this.#reading = reading;
    const timer = setTimeout(() => reading.abort(), requestTimeoutMs);
    try {
      const response = await this.#options.fetch(`${this.#options.url}/api/v1/player-config`, {
        signal: reading.signal,
      });
      const config = response.ok ? parsePlayerConfig(await response.json()) : null;
      this.#failures = config ? 0 : this.#failures + 1;
      if (!config || this.#closed) return;
      this.#version = config.version;
      this.#options.onConfig(config);
    } catch {
      // No tracker: what it said last goes on to count.
      this.#failures += 1;
    } finally {
      clearTimeout(timer);
      this.#reading = null;
    }
  }
}
