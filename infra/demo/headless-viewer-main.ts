// One headless viewer as a process of its own: node --import tsx headless-viewer-main.ts
// --playlist URL --tracker URL [--rendition NAME], with a viewer token in HEADLESS_VIEWER_TOKEN where
// the tracker asks for one. The demo starts three.

import { parseArgs } from 'node:util';
import { endOfLife } from './child-lifetime.ts';
import { HeadlessViewer } from './headless-viewer.ts';

const { values } = parseArgs({
  options: {
    playlist: { type: 'string' },
    tracker: { type: 'string' },
    rendition: { type: 'string' },
  },
});
if (values.playlist === undefined) {
  console.error('usage: headless-viewer-main.ts --playlist URL [--tracker URL] [--rendition NAME]');
  process.exit(2);
}
const viewer = HeadlessViewer.start({
  playlistUrl: values.playlist,
  trackerUrl: values.tracker ?? null,
  viewerToken: process.env.HEADLESS_VIEWER_TOKEN,
  rendition: values.rendition,
});
await endOfLife();
await viewer.close();
process.exit(0);
