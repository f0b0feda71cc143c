// Shows the viewer what the playback is doing when the picture does not: a small pill while it
// works on it, a panel with a sentence and a button otherwise. The element feeds it states.

import { createButton, createElement } from './dom.ts';
import { noticeOf, type PlaybackState } from './playback-state.ts';

/** A short load shows nothing: a mark that flashes for a moment is worse than none. */
const busyPillDelayMs = 400;

export class NoticePanel {
  readonly element: HTMLElement;
  readonly #title = createElement('p', { className: 'notice-title' });
  readonly #detail = createElement('p', { className: 'notice-detail' });
  readonly #action: HTMLButtonElement;
  #showTimer: ReturnType<typeof setTimeout> | undefined;

  /** @param onAction the viewer pressed the panel's button */
  constructor(onAction: () => void) {
    this.#action = createButton('button button-primary', '', onAction);
    this.element = createElement('div', {
      className: 'notice',
      attributes: { role: 'status', 'aria-live': 'polite', hidden: '' },
      children: [
        createElement('span', { className: 'notice-mark', attributes: { 'aria-hidden': 'true' } }),
        createElement('div', { children: [this.#title, this.#detail] }),
        this.#action,
      ],
    });
  }

  show(state: PlaybackState): void {
    clearTimeout(this.#showTimer);
    const notice = noticeOf(state);
    if (notice === null) {
      this.element.hidden = true;
      return;
    }
    this.#title.textContent = notice.title;
    this.#detail.textContent = notice.detail;
    this.#detail.hidden = notice.detail === '';
    this.#action.textContent = notice.action;
    this.#action.hidden = notice.action === null;
    this.element.dataset.form = notice.form;
    this.element.dataset.kind = state.kind;
    this.element.toggleAttribute('data-busy', notice.isBusy);
    if (notice.form === 'panel' || !this.element.hidden) this.element.hidden = false;
    else this.#showTimer = setTimeout(() => this.#reveal(), busyPillDelayMs);
  }

  close(): void {
    clearTimeout(this.#showTimer);
  }

  #reveal(): void {
    this.element.hidden = false;
  }
}
