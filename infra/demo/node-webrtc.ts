// Lets p2p-media-loader's core, which is made for browsers, run in Node: WebRTC by libdatachannel
// and the globals that it looks for. Headless viewers load their core through here.

import type { CoreClass } from '@shoal/player/delivery';
import { RTCIceCandidate, RTCPeerConnection, RTCSessionDescription } from 'webrtc-polyfill';
import { WebSocket } from 'ws';

/**
 * The polyfill never gives the null candidate that ends gathering (W3C WebRTC §4.8.1.1), so the
 * signalling client would wait out 5 s on each side of every connection. Its class is imported by
 * that client itself, so the event is added where the polyfill dispatches them.
 */
function endGathering(): void {
  const { prototype } = RTCPeerConnection;
  const dispatch = prototype.dispatchEvent;
  prototype.dispatchEvent = function dispatchEvent(event: Event): boolean {
    const result = dispatch.call(this, event);
    if (event.type === 'icegatheringstatechange' && this.iceGatheringState === 'complete') {
      // The handler's own type forbids the object that only it needs: an event without candidate.
      const end = Object.assign(new Event('icecandidate'), { candidate: null, url: null });
      this.onicecandidate?.call(this, end);
    }
    return result;
  };
}

endGathering();

/** The core's class, once the globals that it looks for are there. */
export async function loadCoreClass(): Promise<CoreClass> {
  Object.assign(globalThis, {
    window: globalThis,
    location: globalThis.location ?? new URL('http://headless-viewer.invalid/'),
    RTCPeerConnection,
    RTCSessionDescription,
    RTCIceCandidate,
    WebSocket,
  });
  if (globalThis.navigator === undefined) {
    Object.defineProperty(globalThis, 'navigator', {
      value: { userAgent: 'shoal-headless-viewer' },
    });
  }
  // The package's entry does not load in Node (a CommonJS export by name); its bundle does.
  const bundle = new URL(
    '../dist/p2p-media-loader-core.es.js',
    import.meta.resolve('p2p-media-loader-core'),
  );
  const module: { Core: CoreClass } = await import(bundle.href);
  return module.Core;
}
