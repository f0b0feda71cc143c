// A set of peers from which some can be drawn at random without walking through all of them. The
// peer index keeps one for the swarm, one per address and one per network.

/** Up to this many members every one is looked at, so that no eligible one is missed. */
const exhaustiveSize = 64;
/** Draws per wanted member in larger bags, before the rest counts as not eligible. */
const drawsPerWanted = 8;

export class PeerBag<Member> {
  readonly #members: Member[] = [];
  readonly #positions = new Map<Member, number>();

  get size(): number {
    return this.#members.length;
  }

  add(member: Member): void {
    if (this.#positions.has(member)) return;
    this.#positions.set(member, this.#members.length);
    this.#members.push(member);
  }

  delete(member: Member): void {
    const position = this.#positions.get(member);
    const last = this.#members.pop();
    if (last === undefined) return;
    if (position === undefined) {
      this.#members.push(last);
      return;
    }
    this.#positions.delete(member);
    // The last one moves into the gap.
    if (last !== member) {
      this.#members[position] = last;
      this.#positions.set(last, position);
    }
  }

  /** Up to `count` different members that `isEligible` accepts, in random order. */
  draw(count: number, isEligible: (member: Member) => boolean, random: () => number): Member[] {
    const drawn = new Set<Member>();
    if (count <= 0) return [];
    if (this.#members.length <= exhaustiveSize) {
      for (const member of shuffled(this.#members, random)) {
        if (drawn.size >= count) break;
        if (isEligible(member)) drawn.add(member);
      }
      return [...drawn];
    }
    for (let draws = count * drawsPerWanted; draws > 0 && drawn.size < count; draws -= 1) {
      const member = this.#members[Math.floor(random() * this.#members.length)];
      if (member !== undefined && !drawn.has(member) && isEligible(member)) drawn.add(member);
    }
    return [...drawn];
  }
}

/** Fisher and Yates's shuffle, on a copy. */
function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const copy = [...items];
  for (let index = copy.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    const [a, b] = [copy[index], copy[other]];
    if (a === undefined || b === undefined) continue;
    copy[index] = b;
    copy[other] = a;
  }
  return copy;
}
