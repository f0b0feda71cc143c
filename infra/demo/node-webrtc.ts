// Lets p2p-media-loader's core, which is made for browsers, run in Node: WebRTC by libdatachannel
// and the globals that it looks for. Headless viewers load their core through here.

import { type CoreModule, exchangeOnCore, type P2pMediaLoaderModule } from '@shoal/player/delivery';
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

/** The answer has reached the other side by then; if it has earlier, that side connects to us. */
const reachOutAfterMs = 400;

/**
 * An answerer that reaches out at once can be in its DTLS handshake before the offerer has the
 * answer; libdatachannel drops what it cannot place, and asks again only after 1, 3, 7 seconds. So
 * the candidates of an offer wait, as ingest's do (ARCHITECTURE.md).
 */
function reachOutLate(): void {
  const { prototype } = RTCPeerConnection;
  const setRemote: unknown = prototype.setRemoteDescription;
  Object.defineProperty(prototype, 'setRemoteDescription', {
    value(this: RTCPeerConnection, description: RTCSessionDescriptionInit): Promise<void> {
      const set = (each: RTCSessionDescriptionInit): Promise<void> =>
        Reflect.apply(setRemote as () => Promise<void>, this, [each]);
      if (description.type !== 'offer' || description.sdp === undefined) return set(description);
      const lines = description.sdp.split(/\r?\n/);
      const isCandidate = (line: string): boolean => line.startsWith('a=candidate:');
      const candidates = lines.filter(isCandidate);
      setTimeout(() => {
        if (this.connectionState === 'closed') return;
        for (const line of candidates)
          this.addIceCandidate({ candidate: line.slice(2), sdpMid: '0' }).catch(() => {
            // A candidate of no use to this machine.
          });
      }, reachOutAfterMs).unref();
      const kept = lines.filter((line) => !isCandidate(line) && line !== 'a=end-of-candidates');
      return set({ type: 'offer', sdp: kept.join('\r\n') });
    },
  });
}

/**
 * Whenever the polyfill counts no connection any more, it closes everything of libdatachannel in
 * this process, a broadcast too. It counts one before it makes it: this one, which cannot be made,
 * is counted for ever, and holds nothing.
 */
function neverCountNone(): void {
  try {
    Reflect.construct(RTCPeerConnection, [{ peerIdentity: 0 }]);
  } catch {
    // A name that is no string.
  }
}

endGathering();
reachOutLate();
neverCountNone();

/** The core, once the globals that it looks for are there. */
export async function loadCore(): Promise<P2pMediaLoaderModule> {
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
  const module: CoreModule = await import(bundle.href);
  return exchangeOnCore(module);
}
