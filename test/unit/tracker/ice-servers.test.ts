// What viewers are given to reach each other through TURN servers, and what they believe of it.

import { createHmac } from 'node:crypto';
import { parseIceServers } from '@shoal/tracker/protocol';
import { describe, expect, it } from 'vitest';
import { credentialSeconds, iceServersOf } from '../../../tracker/admission/turn-credentials.ts';

const nowMs = Date.UTC(2026, 10, 25, 10, 0, 0);
const secret = 'a-secret-of-the-test';

describe('iceServersOf', () => {
  it('makes the credentials that coturn checks: an end, and its HMAC-SHA1', () => {
    const urls = ['stun:turn.example:3478', 'turn:turn.example:3478?transport=udp'];
    const [stun, turn] = iceServersOf({ urls, secret }, nowMs);
    expect(stun).toEqual({ urls: ['stun:turn.example:3478'] });
    const username = String(nowMs / 1_000 + credentialSeconds);
    expect(turn).toEqual({
      urls: ['turn:turn.example:3478?transport=udp'],
      username,
      credential: createHmac('sha1', secret).update(username).digest('base64'),
    });
  });

  it('names no TURN server that nobody could use', () => {
    expect(iceServersOf({ urls: ['turn:turn.example'], secret: null }, nowMs)).toEqual([]);
  });
});

describe('parseIceServers', () => {
  it('takes what iceServersOf gives, over JSON', () => {
    const iceServers = iceServersOf({ urls: ['stun:a:1', 'turns:b:2'], secret }, nowMs);
    expect(parseIceServers(JSON.parse(JSON.stringify({ iceServers })))).toEqual(iceServers);
  });

  it('leaves out what is no server', () => {
    for (const answer of [null, 'x', {}, { iceServers: 'x' }, { iceServers: [null, 1, {}] }]) {
      expect(parseIceServers(answer)).toEqual([]);
    }
    const urls = ['https://evil.example', 'turn:ok:1', 7];
    expect(parseIceServers({ iceServers: [{ urls, username: 1 }] })).toEqual([
      { urls: ['turn:ok:1'] },
    ]);
    const many = Array.from({ length: 50 }, () => ({ urls: ['stun:a:1'] }));
    expect(parseIceServers({ iceServers: many })).toHaveLength(8);
  });
});
