// The states of a playback and the sentence that a viewer reads in each of them.
// Pure; `hls-playback.ts` and `native-playback.ts` report the states, `notice-panel.ts` shows them.

/** Why playback gave up. */
export type PlaybackFailure = 'forbidden' | 'not-supported' | 'not-decodable';

export type PlaybackState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'loading' }
  /** The playlist answers 404: the broadcast has not begun; polled until it has. */
  | { readonly kind: 'waiting' }
  /** Media flows, or the viewer has paused. */
  | { readonly kind: 'active' }
  /** The playlist or its segments cannot be reached; tried again until they can. */
  | { readonly kind: 'reconnecting' }
  /** The browser has no network, and what was loaded has been played. */
  | { readonly kind: 'offline' }
  | { readonly kind: 'ended'; readonly wasLive: boolean }
  | { readonly kind: 'failed'; readonly failure: PlaybackFailure };

export interface Notice {
  readonly title: string;
  readonly detail: string;
  /** Label of the button that loads again, or `null` when there is nothing to press. */
  readonly action: string | null;
  /** Something is under way: a moving mark is shown. */
  readonly isBusy: boolean;
  /** `pill` leaves the picture visible, `panel` stands in front of it. */
  readonly form: 'pill' | 'panel';
}

const failureSentences: Readonly<Record<PlaybackFailure, Pick<Notice, 'title' | 'detail'>>> = {
  forbidden: {
    title: 'This stream is not open to you',
    detail: 'Its server refused it. The link may have expired: ask for a new one.',
  },
  'not-supported': {
    title: 'This browser cannot play the stream',
    detail: 'A recent version of Chrome, Edge, Firefox or Safari can.',
  },
  'not-decodable': {
    title: 'The picture could not be decoded',
    detail: 'Loading it again often helps. If not, another browser may.',
  },
};

/** What to tell the viewer, or `null` when the picture speaks for itself. */
export function noticeOf(state: PlaybackState): Notice | null {
  switch (state.kind) {
    case 'idle':
    case 'active':
      return null;
    case 'loading':
      return { title: 'Loading', detail: '', action: null, isBusy: true, form: 'pill' };
    case 'reconnecting':
      return {
        title: 'Connection lost, trying again',
        detail: '',
        action: null,
        isBusy: true,
        form: 'pill',
      };
    case 'offline':
      return {
        title: 'You are offline',
        detail: 'It goes on when the connection is back.',
        action: null,
        isBusy: false,
        form: 'pill',
      };
    case 'waiting':
      return {
        title: 'The broadcast has not started yet',
        detail: 'It will begin here by itself.',
        action: null,
        isBusy: true,
        form: 'panel',
      };
    case 'ended':
      return {
        title: state.wasLive ? 'The broadcast has ended' : 'The end',
        detail: state.wasLive ? 'Thank you for watching.' : '',
        action: state.wasLive ? 'Check again' : 'Play again',
        isBusy: false,
        form: 'panel',
      };
    case 'failed':
      return {
        ...failureSentences[state.failure],
        action: state.failure === 'not-supported' ? null : 'Try again',
        isBusy: false,
        form: 'panel',
      };
  }
}
