// The page of a site that knows nothing of Shoal: hls.js and p2p-media-loader's own plugin, tuned for
// live as its users do. Runs in the browser; `vanilla-swarm.test.ts` bundles it.

import Hls from 'hls.js';
import { HlsJsP2PEngine } from 'p2p-media-loader-hlsjs';

declare global {
  interface Window {
    vanilla: { peers: number; peerBytes: number };
  }
}

const parameters = new URLSearchParams(location.search);
const counters = { peers: 0, peerBytes: 0 };
window.vanilla = counters;

const HlsWithPeers = HlsJsP2PEngine.injectMixin(Hls);
const hls = new HlsWithPeers({
  liveSyncDurationCount: 4,
  p2p: {
    core: {
      announceTrackers: [parameters.get('tracker') ?? ''],
      rtcConfig: { iceServers: [] },
      highDemandTimeWindow: 1,
      simultaneousHttpDownloads: 1,
    },
    onHlsJsCreated: (created) => {
      created.p2pEngine.addEventListener('onPeerConnect', () => {
        counters.peers += 1;
      });
      created.p2pEngine.addEventListener('onChunkDownloaded', (sizeBytes, source) => {
        if (source === 'p2p') counters.peerBytes += sizeBytes;
      });
    },
  },
});
const video = document.querySelector('video');
if (video) {
  hls.attachMedia(video);
  hls.on(Hls.Events.MANIFEST_PARSED, () => void video.play());
}
hls.loadSource(parameters.get('playlist') ?? '');
