// What the store knows of the sessions of beacons, asked for all that come within a few milliseconds
// at once: another tracker may have counted a session's last beacons. The group commit asks.

import type { SessionRecord } from './pure/telemetry-batch.ts';
import type { TelemetryStore } from './telemetry-store.ts';

/** How long the first question of a batch waits for others. */
const gatherMs = 5;
/** Parameters of one statement. */
const maxBatch = 1_000;

type Batch = Map<string, ((record: SessionRecord | null) => void)[]>;

export class SessionLookup {
  readonly #store: TelemetryStore;
  #gathering: { readonly batch: Batch; readonly done: Promise<void> } | null = null;

  constructor(store: TelemetryStore) {
    this.#store = store;
  }

  /** Rejects with the store's error. */
  async find(session: string): Promise<SessionRecord | null> {
    const gathering = this.#gathering ?? this.#gather();
    let found: SessionRecord | null = null;
    const waiting = gathering.batch.get(session) ?? [];
    waiting.push((record) => {
      found = record;
    });
    gathering.batch.set(session, waiting);
    if (gathering.batch.size >= maxBatch) this.#gathering = null;
    await gathering.done;
    return found;
  }

  #gather(): { readonly batch: Batch; readonly done: Promise<void> } {
    const batch: Batch = new Map();
    const gathering = { batch, done: this.#ask(batch) };
    this.#gathering = gathering;
    return gathering;
  }

  async #ask(batch: Batch): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, gatherMs));
    // From here on a new question belongs to the next batch.
    if (this.#gathering?.batch === batch) this.#gathering = null;
    for (const record of await this.#store.findSessions([...batch.keys()])) {
      for (const tell of batch.get(record.session) ?? []) tell(record);
    }
  }
}
