// Who publishes what: one session per stream, and no more than the server has room for. The
// endpoint starts and finds sessions here; a session that lost its publisher makes way.

import { randomBytes } from 'node:crypto';
import { IngestError } from '../errors.ts';
import type { StreamId } from '../protocol/index.ts';
import type { SessionCloseReason } from './broadcast-sink.ts';
import type { SessionStatistics, WhipSession } from './whip-session.ts';

/** Starts a session under an id; `onClosing` must be handed to it. */
export type StartSession = (
  id: string,
  onClosing: (session: WhipSession, finished: Promise<void>) => void,
) => Promise<WhipSession>;

interface LostSession {
  readonly stream: StreamId;
  readonly farewell: () => Promise<void>;
}

/** More than can be waiting for their publishers at a time. */
const maxLostSessions = 256;

export interface SessionLimits {
  readonly maxSessions: number;
  readonly maxSessionsPerAddress: number;
}

export class SessionRegistry {
  readonly #limits: SessionLimits;
  /** Client → sessions that it has or is starting. */
  readonly #countByClient = new Map<string, number>();
  /** `null` while a session is being started: the stream is taken already. */
  readonly #byStream = new Map<StreamId, WhipSession | null>();
  readonly #byId = new Map<string, WhipSession>();
  /** Sessions that are finishing their broadcast. */
  readonly #closing = new Set<Promise<void>>();
  /** Sessions that lost their connection: a late DELETE still ends their broadcasts. */
  readonly #lost = new Map<string, LostSession>();
  #isClosed = false;

  constructor(limits: SessionLimits) {
    this.#limits = limits;
  }

  /**
   * Starts the stream's session.
   * @param client the publisher's address, as far as it counts as one
   * @throws IngestError `stream-busy` while somebody publishes it, `limit-reached` without room
   */
  async publish(stream: StreamId, client: string, start: StartSession): Promise<WhipSession> {
    this.#makeWay(stream, client);
    const { maxSessions, maxSessionsPerAddress } = this.#limits;
    const ofClient = this.#countByClient.get(client) ?? 0;
    if (this.#isClosed || this.#byStream.size >= maxSessions || ofClient >= maxSessionsPerAddress) {
      throw new IngestError('limit-reached', 'Try again later.');
    }
    this.#byStream.set(stream, null);
    this.#countByClient.set(client, ofClient + 1);
    // A session that began to be is forgotten through its callback, also when its start fails.
    let hasClosed = false;
    let session: WhipSession;
    try {
      // 128 random bits: the session's URL is what allows to end it (RFC 9725 §5).
      session = await start(randomBytes(16).toString('hex'), (closing, finished) => {
        hasClosed = true;
        this.#release(client);
        this.#forget(closing, finished);
      });
    } catch (error) {
      if (!hasClosed) this.#release(client);
      if (this.#byStream.get(stream) === null) this.#byStream.delete(stream);
      throw error;
    }
    if (session.state === 'closed' || this.#isClosed) {
      if (this.#byStream.get(stream) === null) this.#byStream.delete(stream);
      this.end(session, 'shutdown');
      throw new IngestError('limit-reached', 'The server is shutting down.');
    }
    this.#byStream.set(stream, session);
    this.#byId.set(session.sessionId, session);
    return session;
  }

  find(stream: StreamId, sessionId: string): WhipSession | null {
    const session = this.#byId.get(sessionId);
    return session?.stream === stream ? session : null;
  }

  /**
   * Many clients close their connection before they send DELETE, and its end is noticed first.
   * @returns whether such a session was known; its broadcast then ends without waiting any longer
   */
  sayGoodbye(stream: StreamId, sessionId: string): boolean {
    const lost = this.#lost.get(sessionId);
    if (lost?.stream !== stream) return false;
    this.#lost.delete(sessionId);
    this.#track(lost.farewell());
    return true;
  }

  /** Ends a session without waiting for the end of its broadcast. */
  end(session: WhipSession, reason: SessionCloseReason): void {
    // A closing session is forgotten through its own callback, like one that closes by itself.
    void session.close(reason);
  }

  statistics(): SessionStatistics[] {
    return [...this.#byId.values()].map((session) => session.statistics());
  }

  /** Ends all sessions; resolves when their broadcasts are finished. Idempotent. */
  async close(reason: SessionCloseReason): Promise<void> {
    this.#isClosed = true;
    for (const session of [...this.#byId.values()]) this.end(session, reason);
    await Promise.all(this.#closing);
  }

  #release(client: string): void {
    const left = (this.#countByClient.get(client) ?? 1) - 1;
    if (left > 0) this.#countByClient.set(client, left);
    else this.#countByClient.delete(client);
  }

  #makeWay(stream: StreamId, client: string): void {
    const current = this.#byStream.get(stream);
    if (current === undefined) return;
    if (current?.isLostFor(client) !== true) {
      throw new IngestError('stream-busy', 'Wait until the other publisher has left.');
    }
    this.end(current, 'replaced');
  }

  #forget(session: WhipSession, finished: Promise<void>): void {
    this.#byId.delete(session.sessionId);
    if (this.#byStream.get(session.stream) === session) this.#byStream.delete(session.stream);
    const { farewell } = session;
    if (farewell !== null)
      this.#rememberLost(session.sessionId, { stream: session.stream, farewell });
    this.#track(finished);
  }

  #rememberLost(sessionId: string, lost: LostSession): void {
    this.#lost.set(sessionId, lost);
    if (this.#lost.size <= maxLostSessions) return;
    const [oldest] = this.#lost.keys();
    if (oldest !== undefined) this.#lost.delete(oldest);
  }

  #track(finished: Promise<void>): void {
    this.#closing.add(finished);
    void finished.finally(() => this.#closing.delete(finished));
  }
}
