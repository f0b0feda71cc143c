// The states of the page to broadcast from, and what it says in each of them.
// Pure; `broadcast-page.ts` shows the sentences.

import { WhipError, type WhipFailure } from './whip-client.ts';

export type BroadcastState = 'idle' | 'connecting' | 'live' | 'error';

export const stateSentences: Readonly<Record<Exclude<BroadcastState, 'error'>, string>> = {
  idle: 'Not broadcasting',
  connecting: 'Connecting …',
  live: 'You are live',
};

const whipSentences: Readonly<Record<Exclude<WhipFailure, 'refused'>, string>> = {
  unreachable: 'The server does not answer. Check the connection and try again.',
  'key-refused': 'The stream key is not right for this stream.',
  busy: 'Somebody is broadcasting this stream already.',
  full: 'The server has no room for another broadcast now.',
  'not-connected': 'The server answered, but no media reaches it. A firewall may block UDP.',
};

const deviceSentences: Readonly<Record<string, string>> = {
  NotAllowedError: 'The browser may not use it. Allow it in the address bar and try again.',
  NotFoundError: 'No such camera or microphone was found.',
  NotReadableError: 'The camera or microphone is in use by another program.',
  OverconstrainedError: 'The chosen device is not there any more.',
};

export const connectionLostSentence = 'The connection was lost. Go live again to continue.';

/** What went wrong, for the broadcaster. */
export function failureSentence(cause: unknown): string {
  if (cause instanceof WhipError) {
    return cause.failure === 'refused' ? cause.message : whipSentences[cause.failure];
  }
  if (cause instanceof DOMException) return deviceSentences[cause.name] ?? cause.message;
  return cause instanceof Error ? cause.message : 'Something went wrong.';
}
