// Over which of several CDNs a request goes: by weight, away from those that fail, back when they
// have had time to recover. Pure; cdn-fetch asks it and tells it what came of it.

/** One of several places that have the same files under the same paths. */
export interface CdnBase {
  /** Absolute URL that a file's path is appended to. */
  readonly url: string;
  /** Share of the viewers relative to the others; 1 by default, 0 only when all others fail. */
  readonly weight?: number | undefined;
}

export interface CdnRoute {
  readonly url: string;
  /** The base that was chosen, `null` for a URL that is under none of them. */
  readonly base: number | null;
}

interface BaseState {
  readonly url: string;
  readonly weight: number;
  failures: number;
  avoidedUntilMs: number;
}

const firstAvoidMs = 5_000;
const maxAvoidMs = 5 * 60_000;

export class CdnRoutes {
  readonly #bases: readonly BaseState[];
  readonly #random: () => number;
  /** This viewer's own, as long as it works: caches like viewers who stay. */
  readonly #preferred: number;
  #substitute: number | null = null;

  /** @param random uniform in [0, 1) */
  constructor(bases: readonly CdnBase[], random: () => number) {
    this.#bases = bases.map(({ url, weight = 1 }) => ({
      url: url.endsWith('/') ? url : `${url}/`,
      weight: Math.max(0, weight),
      failures: 0,
      avoidedUntilMs: Number.NEGATIVE_INFINITY,
    }));
    this.#random = random;
    this.#preferred = this.#draw(this.#bases.map((_base, index) => index));
  }

  get baseCount(): number {
    return this.#bases.length;
  }

  /** @param avoid bases that were tried for this request already */
  route(url: string, nowMs: number, avoid: ReadonlySet<number> = new Set()): CdnRoute {
    const from = this.#bases.find((base) => url.startsWith(base.url));
    if (!from) return { url, base: null };
    const base = this.#choose(nowMs, avoid);
    const to = this.#bases[base];
    return { url: to ? to.url + url.slice(from.url.length) : url, base };
  }

  failed(base: number, nowMs: number): void {
    const state = this.#bases[base];
    if (!state) return;
    const avoidMs = Math.min(maxAvoidMs, firstAvoidMs * 2 ** Math.min(state.failures, 10));
    state.failures += 1;
    state.avoidedUntilMs = nowMs + avoidMs * (0.75 + this.#random() / 2);
  }

  worked(base: number): void {
    const state = this.#bases[base];
    if (state) state.failures = 0;
  }

  #choose(nowMs: number, avoid: ReadonlySet<number>): number {
    const isWell = (index: number): boolean =>
      !avoid.has(index) && (this.#bases[index]?.avoidedUntilMs ?? 0) <= nowMs;
    if (isWell(this.#preferred)) {
      this.#substitute = null;
      return this.#preferred;
    }
    if (this.#substitute !== null && isWell(this.#substitute)) return this.#substitute;
    const all = this.#bases.map((_base, index) => index);
    const well = all.filter(isWell);
    if (well.length > 0) {
      this.#substitute = this.#draw(well);
      return this.#substitute;
    }
    const untried = all.filter((index) => !avoid.has(index));
    const endOf = (index: number): number => this.#bases[index]?.avoidedUntilMs ?? 0;
    const candidates = untried.length > 0 ? untried : all;
    return candidates.reduce((a, b) => (endOf(b) < endOf(a) ? b : a));
  }

  #draw(among: readonly number[]): number {
    const weightOf = (index: number): number => this.#bases[index]?.weight ?? 0;
    const total = among.reduce((sum, index) => sum + weightOf(index), 0);
    let left = this.#random() * total;
    for (const index of among) {
      left -= weightOf(index);
      if (left < 0) return index;
    }
    return among[0] ?? 0;
  }
}
