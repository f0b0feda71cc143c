// Who delivers, over the picture: a live diagram, the share of viewers and CDN, the figures behind
// it and the viewer's own switch. The element gives it a snapshot about once per second.

import type { PlayerStats } from '../stats.ts';
import { DeliveryDiagram } from './delivery-diagram.ts';
import { DeliveryRateMeter } from './delivery-rates.ts';
import { createButton, createElement } from './dom.ts';
import { type OverlayModel, overlayModel } from './overlay-model.ts';

export interface StatsOverlayEvents {
  /** The viewer pressed the overlay's close button. */
  readonly onClose: () => void;
  /** The viewer switched the exchange with others on or off. */
  readonly onShare: (isWanted: boolean) => void;
}

/** What of the peers the overlay shows. */
export interface SharingState {
  readonly peersAllowed: boolean;
  /** `false` where the page or its settings leave no choice: then there is no switch. */
  readonly isSwitchable: boolean;
}

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
  readonly #diagram = new DeliveryDiagram();
  readonly #rates = new DeliveryRateMeter();
  readonly #sharing: HTMLInputElement;
  readonly #sharingField: HTMLElement;

  constructor({ onClose, onShare }: StatsOverlayEvents) {
    const close = createButton('overlay-close', '×', onClose);
    close.setAttribute('aria-label', 'Hide delivery statistics');
    this.#sharing = createElement('input', { attributes: { type: 'checkbox', role: 'switch' } });
    this.#sharing.addEventListener('change', () => onShare(this.#sharing.checked));
    this.#sharingField = createElement('label', {
      className: 'sharing',
      children: [createElement('span', { text: 'Share with other viewers' }), this.#sharing],
    });
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
        this.#diagram.element,
        this.#bar,
        createElement('div', {
          className: 'legend',
          children: [
            legendEntry('peers', 'Viewers', this.#fromPeers),
            legendEntry('cdn', 'CDN', this.#fromCdn),
          ],
        }),
        this.#figures,
        this.#sharingField,
      ],
    });
  }

  get isShown(): boolean {
    return !this.element.hidden;
  }

  show(isShown: boolean): void {
    this.element.hidden = !isShown;
  }

  /** @param nowMs any clock that does not jump */
  update(stats: PlayerStats, sharing: SharingState, nowMs: number): void {
    // Also while hidden: the rates are right as soon as it is shown.
    const rates = this.#rates.update(stats, nowMs);
    if (!this.isShown) return;
    const { peersAllowed, isSwitchable } = sharing;
    this.#render(overlayModel(stats, peersAllowed));
    this.#diagram.update({ rates, peerCount: stats.peerCount, peersAllowed });
    this.#sharing.checked = peersAllowed;
    this.#sharingField.hidden = !isSwitchable;
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
