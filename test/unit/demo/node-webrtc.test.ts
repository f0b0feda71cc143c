// WebRTC in Node, for viewers without a browser.

import { PeerConnection } from 'node-datachannel';
import { describe, expect, it } from 'vitest';
import { loadCore } from '../../../infra/demo/node-webrtc.ts';

describe('the last connection of all viewers', () => {
  it('closes alone: a broadcast in the same process goes on', async () => {
    await loadCore();
    const broadcast = new PeerConnection('broadcast', { iceServers: [] });
    try {
      new RTCPeerConnection().close();
      expect(broadcast.state()).not.toBe('closed');
      expect(() => broadcast.createDataChannel('one more')).not.toThrow();
    } finally {
      broadcast.close();
    }
  });
});
