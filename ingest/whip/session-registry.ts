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

export class SessionRegistry {
  readonly #maxSessions: number;
  /** `null` while a session is being started: the stream is taken already. */
  readonly #byStream = new Map<StreamId, WhipSession | null>();
  readonly #byId = new Map<string, WhipSession>();
  /** Sessions that are finishing their broadcast. */
  readonly #closing = new Set<Promise<void>>();
  #isClosed = false;

  constructor(maxSessions: number) {
    this.#maxSessions = maxSessions;
  }

  /**
   * Starts the stream's session.
   * @throws IngestError `stream-busy` while somebody publishes it, `limit-reached` without room
   */
  async publish(stream: StreamId, start: StartSession): Promise<WhipSession> {
    this.#makeWay(stream);
    if (this.#isClosed || this.#byStream.size >= this.#maxSessions) {
      throw new IngestError('limit-reached', 'Try again later.');
    }
    this.#byStream.set(stream, null);
    let session: WhipSession;
    try {
      // 128 random bits: the session's URL is what allows to end it (RFC 9725 §5).
      session = await start(randomBytes(16).toString('hex'), (closing, finished) =>
        this.#forget(closing, finished),
      );
    } catch (error) {
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

  #makeWay(stream: StreamId): void {
    const current = this.#byStream.get(stream);
    if (current === undefined) return;
    if (current?.isLost !== true) {
      throw new IngestError('stream-busy', 'Wait until the other publisher has left.');
    }
    this.end(current, 'replaced');
  }

  #forget(session: WhipSession, finished: Promise<void>): void {
    this.#byId.delete(session.sessionId);
    if (this.#byStream.get(session.stream) === session) this.#byStream.delete(session.stream);
    this.#closing.add(finished);
    void finished.finally(() => this.#closing.delete(finished));
  }
}
