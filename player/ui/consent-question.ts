// The one question before anything joins a swarm, in the words of the viewer's interests.
// The element shows it for `p2p="consent"` and acts on the answer.

import type { PeerConsent } from './consent-memory.ts';
import { createButton, createElement } from './dom.ts';

export class ConsentQuestion {
  readonly element: HTMLElement;

  constructor(onAnswer: (consent: PeerConsent) => void) {
    const title = createElement('p', {
      className: 'consent-title',
      text: 'Help to deliver this video?',
      attributes: { id: 'consent-title' },
    });
    const detail = createElement('p', {
      className: 'consent-detail',
      text:
        'Your browser can exchange parts of the video with other viewers. It uses some of your ' +
        'upload, and they may see your IP address. Without it the video plays just as well.',
      attributes: { id: 'consent-detail' },
    });
    this.element = createElement('div', {
      className: 'consent',
      attributes: {
        role: 'group',
        'aria-labelledby': 'consent-title',
        'aria-describedby': 'consent-detail',
        hidden: '',
      },
      children: [
        createElement('div', { children: [title, detail] }),
        createElement('div', {
          className: 'consent-answers',
          children: [
            createButton('button button-primary', 'Allow', () => onAnswer('allowed')),
            createButton('button', 'No thanks', () => onAnswer('refused')),
          ],
        }),
      ],
    });
  }

  get isShown(): boolean {
    return !this.element.hidden;
  }

  show(isShown: boolean): void {
    this.element.hidden = !isShown;
  }
}
