// Which links go through a TURN server, and what they bring: somebody pays for these bytes. Fed by the
// links of a rendition; asks WebRTC's statistics once a link is up.

/** The part of simple-peer that tells WebRTC's statistics, flattened. */
export interface ConnectionWithStats {
  getStats?(callback: (error: unknown, reports: readonly StatsReport[]) => void): void;
}

/** The fields of RTCStats that are read here. */
export interface StatsReport {
  readonly id?: string;
  readonly type?: string;
  readonly selectedCandidatePairId?: string;
  readonly localCandidateId?: string;
  readonly remoteCandidateId?: string;
  readonly candidateType?: string;
  readonly nominated?: boolean;
  readonly state?: string;
}

/** Whether one side of the pair that is in use is a relay. */
export function isRelayed(reports: readonly StatsReport[]): boolean {
  const byId = new Map(reports.map((report) => [report.id, report]));
  const selectedId = reports.find(({ type }) => type === 'transport')?.selectedCandidatePairId;
  const pair =
    byId.get(selectedId) ??
    reports.find(
      ({ type, nominated, state }) =>
        type === 'candidate-pair' && nominated && state === 'succeeded',
    );
  const sides = [pair?.localCandidateId, pair?.remoteCandidateId].map((id) => byId.get(id));
  return sides.some((side) => side?.candidateType === 'relay');
}

export class RelayedLinks {
  readonly #onBytes: (sizeBytes: number) => void;
  readonly #relayed = new WeakSet<object>();
  /** Bytes of links of which it is not known yet. */
  readonly #waiting = new WeakMap<object, number>();

  constructor(onBytes: (sizeBytes: number) => void) {
    this.#onBytes = onBytes;
  }

  /** The link is up: it will not change its way without an ICE restart, which nobody does. */
  connected(link: ConnectionWithStats): void {
    if (link.getStats === undefined) return;
    this.#waiting.set(link, this.#waiting.get(link) ?? 0);
    link.getStats((error, reports) => {
      const early = this.#waiting.get(link) ?? 0;
      this.#waiting.delete(link);
      if (error || !isRelayed(reports)) return;
      this.#relayed.add(link);
      if (early > 0) this.#onBytes(early);
    });
  }

  received(link: object, sizeBytes: number): void {
    if (this.#relayed.has(link)) this.#onBytes(sizeBytes);
    const early = this.#waiting.get(link);
    if (early !== undefined) this.#waiting.set(link, early + sizeBytes);
  }
}
