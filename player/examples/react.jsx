// A component that plays a live stream with the help of its viewers. `destroy()` in the effect's
// cleanup frees everything, so it also works in React's strict mode, which mounts twice.

import { createShoalHls } from '@shoal/player/plugin';
import Hls from 'hls.js';
import { StrictMode, useEffect, useRef } from 'react';
import { createRoot } from 'react-dom/client';

const stream = 'http://localhost:8080/live/demo/index.m3u8';
const tracker = 'ws://localhost:8090';

function LiveVideo({ src, tracker, onStats }) {
  const video = useRef(null);
  useEffect(() => {
    const hls = createShoalHls(Hls, { shoal: { tracker } });
    hls.shoal.on('shoal-stats', onStats);
    hls.loadSource(src);
    hls.attachMedia(video.current);
    return () => hls.destroy();
  }, [src, tracker, onStats]);
  return <video ref={video} controls muted autoPlay playsInline />;
}

const output = document.querySelector('#delivery');
const showStats = ({ offloadRatio, peerCount }) => {
  const percent = Math.round((offloadRatio ?? 0) * 100);
  output.textContent = `${percent} % from ${peerCount} other viewers`;
};

createRoot(document.querySelector('#app')).render(
  <StrictMode>
    <LiveVideo src={stream} tracker={tracker} onStats={showStats} />
  </StrictMode>,
);
