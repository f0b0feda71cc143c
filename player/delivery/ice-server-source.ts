// The STUN and TURN servers of one playback: those of the page, or what the tracker says when peers
// are first wanted. Without an answer peers connect without any, as on one network.

import { iceServersPath, parseIceServers } from '@shoal/tracker/protocol';

export interface IceServerSourceOptions {
  /** Given by the page: nobody is asked. */
  readonly given: readonly RTCIceServer[] | undefined;
  /** HTTP origin of the tracker; `null` without one. */
  readonly trackerHttpUrl: string | null;
  /** The viewer's token at the moment of asking. */
  readonly token: () => string | undefined;
  readonly fetch: typeof globalThis.fetch;
}

/** Peers can wait for it: until then everything comes from the CDN. */
const answerTimeoutMs = 3_000;

export class IceServerSource {
  readonly #options: IceServerSourceOptions;
  readonly #servers: RTCIceServer[];
  #loading: Promise<void> | null = null;

  constructor(options: IceServerSourceOptions) {
    this.#options = options;
    this.#servers = [...(options.given ?? [])];
  }

  /** The same list for ever; complete when {@link load} has resolved. */
  get servers(): readonly RTCIceServer[] {
    return this.#servers;
  }

  /** Asks the tracker, once; resolves in any case. */
  load(): Promise<void> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<void> {
    const { given, trackerHttpUrl, fetch } = this.#options;
    const token = this.#options.token();
    if (given !== undefined || trackerHttpUrl === null) return;
    const url = new URL(iceServersPath, trackerHttpUrl);
    if (token !== undefined && token !== '') url.searchParams.set('token', token);
    try {
      const response = await fetch(url.href, { signal: AbortSignal.timeout(answerTimeoutMs) });
      if (response.ok) this.#servers.push(...parseIceServers(await response.json()));
    } catch {
      // A tracker that is away, or an older one: viewers of one network still find each other.
    }
  }
}
