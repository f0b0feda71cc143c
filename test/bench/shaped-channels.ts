// Uplinks for p2p-media-loader's viewers, whose connections are made inside its core: every data
// channel is put behind the token bucket of the viewer in whose context its connection was made.

import { AsyncLocalStorage } from 'node:async_hooks';
import { RTCPeerConnection } from 'webrtc-polyfill';
import { Uplink } from '../../infra/demo/uplink-limit.ts';

const viewers = new AsyncLocalStorage<Uplink>();
let isInstalled = false;

/** Runs `start` so that all that its viewer sends goes through one uplink. */
export function withUplink<Result>(bitsPerSecond: number | undefined, start: () => Result): Result {
  if (bitsPerSecond === undefined) return start();
  install();
  return viewers.run(new Uplink(bitsPerSecond), start);
}

function install(): void {
  if (isInstalled) return;
  isInstalled = true;
  const { prototype } = RTCPeerConnection;
  const uplinks = new WeakMap<RTCPeerConnection, Uplink>();
  const remember = (connection: RTCPeerConnection): void => {
    const uplink = viewers.getStore();
    if (uplink && !uplinks.has(connection)) uplinks.set(connection, uplink);
  };
  const create = prototype.createDataChannel;
  prototype.createDataChannel = function createDataChannel(...parameters) {
    remember(this);
    const channel = create.apply(this, parameters);
    shape(channel, uplinks.get(this));
    return channel;
  };
  const setRemote: unknown = prototype.setRemoteDescription;
  Object.defineProperty(prototype, 'setRemoteDescription', {
    value(this: RTCPeerConnection, ...parameters: unknown[]): unknown {
      remember(this);
      return Reflect.apply(setRemote as () => unknown, this, parameters);
    },
  });
  const dispatch = prototype.dispatchEvent;
  prototype.dispatchEvent = function dispatchEvent(event: Event): boolean {
    if ('channel' in event) shape(event.channel as RTCDataChannel, uplinks.get(this));
    return dispatch.call(this, event);
  };
}

function shape(channel: RTCDataChannel, uplink: Uplink | undefined): void {
  if (!uplink) return;
  const send = channel.send.bind(channel) as (data: Uint8Array) => void;
  let waitingBytes = 0;
  Object.defineProperty(channel, 'bufferedAmount', { get: () => waitingBytes });
  channel.send = (message: unknown) => {
    if (!(message instanceof Uint8Array || message instanceof ArrayBuffer)) {
      send(message as Uint8Array);
      return;
    }
    const data = message instanceof Uint8Array ? message.slice() : new Uint8Array(message);
    waitingBytes += data.length;
    uplink.enqueue({
      atMs: performance.now(),
      data,
      send: (each) => {
        if (channel.readyState === 'open') send(each);
      },
      onSent: () => {
        waitingBytes -= data.length;
        if (waitingBytes <= channel.bufferedAmountLowThreshold)
          channel.dispatchEvent(new Event('bufferedamountlow'));
      },
    });
  };
}
