// Who feeds whom in the chosen stream: the CDN in the middle, viewers around it, arrows as thick as
// what flows. Pointing at a viewer, or walking there with Tab, shows its own links and figures.

import type { PicturedViewer, SwarmPicture } from '@shoal/tracker/protocol';
import { useState } from 'preact/hooks';
import { bitrate, count, text } from './format.ts';
import { type DrawnLink, layOut, linksOf } from './swarm-layout.ts';

/** Names of the strongest neighbours in the sentence about a viewer. */
const namedNeighbours = 3;

export function SwarmView({ picture }: { picture: SwarmPicture }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const layout = layOut(picture);
  const focus = picture.viewers.find(({ id }) => id === chosen) ?? null;
  return (
    <section class="card swarm" aria-labelledby="swarm">
      <div class="panel-head">
        <h2 id="swarm">Who feeds whom in {picture.stream}</h2>
        <div class="legend">
          <span>
            <i class="swatch peer" /> viewer to viewer
          </span>
          <span>
            <i class="swatch cdn" /> from the CDN
          </span>
        </div>
      </div>
      {picture.viewers.length === 0 ? (
        <p class="note">No viewer of this stream has said who it exchanges with.</p>
      ) : (
        <div class="swarm-body">
          <svg viewBox={`0 0 ${layout.sizePx} ${layout.sizePx}`}>
            <title>{summaryOf(picture)}</title>
            <Heads />
            {layout.links.map((link) => (
              <Arrow key={`${link.from ?? ''} ${link.to}`} link={link} chosen={focus?.id ?? null} />
            ))}
            <g class="node cdn" transform={`translate(${layout.cdn.x} ${layout.cdn.y})`}>
              <circle r={layout.cdn.radiusPx} />
              <text dy=".35em">CDN</text>
            </g>
            {layout.viewers.map(({ id, x, y, radiusPx }) => (
              // biome-ignore lint/a11y/useSemanticElements: SVG has no button element
              <g
                key={id}
                class={id === focus?.id ? 'node viewer chosen' : 'node viewer'}
                transform={`translate(${x} ${y})`}
                tabIndex={0}
                role="button"
                aria-label={sentenceAbout(picture, id)}
                onClick={() => setChosen(id)}
                onKeyDown={(event) => {
                  if (event.key === 'Escape') setChosen(null);
                }}
                onFocus={() => setChosen(id)}
                onBlur={() => setChosen(null)}
                onMouseEnter={() => setChosen(id)}
                onMouseLeave={() => setChosen(null)}
              >
                <circle r={radiusPx} />
              </g>
            ))}
          </svg>
          <Details picture={picture} focus={focus} />
        </div>
      )}
    </section>
  );
}

function Heads() {
  return (
    <defs>
      {(['peer', 'cdn'] as const).map((kind) => (
        <marker
          key={kind}
          id={`head-${kind}`}
          class={kind}
          viewBox="0 0 8 8"
          refX="6"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          markerUnits="userSpaceOnUse"
          orient="auto"
        >
          <path d="M0 0.5L8 4L0 7.5z" />
        </marker>
      ))}
    </defs>
  );
}

function Arrow({ link, chosen }: { link: DrawnLink; chosen: string | null }) {
  const kind = link.from === null ? 'cdn' : 'peer';
  const isFaint = chosen !== null && link.from !== chosen && link.to !== chosen;
  return (
    <path
      class={isFaint ? `arrow ${kind} faint` : `arrow ${kind}`}
      d={link.path}
      stroke-width={link.widthPx}
      marker-end={`url(#head-${kind})`}
    />
  );
}

interface DetailsProps {
  readonly picture: SwarmPicture;
  readonly focus: PicturedViewer | null;
}

/** Of one viewer, or of all of them together. */
function Details({ picture, focus }: DetailsProps) {
  const viewers = focus === null ? picture.viewers : [focus];
  const sum = (of: (viewer: PicturedViewer) => number): string =>
    text(bitrate(viewers.reduce((total, viewer) => total + of(viewer), 0)));
  const hidden = picture.viewerCount - picture.viewers.length;
  return (
    <div class="swarm-details">
      <h3>{focus === null ? `${count(picture.viewerCount)} viewers` : `Viewer ${focus.id}`}</h3>
      <dl>
        <dt>From other viewers</dt>
        <dd>{sum(({ peerBitrateBps }) => peerBitrateBps)}</dd>
        <dt>From the CDN</dt>
        <dd>{sum(({ cdnBitrateBps }) => cdnBitrateBps)}</dd>
        <dt>Sent to viewers</dt>
        <dd>{sum(({ uploadBitrateBps }) => uploadBitrateBps)}</dd>
        {focus !== null && (
          <>
            <dt>Rendition</dt>
            <dd>{focus.rendition ?? '–'}</dd>
            <dt>Neighbours</dt>
            <dd>{count(focus.peerCount)}</dd>
          </>
        )}
      </dl>
      <p class="note">
        {focus === null
          ? 'Point at a viewer to see its own exchange. Names are random and last for one page view.'
          : neighboursOf(picture, focus.id)}
      </p>
      {hidden > 0 && focus === null && (
        <p class="note">The {count(picture.viewers.length)} who exchange most are shown.</p>
      )}
    </div>
  );
}

function summaryOf(picture: SwarmPicture): string {
  return `${count(picture.viewerCount)} viewers and the CDN in the middle; ${count(picture.links.length)} links between viewers carry video now.`;
}

function sentenceAbout(picture: SwarmPicture, id: string): string {
  const viewer = picture.viewers.find((each) => each.id === id);
  if (viewer === undefined) return '';
  return `Viewer ${id}: ${text(bitrate(viewer.peerBitrateBps))} from other viewers, ${text(bitrate(viewer.cdnBitrateBps))} from the CDN, sends ${text(bitrate(viewer.uploadBitrateBps))}.`;
}

function neighboursOf(picture: SwarmPicture, id: string): string {
  const { from, to } = linksOf(picture, id);
  const names = (ids: readonly string[]): string => ids.slice(0, namedNeighbours).join(', ');
  const parts = [
    from.length > 0 ? `gets most from ${names(from.map((link) => link.from))}` : '',
    to.length > 0 ? `gives most to ${names(to.map((link) => link.to))}` : '',
  ].filter((part) => part !== '');
  return parts.length > 0 ? `It ${parts.join(' and ')}.` : 'It exchanges nothing at the moment.';
}
