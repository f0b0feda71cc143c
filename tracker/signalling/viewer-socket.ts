// One viewer's WebSocket as bittorrent-tracker sees it: only checked messages go in, and what
// goes out is dropped once the socket is slow or dead. The signalling server makes and owns it.

import { EventEmitter } from 'node:events';
import type { RawWebSocket } from 'bittorrent-tracker/server';
import { parseSignallingMessage, type SignallingMessage } from './announce-schema.ts';
import type { SelectablePeer } from './peer-selection.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

/** Unsent bytes after which a viewer counts as gone: it reads slower than the swarm talks. */
const maxUnsentBytes = 1024 * 1024;

const openState = 1;

/** RFC 6455 §7.4.1: the endpoint breaks a rule that has no code of its own. */
const policyViolation = 1008;
/** Messages over the rate, one after another, that end a socket: it does not slow down. */
const maxLimitedInARow = 1_000;

/** A peer's place in a swarm, as its socket remembers it. */
export interface SwarmMembership {
  leave(): void;
}

export type MessageResult = 'accepted' | 'malformed' | 'limited' | 'failed';

export interface ViewerSocketEvents {
  /** Asked before a message is looked at further; `false` drops it as over a limit. */
  readonly mayHandle: (socket: ViewerSocket, message: SignallingMessage) => boolean;
  readonly onMessage: (result: MessageResult, error?: unknown) => void;
  readonly onCut: (reason: 'slow' | 'silent' | 'flooding') => void;
  readonly onClosed: (socket: ViewerSocket) => void;
}

export interface ViewerSocketOptions {
  readonly addressKey: string;
  /**
   * The stream that the viewer's token is for, empty for any. Swarms of different scopes never
   * meet: whoever has a token for one stream cannot list the viewers of another.
   */
  readonly scope: string;
  readonly messageRate: Rate;
  /** See {@link SelectablePeer}. */
  readonly regionKeys: NonNullable<SelectablePeer['regionKeys']>;
}

export class ViewerSocket extends EventEmitter {
  // bittorrent-tracker sets and reads these fields; their names are its own.
  peerId: string | null = null;
  infoHashes: string[] | null = [];
  destroyed = false;
  upgradeReq: { headers: object; connection: { remoteAddress: string; remotePort: number } } | null;

  readonly addressKey: string;
  readonly regionKeys: readonly string[];
  /** See {@link ViewerSocketOptions}. */
  readonly scope: string;
  /** Swarms that this socket is in, kept by the swarms: a client may be in several at once. */
  readonly memberships = new Set<SwarmMembership>();

  readonly #socket: RawWebSocket;
  readonly #events: ViewerSocketEvents;
  readonly #messages: TokenBucket;
  #limitedInARow = 0;
  #isAlive = true;
  #isClosed = false;

  constructor(socket: RawWebSocket, options: ViewerSocketOptions, events: ViewerSocketEvents) {
    super();
    const { addressKey } = options;
    this.addressKey = addressKey;
    this.scope = options.scope;
    this.regionKeys = options.regionKeys;
    this.#messages = new TokenBucket(options.messageRate, Date.now());
    this.#socket = socket;
    this.#events = events;
    // No header and no port reach the library: it would keep them for as long as the socket lives.
    this.upgradeReq = { headers: {}, connection: { remoteAddress: addressKey, remotePort: 0 } };
    socket.on('message', (data: unknown) => this.#onMessage(String(data)));
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('error', () => socket.terminate());
    socket.on('close', () => this.#onClose());
  }

  /** Sends to the viewer; called by bittorrent-tracker. Never throws. */
  send(text: string, onSent: (error?: Error) => void): void {
    if (this.#isClosed || this.#socket.readyState !== openState) return;
    if (this.#socket.bufferedAmount > maxUnsentBytes) {
      this.#cut('slow');
      return;
    }
    this.#socket.send(text, onSent);
  }

  /** Ends a socket that did not answer the last ping, else sends the next one. */
  checkAlive(): void {
    if (!this.#isAlive) {
      this.#cut('silent');
      return;
    }
    this.#isAlive = false;
    if (this.#socket.readyState === openState) this.#socket.ping();
  }

  /** Asks the viewer to leave (RFC 6455 §7.4.1: 1001 is "going away"). */
  goAway(): void {
    this.#socket.close(1001, 'the tracker stops');
  }

  /** Ends the socket for what its viewer did, or may not do any more. */
  refuse(reason: string): void {
    if (this.#socket.readyState === openState) this.#socket.close(policyViolation, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** Leaves every swarm at once. The library would only leave with the socket's first peer id. */
  leaveSwarms(): void {
    for (const membership of this.memberships) membership.leave();
    this.memberships.clear();
  }

  #onMessage(text: string): void {
    if (this.#isClosed) return;
    this.#isAlive = true;
    // Before the message is parsed: that is the work which the limit saves.
    if (!this.#messages.take(Date.now())) {
      this.#onLimited();
      return;
    }
    const parsed = parseSignallingMessage(text);
    if (!parsed.ok) {
      this.#events.onMessage('malformed');
      this.send(JSON.stringify({ 'failure reason': parsed.problem }), () => {});
      return;
    }
    if (!this.#events.mayHandle(this, parsed.message)) {
      this.#onLimited();
      return;
    }
    this.#limitedInARow = 0;
    try {
      this.emit('message', text);
      this.#events.onMessage('accepted');
    } catch (error) {
      // The library works synchronously here: what it throws is the fault of this one message.
      this.#events.onMessage('failed', error);
      this.#socket.terminate();
    }
  }

  #onLimited(): void {
    this.#events.onMessage('limited');
    this.#limitedInARow += 1;
    if (this.#limitedInARow < maxLimitedInARow || this.#socket.readyState !== openState) return;
    this.#events.onCut('flooding');
    this.refuse('too many messages');
  }

  #cut(reason: 'slow' | 'silent'): void {
    this.#events.onCut(reason);
    this.#socket.terminate();
  }

  #onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.destroyed = true;
    this.leaveSwarms();
    this.emit('close');
    this.removeAllListeners();
    this.#events.onClosed(this);
  }
}
