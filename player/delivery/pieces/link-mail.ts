// Gathers what there is for each neighbour while a task of the page runs, and sends it as one message when
// the task ends: each costs its receiver a task of its own, and its sender the waking of a thread.

import type { PeerConnection } from './peer-connection.ts';
import { maxJoinedMessages } from './piece-messages.ts';

interface Waiting {
  /** Messages one behind the other, long ones in two. */
  readonly parts: Uint8Array[];
  messageCount: number;
  sizeBytes: number;
}

/** Others take 256 KiB; what follows a message as long as this goes by itself. */
const mostJoinedBytes = 128 * 1024;

export class LinkMail {
  readonly #onBroken: (link: PeerConnection) => void;
  readonly #waiting = new Map<PeerConnection, Waiting>();
  #isPosted = false;

  /** @param onBroken told of a link on which nothing can be sent any more */
  constructor(onBroken: (link: PeerConnection) => void) {
    this.#onBroken = onBroken;
  }

  get waitingBytes(): number {
    let waitingBytes = 0;
    for (const { sizeBytes } of this.#waiting.values()) waitingBytes += sizeBytes;
    return waitingBytes;
  }

  /** @param body the rest of the message, where it is long */
  put(link: PeerConnection, message: Uint8Array, body?: Uint8Array): void {
    const waiting = this.#waiting.get(link) ?? { parts: [], messageCount: 0, sizeBytes: 0 };
    this.#waiting.set(link, waiting);
    for (const part of body ? [message, body] : [message]) {
      waiting.parts.push(part);
      waiting.sizeBytes += part.length;
    }
    waiting.messageCount += 1;
    const isFull =
      waiting.messageCount === maxJoinedMessages || waiting.sizeBytes >= mostJoinedBytes;
    if (isFull) this.send(link);
    else if (!this.#isPosted) {
      this.#isPosted = true;
      queueMicrotask(() => {
        this.#isPosted = false;
        for (const each of [...this.#waiting.keys()]) this.send(each);
      });
    }
  }

  /** Sends what waits for this link now. */
  send(link: PeerConnection): void {
    const waiting = this.#waiting.get(link);
    this.#waiting.delete(link);
    if (waiting === undefined || link.destroyed) return;
    try {
      link.send(joined(waiting));
    } catch {
      this.#onBroken(link);
    }
  }
}

function joined({ parts, sizeBytes }: Waiting): Uint8Array {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const bytes = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
