// The viewer token of one session: what the page gave, renewed before it expires by the page's own
// way to a new one. Sockets, beacons and the question for ICE servers read it when they need it.

/** The page's own way to a token; `null` where there is none for this viewer now. */
export type RefreshToken = (before: string | null) => Promise<string | null>;

export interface ViewerTokensOptions {
  readonly token: string | undefined;
  readonly refresh: RefreshToken | null;
  /** Milliseconds since 1970, as this device believes. */
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly onRenewed: (before: string | undefined, after: string) => void;
}

/** Where in a token's life it is renewed: late enough to be rare, spread over viewers. */
const earliestShare = 0.7;
const latestShare = 0.8;
/** Nobody's token service is asked more often, however short its tokens live. */
const leastPauseMs = 5_000;
const mostPauseMs = 5 * 60_000;
const answerTimeoutMs = 10_000;
/** Timers take no more than 2³¹ ms; and a device that slept looks at its clock again. */
const longestWaitMs = 6 * 3_600_000;

export class ViewerTokens {
  readonly #options: ViewerTokensOptions;
  #token: string | undefined;
  #asking: Promise<void> | null = null;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isClosed = false;

  constructor(options: ViewerTokensOptions) {
    this.#options = options;
    this.#token = options.token || undefined;
    if (options.refresh === null) return;
    if (this.#token === undefined) void this.#ask();
    else {
      const lifetime = lifetimeOf(this.#token);
      // Given with the page, it may be older than this visit: the device's clock has its say.
      this.#renewIn(lifetime && Math.min(lifetime.wholeMs, lifetime.expiresAtMs - options.nowMs()));
    }
  }

  get current(): string | undefined {
    return this.#token;
  }

  /** Resolves when there is a token, or none is to be had at once. */
  async ready(): Promise<void> {
    if (this.#token === undefined) await this.#asking;
  }

  /** The tracker took it for none: `true` when a new one may come. */
  refused(): boolean {
    if (this.#options.refresh === null || this.#isClosed) return false;
    const sinceMs = this.#options.nowMs() - this.#askedAtMs;
    if (sinceMs >= leastPauseMs || sinceMs < 0) void this.#ask();
    return true;
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#renew().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #renew(): Promise<void> {
    this.#askedAtMs = this.#options.nowMs();
    const before = this.#token;
    const token = await this.#answer(before);
    if (this.#isClosed) return;
    if (!token) {
      this.#failures += 1;
      this.#wait(Math.min(mostPauseMs, leastPauseMs * 2 ** Math.min(this.#failures - 1, 10)));
      return;
    }
    this.#failures = 0;
    this.#token = token;
    // It was signed just now: how long it lives does not depend on the device's clock.
    this.#renewIn(lifetimeOf(token)?.wholeMs ?? null);
    if (token !== before) this.#options.onRenewed(before, token);
  }

  async #answer(before: string | undefined): Promise<string | null> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const timeout = new Promise<null>((resolve) => {
        timer = setTimeout(() => resolve(null), answerTimeoutMs);
      });
      return (await Promise.race([this.#options.refresh?.(before ?? null), timeout])) ?? null;
    } catch (error) {
      console.warn('Shoal: the page could not renew its viewer token.', error);
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param lifetimeMs `null` for a token that does not say when it expires */
  #renewIn(lifetimeMs: number | null): void {
    if (lifetimeMs === null) return;
    const share = earliestShare + (latestShare - earliestShare) * this.#options.random();
    const sinceMs = this.#options.nowMs() - this.#askedAtMs;
    this.#wait(Math.max(lifetimeMs * share, leastPauseMs - Math.max(0, sinceMs), 0));
  }

  #wait(delayMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const dueAtMs = this.#options.nowMs() + delayMs;
    this.#timer = setTimeout(
      () => {
        const leftMs = dueAtMs - this.#options.nowMs();
        if (delayMs > longestWaitMs && leftMs > 0) this.#wait(leftMs);
        else void this.#ask();
      },
      Math.min(delayMs, longestWaitMs),
    );
  }
}

interface TokenLifetime {
  /** From when it was signed to its end; without `iat`, from now. */
  readonly wholeMs: number;
  readonly expiresAtMs: number;
}

/** From `exp` and `iat` (RFC 7519 §4.1); `null` for a token without. A signature is not checked here. */
function lifetimeOf(token: string): TokenLifetime | null {
  try {
    const payload = token.split('.')[1] ?? '';
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    if (typeof claims !== 'object' || claims === null || !('exp' in claims)) return null;
    const { exp } = claims;
    const iat = 'iat' in claims ? claims.iat : undefined;
    if (typeof exp !== 'number') return null;
    const expiresAtMs = exp * 1_000;
    const issuedAtMs = typeof iat === 'number' ? iat * 1_000 : Date.now();
    return { wholeMs: expiresAtMs - issuedAtMs, expiresAtMs };
  } catch {
    return null;
  }
}

/** Asks a URL that answers `{ "token": … }`, as the tracker's own for trials does. */
export function tokenFrom(url: string, fetch: typeof globalThis.fetch): RefreshToken {
  return async () => {
    const response = await fetch(url, { cache: 'no-store' });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    const answer: unknown = await response.json();
    if (typeof answer !== 'object' || answer === null || !('token' in answer)) return null;
    return typeof answer.token === 'string' ? answer.token : null;
  };
}
