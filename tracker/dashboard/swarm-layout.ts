// Where viewers stand in the picture of a swarm and how thick the arrows between them are. Pure: the
// picture draws what it gives.

import type { PicturedLink, SwarmPicture } from '@shoal/tracker/protocol';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface PlacedViewer extends Point {
  readonly id: string;
  readonly radiusPx: number;
}

export interface DrawnLink {
  /** `null` for the CDN, which stands in the middle. */
  readonly from: string | null;
  readonly to: string;
  readonly bitrateBps: number;
  /** An SVG path from the edge of one circle to the edge of the other. */
  readonly path: string;
  readonly widthPx: number;
}

export interface SwarmLayout {
  readonly sizePx: number;
  readonly cdn: PlacedViewer;
  readonly viewers: readonly PlacedViewer[];
  /** Thin ones first, so that thick ones lie on top. */
  readonly links: readonly DrawnLink[];
}

const sizePx = 480;
const cdnRadiusPx = 26;
const marginPx = 34;
const [leastWidthPx, mostWidthPx] = [0.75, 5];
/** Arrow heads need room before the circle. */
const gapPx = 3;
/** How far an arrow bends to its right, as a share of its length: both ways stay apart. */
const bend = 0.14;

/** All viewers on a ring around the CDN. */
export function layOut(picture: SwarmPicture): SwarmLayout {
  const center = sizePx / 2;
  const ringPx = center - marginPx;
  const count = picture.viewers.length;
  const radiusPx = count <= 16 ? 13 : count <= 32 ? 9 : 6;
  const viewers = picture.viewers.map(({ id }, index): PlacedViewer => {
    const angle = (index / count) * 2 * Math.PI - Math.PI / 2;
    return {
      id,
      radiusPx,
      x: center + ringPx * Math.cos(angle),
      y: center + ringPx * Math.sin(angle),
    };
  });
  const cdn = { id: 'CDN', x: center, y: center, radiusPx: cdnRadiusPx };
  const places = new Map(viewers.map((viewer) => [viewer.id, viewer]));
  const fromCdn = picture.viewers.map(({ id, cdnBitrateBps }) => ({
    from: null,
    to: id,
    bitrateBps: cdnBitrateBps,
  }));
  const flows = [...fromCdn, ...picture.links].filter(({ bitrateBps }) => bitrateBps > 0);
  const most = Math.max(1, ...flows.map(({ bitrateBps }) => bitrateBps));
  const links = flows.flatMap((flow): DrawnLink[] => {
    const from = flow.from === null ? cdn : places.get(flow.from);
    const to = places.get(flow.to);
    if (from === undefined || to === undefined) return [];
    const share = Math.sqrt(flow.bitrateBps / most);
    const widthPx = leastWidthPx + (mostWidthPx - leastWidthPx) * share;
    return [{ ...flow, path: arrowPath(from, to), widthPx }];
  });
  return { sizePx, cdn, viewers, links: links.sort((a, b) => a.bitrateBps - b.bitrateBps) };
}

function arrowPath(from: PlacedViewer, to: PlacedViewer): string {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const control = {
    x: (from.x + to.x) / 2 - dy * bend,
    y: (from.y + to.y) / 2 + dx * bend,
  };
  const start = toward(from, control, from.radiusPx);
  const end = toward(to, control, to.radiusPx + gapPx);
  return `M${coordinates(start)}Q${coordinates(control)} ${coordinates(end)}`;
}

function toward(from: Point, to: Point, distancePx: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  return {
    x: from.x + ((to.x - from.x) / length) * distancePx,
    y: from.y + ((to.y - from.y) / length) * distancePx,
  };
}

function coordinates({ x, y }: Point): string {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}

/** Where a viewer's video comes from and where it sends to, strongest first. */
export function linksOf(
  picture: SwarmPicture,
  id: string,
): { readonly from: readonly PicturedLink[]; readonly to: readonly PicturedLink[] } {
  return {
    from: picture.links.filter((link) => link.to === id),
    to: picture.links.filter((link) => link.from === id),
  };
}
