// A picture of how much the CDN sends in each case, beside the least that is possible: SVG, on a
// logarithmic scale, since the good cases differ in their thousandths. For the simulator's report.

export interface PlottedShare {
  readonly name: string;
  /** Part of all media bytes that came from the CDN, 0 to 1. */
  readonly cdnShare: number;
  readonly leastShare: number;
}

const rowHeight = 22;
const labelWidth = 330;
const plotWidth = 460;
const topHeight = 56;
const leastPower = -4;
const style = [
  'text{font:12px system-ui,sans-serif;fill:#1f2933}',
  '.small{font-size:11px;fill:#52606d}',
  '.bar{fill:#2f6fab}',
  '.least{stroke:#d64545;stroke-width:2.5}',
  '.grid{stroke:#d9dee4}',
].join('');

export function sharePlot(title: string, shares: readonly PlottedShare[]): string {
  const height = topHeight + shares.length * rowHeight + 14;
  const width = labelWidth + plotWidth + 80;
  const powers = Array.from({ length: 1 - leastPower }, (_, index) => leastPower + index);
  const grid = powers.map((power) => {
    const x = xOf(10 ** power);
    return `<line class="grid" x1="${x}" x2="${x}" y1="${topHeight - 8}" y2="${height - 10}"/><text class="small" x="${x}" y="${topHeight - 14}" text-anchor="middle">${Number((100 * 10 ** power).toPrecision(2))} %</text>`;
  });
  const rows = shares.map(({ name, cdnShare, leastShare }, index) => {
    const y = topHeight + index * rowHeight;
    const [end, least] = [xOf(cdnShare), xOf(leastShare)];
    return [
      `<text x="${labelWidth - 10}" y="${y + 14}" text-anchor="end">${escapeXml(name)}</text>`,
      `<rect class="bar" x="${labelWidth}" y="${y + 4}" width="${round(end - labelWidth)}" height="13"/>`,
      `<line class="least" x1="${least}" x2="${least}" y1="${y + 1}" y2="${y + 20}"/>`,
      `<text class="small" x="${round(Math.max(end, least) + 6)}" y="${y + 14}">${Number((cdnShare * 100).toPrecision(3))} %</text>`,
    ].join('');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"><style>${style}</style><rect width="${width}" height="${height}" fill="#fff"/><text x="10" y="20">${escapeXml(title)}</text>${grid.join('')}${rows.join('')}</svg>\n`;
}

function xOf(share: number): number {
  const power = Math.log10(Math.min(1, Math.max(10 ** leastPower, share)));
  return round(labelWidth + ((power - leastPower) / -leastPower) * plotWidth);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}
