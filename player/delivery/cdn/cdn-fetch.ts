// `fetch` for everything that comes from the CDN: picks the base, goes to another one when it
// fails, asks the page for new credentials when old ones are refused. Below both fetchers.

import { type CdnBase, CdnRoutes } from './cdn-routes.ts';

/** What the CDN refused. */
export interface RefusedRequest {
  /** As in the playlist. */
  readonly url: string;
  /** 401 or 403. */
  readonly status: number;
}

/** What requests carry from then on. */
export interface CdnAccess {
  /** Set on every URL, in place of parameters of the same name. */
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Where this one request goes instead. */
  readonly url?: string | undefined;
}

/** The page's own way to new credentials; `null` gives up. */
export type RefreshCdnAccess = (refused: RefusedRequest) => Promise<CdnAccess | null>;

/** `fetch` as the fetchers use it. */
export type FetchUrl = (url: string, init?: RequestInit) => Promise<Response>;

export interface CdnFetchOptions {
  readonly fetch: FetchUrl;
  readonly bases: readonly CdnBase[];
  readonly refreshAccess: RefreshCdnAccess | null;
  readonly nowMs: () => number;
  readonly random: () => number;
}

/** Nobody's token service is asked more often, however many requests are refused. */
const leastRefreshMs = 5_000;
const refreshTimeoutMs = 10_000;
const firstBackoffMs = 200;

export class CdnFetch {
  readonly #options: CdnFetchOptions;
  readonly #routes: CdnRoutes;
  #access: CdnAccess = {};
  #refreshing: Promise<CdnAccess | null> | null = null;
  #refreshedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: CdnFetchOptions) {
    this.#options = options;
    this.#routes = new CdnRoutes(options.bases, options.random);
  }

  /** Like `globalThis.fetch`, for URLs in text; rejects only when the last base did. */
  readonly fetch: FetchUrl = async (input, init = {}) => {
    const tried = new Set<number>();
    let isRefreshed = false;
    let own: CdnAccess = {};
    for (;;) {
      const route = this.#routes.route(input, this.#options.nowMs(), tried);
      const access = this.#access;
      const outcome = await this.#try(own.url ?? route.url, init, access);
      const isRefused = isResponse(outcome) && (outcome.status === 401 || outcome.status === 403);
      if (isRefused && !isRefreshed && this.#options.refreshAccess) {
        isRefreshed = true;
        const refreshed = await this.#refresh({ url: input, status: outcome.status }, access);
        if (refreshed) {
          own = refreshed;
          continue;
        }
      }
      if (!isFailure(outcome)) {
        if (route.base !== null) this.#routes.worked(route.base);
        return settled(outcome);
      }
      if (init.signal?.aborted || route.base === null) return settled(outcome);
      tried.add(route.base);
      // A file that one CDN does not have yet says nothing about its health.
      if (!isResponse(outcome) || outcome.status !== 404)
        this.#routes.failed(route.base, this.#options.nowMs());
      if (tried.size >= this.#routes.baseCount) return settled(outcome);
      await this.#wait(firstBackoffMs * 2 ** (tried.size - 1) * this.#options.random());
    }
  };

  async #try(url: string, init: RequestInit, access: CdnAccess): Promise<Response | Failed> {
    try {
      return await this.#options.fetch(withQuery(url, access.query), {
        ...init,
        ...(access.headers ? { headers: { ...plainHeaders(init), ...access.headers } } : {}),
      });
    } catch (error) {
      return { error };
    }
  }

  /** One question at a time; who was refused with what is old already takes the new. */
  async #refresh(refused: RefusedRequest, usedAccess: CdnAccess): Promise<CdnAccess | null> {
    if (this.#access !== usedAccess) return this.#access;
    const nowMs = this.#options.nowMs();
    if (!this.#refreshing && nowMs - this.#refreshedAtMs < leastRefreshMs) return null;
    this.#refreshedAtMs = nowMs;
    this.#refreshing ??= this.#ask(refused).finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #ask(refused: RefusedRequest): Promise<CdnAccess | null> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const timeout = new Promise<null>((resolve) => {
        timer = setTimeout(() => resolve(null), refreshTimeoutMs);
      });
      const access = await Promise.race([this.#options.refreshAccess?.(refused), timeout]);
      if (!access) return null;
      this.#access = { query: access.query, headers: access.headers };
      return access;
    } catch (error) {
      console.warn('Shoal: the page could not refresh its access to the CDN.', error);
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, delayMs));
  }
}

interface Failed {
  readonly error: unknown;
}

function isResponse(outcome: Response | Failed): outcome is Response {
  return 'status' in outcome;
}

/** Another base may do better. */
function isFailure(outcome: Response | Failed): boolean {
  if (!isResponse(outcome)) return true;
  return outcome.status >= 500 || [404, 408, 429].includes(outcome.status);
}

function settled(outcome: Response | Failed): Response {
  if (isResponse(outcome)) return outcome;
  throw outcome.error;
}

function plainHeaders(init: RequestInit): Record<string, string> {
  return Object.fromEntries(new Headers(init.headers));
}

function withQuery(url: string, query: Readonly<Record<string, string>> | undefined): string {
  if (!query) return url;
  const changed = new URL(url);
  for (const [name, value] of Object.entries(query)) changed.searchParams.set(name, value);
  return changed.href;
}
