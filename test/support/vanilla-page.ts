// The page of a site that knows nothing of Shoal: hls.js and p2p-media-loader's own plugin, tuned for
// live as its users do. Runs in the browser; `vanilla-swarm.test.ts` bundles it.

import Hls, {
  type LoaderCallbacks,
  type LoaderConfiguration,
  type LoaderContext,
  type PlaylistLoaderContext,
} from 'hls.js';
import { HlsJsP2PEngine } from 'p2p-media-loader-hlsjs';

declare global {
  interface Window {
    vanilla: { peers: number; peerBytes: number; bytesOf: Record<string, number> };
  }
}

const parameters = new URLSearchParams(location.search);
const counters: Window['vanilla'] = { peers: 0, peerBytes: 0, bytesOf: {} };
window.vanilla = counters;

/**
 * The library finds a playlist by the URL that it came from, and loses it where hls.js asks for the
 * next one with `_HLS_msn` (docs/tracker.md).
 */
class PlainUrlLoader extends Hls.DefaultConfig.loader {
  override load(
    context: PlaylistLoaderContext,
    config: LoaderConfiguration,
    callbacks: LoaderCallbacks<LoaderContext>,
  ): void {
    super.load(context, config, {
      ...callbacks,
      onSuccess: (response, ...more) =>
        callbacks.onSuccess({ ...response, url: response.url.split('?')[0] ?? '' }, ...more),
    });
  }
}

const HlsWithPeers = HlsJsP2PEngine.injectMixin(Hls);
const hls = new HlsWithPeers({
  liveSyncDurationCount: 4,
  loader: PlainUrlLoader,
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
      created.p2pEngine.addEventListener('onChunkDownloaded', (sizeBytes, source, peerId) => {
        if (source !== 'p2p') return;
        counters.peerBytes += sizeBytes;
        const sender = peerId ?? 'nobody';
        counters.bytesOf[sender] = (counters.bytesOf[sender] ?? 0) + sizeBytes;
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
