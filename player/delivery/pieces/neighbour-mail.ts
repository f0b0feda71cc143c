// What there is for the neighbours, gathered while the scheduler runs: what is for one of them leaves as one
// message, since each costs its receiver a task of its own. Between piece-delivery and piece-links.

import type { SchedulerAction } from '../scheduler/scheduler-actions.ts';
import type { PieceLinks } from './piece-links.ts';
import { encodeCancel, encodeHave, encodeRequest, maxJoinedMessages } from './piece-messages.ts';
import type { PieceSegment } from './piece-segment.ts';

export type MailAction = Extract<SchedulerAction, { kind: 'request' | 'cancel' | 'have' }>;

export interface Letter {
  readonly message: Uint8Array;
  /** Called when it is on its way: not where the link is gone. */
  readonly onLeft?: () => void;
}

export interface NeighbourMailOptions {
  readonly links: () => Pick<PieceLinks, 'send'> | null;
  readonly nowMs: () => number;
}

/** Who was asked for the list of digests may be slow, or lie: then another is. */
const listPatienceMs = 300;

export class NeighbourMail {
  readonly #options: NeighbourMailOptions;
  readonly #letters = new Map<string, Letter[]>();

  constructor(options: NeighbourMailOptions) {
    this.#options = options;
  }

  /** @param segment of which this viewer may have nothing any more */
  put(action: MailAction, segment: PieceSegment | undefined): void {
    const message = messageOf(action, segment, this.#options.nowMs());
    if (message !== null) this.add(action.neighbour, { message });
  }

  add(neighbour: string, letter: Letter): void {
    const letters = this.#letters.get(neighbour);
    if (letters === undefined) this.#letters.set(neighbour, [letter]);
    else if (letters.push(letter) === maxJoinedMessages) this.#send(neighbour, letters);
  }

  send(): void {
    for (const [neighbour, letters] of this.#letters) this.#send(neighbour, letters);
  }

  #send(neighbour: string, letters: readonly Letter[]): void {
    this.#letters.delete(neighbour);
    const messages = letters.map(({ message }) => message);
    if (!this.#options.links()?.send(neighbour, joined(messages))) return;
    for (const { onLeft } of letters) onLeft?.();
  }
}

function messageOf(
  action: MailAction,
  segment: PieceSegment | undefined,
  nowMs: number,
): Uint8Array | null {
  switch (action.kind) {
    case 'request': {
      const wantsList = segment !== undefined && isListWanted(segment, nowMs);
      return encodeRequest(action.segment, action.piece, action.deadlineInMs, wantsList);
    }
    case 'cancel':
      return encodeCancel(action.segment, action.piece);
    case 'have':
      if (!segment) return null;
      return encodeHave(
        action.segment,
        segment.tag,
        segment.pieceCount,
        action.bits,
        action.claims,
      );
  }
}

/** Of one neighbour at a time: the list is the same from all. */
function isListWanted(segment: PieceSegment, nowMs: number): boolean {
  if (segment.digests !== null || nowMs - segment.listAskedAtMs < listPatienceMs) return false;
  segment.listAskedAtMs = nowMs;
  return true;
}

function joined(messages: readonly Uint8Array[]): Uint8Array {
  const [first] = messages;
  if (first !== undefined && messages.length === 1) return first;
  const bytes = new Uint8Array(messages.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const message of messages) {
    bytes.set(message, offset);
    offset += message.length;
  }
  return bytes;
}
