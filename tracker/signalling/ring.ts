// Places on a ring for the viewers of a swarm who can upload: each slice of a segment belongs to
// the viewer whose arc holds its hash, so that exactly one fetches it. Shoal's players use it.

/** What an announce answer tells a Shoal viewer; other clients get the vanilla answer. */
export interface RingAnswer {
  /** In [0, 1). */
  readonly position: number;
  /** Distance to the viewer before it, in (0, 1]. */
  readonly gap: number;
  readonly capableCount: number;
  /** Others with stronger lines fetch: this viewer is to leave it to them. */
  readonly isSpared?: true;
}

interface Place {
  readonly id: string;
  readonly position: number;
}

/** Hexadecimal form of the peer ids that `viewer-id.ts` of the player makes: `-SH0101-` uploads. */
const uploadingViewerPrefix = Buffer.from('-SH0101-').toString('hex');

export class Ring {
  /** In order of position. */
  readonly #places: Place[] = [];
  readonly #positions = new Map<string, number>();

  get size(): number {
    return this.#places.length;
  }

  has(peerId: string): boolean {
    return this.#positions.has(peerId);
  }

  /** Gives a viewer the middle of the widest gap; others than uploading Shoal viewers get none. */
  join(peerId: string): void {
    if (!peerId.startsWith(uploadingViewerPrefix) || this.#positions.has(peerId)) return;
    const { index, position } = this.#widestGap();
    this.#places.splice(index, 0, { id: peerId, position });
    this.#positions.set(peerId, position);
  }

  leave(peerId: string): void {
    const position = this.#positions.get(peerId);
    if (position === undefined) return;
    this.#positions.delete(peerId);
    this.#places.splice(this.#indexOf(position), 1);
  }

  /** `null` for a viewer that has no place. */
  answerFor(peerId: string): RingAnswer | null {
    const position = this.#positions.get(peerId);
    if (position === undefined) return null;
    const before = this.#places.at(this.#indexOf(position) - 1);
    const gap = before === undefined ? 1 : distance(before.position, position);
    return { position, gap: gap === 0 ? 1 : gap, capableCount: this.#places.length };
  }

  #widestGap(): { index: number; position: number } {
    let widest = { index: 0, position: 0 };
    let widestGap = 0;
    for (const [index, place] of this.#places.entries()) {
      const next = this.#places[index + 1] ?? this.#places[0];
      const gap =
        next === undefined || next === place ? 1 : distance(place.position, next.position);
      if (gap <= widestGap) continue;
      widestGap = gap;
      const position = (place.position + gap / 2) % 1;
      widest = { index: position < place.position ? 0 : index + 1, position };
    }
    return widest;
  }

  /** Positions are unique: binary search. */
  #indexOf(position: number): number {
    let low = 0;
    let high = this.#places.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#places[middle]?.position ?? 1) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function distance(from: number, to: number): number {
  const difference = to - from;
  return difference < 0 ? difference + 1 : difference;
}
