// Who delivers, over the picture: the share of viewers and CDN as a bar, and the figures behind
// it. The element gives it a snapshot about once per second while it is shown.

import type { PlayerStats } from '../stats.ts';
import { createButton, createElement } from './dom.ts';
import { type OverlayModel, overlayModel } from './overlay-model.ts';

export class StatsOverlay {
  readonly element: HTMLElement;
  readonly #headline = createElement('strong', { className: 'overlay-share' });
  readonly #peerBar = createElement('span', { className: 'bar-peers' });
  readonly #bar = createElement('div', {
    className: 'bar',
    attributes: { role: 'img' },
    children: [this.#peerBar],
  });
  readonly #fromPeers = createElement('span', { className: 'amount' });
  readonly #fromCdn = createElement('span', { className: 'amount' });
  readonly #figures = createElement('dl', { className: 'figures' });
  readonly #values = new Map<string, HTMLElement>();

  /** @param onClose the viewer pressed the overlay's close button */
  constructor(onClose: () => void) {
    const close = createButton('overlay-close', '×', onClose);
    close.setAttribute('aria-label', 'Hide delivery statistics');
    this.element = createElement('section', {
      className: 'overlay',
      attributes: { 'aria-label': 'Delivery statistics', hidden: '' },
      children: [
        createElement('header', {
          children: [
            this.#headline,
            createElement('span', { className: 'overlay-caption', text: 'from viewers' }),
            close,
          ],
        }),
        this.#bar,
        createElement('div', {
          className: 'legend',
          children: [
            legendEntry('peers', 'Viewers', this.#fromPeers),
            legendEntry('cdn', 'CDN', this.#fromCdn),
          ],
        }),
        this.#figures,
      ],
    });
  }

  get isShown(): boolean {
    return !this.element.hidden;
  }

  show(isShown: boolean): void {
    this.element.hidden = !isShown;
  }

  update(stats: PlayerStats, peersAllowed: boolean): void {
    if (!this.isShown) return;
    this.#render(overlayModel(stats, peersAllowed));
  }

  #render(model: OverlayModel): void {
    this.#headline.textContent = model.headline;
    this.#bar.toggleAttribute('data-empty', model.peerShare === null);
    this.#bar.setAttribute('aria-label', model.barLabel);
    this.#peerBar.style.setProperty('--share', String(model.peerShare ?? 0));
    this.#fromPeers.textContent = model.fromPeers;
    this.#fromCdn.textContent = model.fromCdn;
    for (const { label, value } of model.figures) this.#valueOf(label).textContent = value;
  }

  #valueOf(label: string): HTMLElement {
    const known = this.#values.get(label);
    if (known !== undefined) return known;
    const value = createElement('dd');
    const row = createElement('div', { children: [createElement('dt', { text: label }), value] });
    this.#figures.append(row);
    this.#values.set(label, value);
    return value;
  }
}

function legendEntry(source: 'peers' | 'cdn', label: string, amount: HTMLElement): HTMLElement {
  return createElement('div', {
    className: `legend-entry legend-${source}`,
    children: [createElement('span', { text: label }), amount],
  });
}
