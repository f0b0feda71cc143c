// The button that says whether the viewer watches live, how far behind if not, and jumps to the
// live edge. The element gives it the playback's edge on every `timeupdate`.

import { createButton, createElement } from './dom.ts';
import { liveBadgeModel } from './live-edge.ts';

export class LiveBadge {
  readonly element: HTMLButtonElement;
  readonly #text = createElement('span');

  constructor(onJump: () => void) {
    this.element = createButton('live-badge', '', onJump);
    this.element.append(
      createElement('span', { className: 'live-dot', attributes: { 'aria-hidden': 'true' } }),
      this.#text,
    );
    this.element.hidden = true;
  }

  /** @param behindSeconds distance from the live edge, `null` hides the badge */
  update(behindSeconds: number | null): void {
    this.element.hidden = behindSeconds === null;
    if (behindSeconds === null) return;
    const model = liveBadgeModel(behindSeconds);
    // Unchanged text is not written again: screen readers would read it again.
    if (this.#text.textContent === model.text) return;
    this.#text.textContent = model.text;
    this.element.setAttribute('aria-label', model.label);
    this.element.toggleAttribute('data-at-edge', model.isAtEdge);
  }
}
