// What the operator tells all players, the same on every tracker: the last change is in Redis, and each
// tracker looks there. The shared state polls; the board of remote-config holds what counts here.

import type { Redis } from 'ioredis';
import { type PlayerConfig, parsePlayerConfig } from '../protocol/index.ts';

/** The board, as far as the other trackers go. */
export interface ChangedConfig {
  /** What an operator has set, here or at another tracker; `null` while the environment counts. */
  readonly changed: PlayerConfig | null;
  adopt(config: PlayerConfig): void;
}

const configKey = 'shoal-player-config';

export class SharedPlayerConfig {
  readonly #redis: Redis;
  readonly #board: ChangedConfig;

  constructor(redis: Redis, board: ChangedConfig) {
    this.#redis = redis;
    this.#board = board;
  }

  /** Learns what was set at other trackers, or tells them again what Redis has lost. */
  async poll(): Promise<void> {
    try {
      await this.#compare();
    } catch {
      // What is known here goes on to count; the connection reports that Redis is away.
    }
  }

  /** Tells the others; rejects while Redis is away. */
  async publish(): Promise<void> {
    await this.#compare();
  }

  /** The highest version wins, so that trackers which write at the same time come to agree. */
  async #compare(): Promise<void> {
    const stored = parse(await this.#redis.get(configKey));
    const { changed } = this.#board;
    const storedVersion = stored?.version ?? -1;
    const changedVersion = changed?.version ?? -1;
    if (stored && storedVersion > changedVersion) this.#board.adopt(stored);
    else if (changed && changedVersion > storedVersion) {
      await this.#redis.set(configKey, JSON.stringify(changed));
    }
  }
}

function parse(text: string | null): PlayerConfig | null {
  if (text === null) return null;
  try {
    return parsePlayerConfig(JSON.parse(text));
  } catch {
    return null;
  }
}
