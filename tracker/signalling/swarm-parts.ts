// Which part of a large swarm a viewer belongs to: networks stay together, a part that is full gives
// half of its networks to a new one, and two small parts become one. Pure; the split swarm asks.

/** What is assigned as one: a network, or a share of a network too large for a part. */
interface Group {
  part: number;
  size: number;
}

/** Parts that together fill less than this become one; a full one is split into halves. */
const mergeShare = 0.6;
/** A network with more than this share of a part is divided. */
const divisionShare = 0.5;

export class SwarmParts {
  readonly #maxPartSize: number;
  readonly #groups = new Map<string, Group>();
  /** Into how many groups a network is divided; a power of two. */
  readonly #divisions = new Map<string, number>();
  /** Viewers by part, as assigned: those of another part move when they announce. */
  readonly #sizes = new Map<number, number>();
  /** The group that a viewer was counted in when it joined or last moved. */
  readonly #groupOf = new Map<string, string>();
  #nextPart = 0;

  constructor(maxPartSize: number) {
    this.#maxPartSize = maxPartSize;
  }

  get partCount(): number {
    return this.#sizes.size;
  }

  /** Whether this network has viewers here already. */
  hasNetwork(networkKey: string): boolean {
    const buckets = this.#divisions.get(networkKey) ?? 1;
    if (buckets > 1) return true;
    return this.#groups.has(networkKey);
  }

  /** The part that the viewer belongs to now; a new one is counted. */
  partOf(peerId: string, networkKey: string): number {
    const known = this.#groupOf.get(peerId);
    const key = this.#groupKey(peerId, networkKey);
    if (known !== undefined && known !== key) this.leave(peerId);
    if (this.#groupOf.has(peerId)) return this.#groups.get(key)?.part ?? 0;
    const group = this.#groups.get(key) ?? { part: this.#smallestPart(), size: 0 };
    this.#groups.set(key, group);
    this.#groupOf.set(peerId, key);
    group.size += 1;
    this.#resize(group.part, 1);
    if ((this.#sizes.get(group.part) ?? 0) > this.#maxPartSize) this.#split(group.part);
    return group.part;
  }

  leave(peerId: string): void {
    const key = this.#groupOf.get(peerId);
    const group = key === undefined ? undefined : this.#groups.get(key);
    if (key === undefined || group === undefined) return;
    this.#groupOf.delete(peerId);
    group.size -= 1;
    if (group.size <= 0) this.#groups.delete(key);
    this.#resize(group.part, -1);
    this.#merge(group.part);
    if (this.#groupOf.size === 0) this.#divisions.clear();
  }

  #groupKey(peerId: string, networkKey: string): string {
    const buckets = this.#divisions.get(networkKey) ?? 1;
    return buckets === 1 ? networkKey : `${networkKey}#${bucketOf(peerId, buckets)}`;
  }

  #smallestPart(): number {
    let smallest: number | null = null;
    for (const [part, size] of this.#sizes) {
      if (smallest === null || size < (this.#sizes.get(smallest) ?? 0)) smallest = part;
    }
    if (smallest !== null) return smallest;
    return this.#openPart();
  }

  #openPart(): number {
    const part = this.#nextPart;
    this.#nextPart += 1;
    this.#sizes.set(part, 0);
    return part;
  }

  #resize(part: number, change: number): void {
    const size = (this.#sizes.get(part) ?? 0) + change;
    if (size > 0) this.#sizes.set(part, size);
    else this.#sizes.delete(part);
  }

  /** Gives half of the viewers to a new part, whole groups at a time, the largest first. */
  #split(part: number): void {
    this.#divideLargest(part);
    const groups = [...this.#groups.values()]
      .filter((group) => group.part === part)
      .sort((a, b) => b.size - a.size);
    if (groups.length < 2) return;
    const target = this.#openPart();
    let kept = 0;
    let given = 0;
    for (const group of groups) {
      if (given < kept) {
        given += group.size;
        group.part = target;
        this.#resize(part, -group.size);
        this.#resize(target, group.size);
      } else kept += group.size;
    }
  }

  /** Divides a network that alone would fill half of the part. */
  #divideLargest(part: number): void {
    for (const [key, group] of [...this.#groups]) {
      if (group.part !== part || group.size <= this.#maxPartSize * divisionShare) continue;
      const networkKey = key.split('#')[0] ?? key;
      const buckets = (this.#divisions.get(networkKey) ?? 1) * 2;
      this.#divisions.set(networkKey, buckets);
      this.#regroup(networkKey, buckets);
      return;
    }
  }

  /** Counts the viewers of a network in its new groups, which stay in the part of the old ones. */
  #regroup(networkKey: string, buckets: number): void {
    const isOfNetwork = (key: string): boolean => key.split('#')[0] === networkKey;
    const parts = new Map(
      [...this.#groups].filter(([key]) => isOfNetwork(key)).map(([key, { part }]) => [key, part]),
    );
    for (const key of parts.keys()) this.#groups.delete(key);
    for (const [peerId, oldKey] of this.#groupOf) {
      if (!isOfNetwork(oldKey)) continue;
      const key = `${networkKey}#${bucketOf(peerId, buckets)}`;
      const group = this.#groups.get(key) ?? { part: parts.get(oldKey) ?? 0, size: 0 };
      group.size += 1;
      this.#groups.set(key, group);
      this.#groupOf.set(peerId, key);
    }
  }

  /** Gives all groups of a small part to another small one. */
  #merge(part: number): void {
    const size = this.#sizes.get(part);
    if (size === undefined || this.#sizes.size < 2) return;
    for (const [other, otherSize] of this.#sizes) {
      if (other === part || size + otherSize > this.#maxPartSize * mergeShare) continue;
      for (const group of this.#groups.values()) if (group.part === part) group.part = other;
      this.#sizes.delete(part);
      this.#sizes.set(other, size + otherSize);
      return;
    }
  }
}

/** Stable for a viewer, and finer with more buckets: those of 2n split those of n. */
function bucketOf(peerId: string, buckets: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < peerId.length; index += 1) {
    hash = Math.imul(hash ^ peerId.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash % buckets;
}
