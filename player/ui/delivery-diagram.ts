// A small live picture of who delivers: the CDN on the left, this viewer in the middle, the others
// on the right, and what flows between them now. The overlay draws it anew about once per second.

import type { DeliveryRates } from './delivery-rates.ts';
import { formatBitrate } from './format.ts';

const svgNamespace = 'http://www.w3.org/2000/svg';
const maxDrawnPeers = 6;
const cdn = { x: 34, y: 50 };
const you = { x: 132, y: 50 };
const peersX = 236;

export interface DiagramModel {
  readonly rates: DeliveryRates;
  readonly peerCount: number;
  readonly peersAllowed: boolean;
}

/** The picture in words, for screen readers. */
export function diagramLabel({ rates, peerCount, peersAllowed }: DiagramModel): string {
  const others = peersAllowed
    ? `${formatBitrate(rates.peersBps)} from ${peerCount} ${peerCount === 1 ? 'viewer' : 'viewers'}, ` +
      `${formatBitrate(rates.uploadBps)} to them`
    : 'nothing from other viewers';
  return `Now ${formatBitrate(rates.cdnBps)} from the CDN, ${others}`;
}

export class DeliveryDiagram {
  readonly element = svg('svg', { viewBox: '0 0 272 98', role: 'img', class: 'diagram' });
  readonly #links = svg('g');
  readonly #nodes = svg('g');
  readonly #cdnRate = svg('text', { x: '83', y: '40', class: 'rate' });
  readonly #peersRate = svg('text', { x: '178', y: '12', class: 'rate' });
  readonly #uploadRate = svg('text', { x: '178', y: '96', class: 'rate rate-up' });
  #shape = '';

  constructor() {
    this.element.append(this.#links, this.#nodes, this.#cdnRate, this.#peersRate, this.#uploadRate);
  }

  update(model: DiagramModel): void {
    const { rates, peersAllowed } = model;
    const peerCount = peersAllowed ? Math.min(model.peerCount, maxDrawnPeers) : 0;
    // The nodes move only when their number changes, so that the flow is not interrupted.
    const shape = `${peerCount} ${peersAllowed}`;
    if (shape !== this.#shape) this.#draw(peerCount, peersAllowed);
    this.#shape = shape;
    this.element.setAttribute('aria-label', diagramLabel(model));
    this.#cdnRate.textContent = formatBitrate(rates.cdnBps);
    this.#peersRate.textContent = peerCount === 0 ? '' : formatBitrate(rates.peersBps);
    this.#uploadRate.textContent = peerCount === 0 ? '' : `↑ ${formatBitrate(rates.uploadBps)}`;
    this.element.toggleAttribute('data-cdn-flows', rates.cdnBps > 0);
    this.element.toggleAttribute('data-peers-flow', rates.peersBps > 0);
    this.element.toggleAttribute('data-uploads', rates.uploadBps > 0);
    this.element.style.setProperty('--cdn-width', lineWidth(rates.cdnBps));
    this.element.style.setProperty(
      '--peer-width',
      lineWidth(rates.peersBps / Math.max(1, peerCount)),
    );
  }

  #draw(peerCount: number, peersAllowed: boolean): void {
    const peers = Array.from({ length: peerCount }, (_, index) => ({
      x: peersX - (index % 2) * 18,
      y: peerCount === 1 ? you.y : 16 + (index * 68) / (peerCount - 1),
    }));
    this.#links.replaceChildren(
      link('link-cdn', cdn, you),
      ...peers.map((peer) => link('link-peer', peer, you)),
    );
    this.#nodes.replaceChildren(
      ...node('node-cdn', cdn, 17, 'CDN'),
      ...node('node-you', you, 15, 'You'),
      ...peers.flatMap((peer) => node('node-peer', peer, 7, '')),
      ...(peerCount === 0 ? [nobody(peersAllowed)] : []),
    );
  }
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function svg<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
): SVGElementTagNameMap[Name] {
  const element = document.createElementNS(svgNamespace, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** From who sends to who receives: the dashes move that way. */
function link(className: string, from: Point, to: Point): SVGElement {
  return svg('path', { class: `link ${className}`, d: `M${from.x} ${from.y}L${to.x} ${to.y}` });
}

function node(className: string, { x, y }: Point, radius: number, text: string): SVGElement[] {
  const circle = svg('circle', { class: className, cx: `${x}`, cy: `${y}`, r: `${radius}` });
  if (text === '') return [circle];
  const label = svg('text', { x: `${x}`, y: `${y + 4}`, class: `name name-${className}` });
  label.textContent = text;
  return [circle, label];
}

function nobody(peersAllowed: boolean): SVGElement {
  const text = svg('text', { x: '212', y: '54', class: 'rate' });
  text.textContent = peersAllowed ? 'no viewers yet' : 'sharing is off';
  return text;
}

/** 1.5 to 6 pixels, by the logarithm: from 10 kbit/s to 10 Mbit/s. */
function lineWidth(rateBps: number): string {
  const share = Math.log10(Math.max(1, rateBps / 10_000)) / 3;
  return `${(1.5 + 4.5 * Math.min(1, share)).toFixed(1)}px`;
}
