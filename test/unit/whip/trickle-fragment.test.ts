// What a PATCH may bring: fragments are read within bounds, unusable candidates vanish, everything
// else that is wrong is refused with a reason and never with a crash.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IngestError } from '../../../ingest/errors.ts';
import { parseTrickleFragment } from '../../../ingest/whip/trickle-fragment.ts';

const whole = [
  'a=ice-ufrag:EsAw',
  'a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1',
  'm=audio 9 RTP/AVP 0',
  'a=mid:1',
  'a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw',
  'a=candidate:3471623853 1 udp 2122194687 2001:db8::1 61765 typ srflx raddr :: rport 0',
  'a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active',
  'a=candidate:473322823 1 udp 1518280447 4a5b.local 9999 typ host',
  'a=end-of-candidates',
].join('\r\n');

describe('a trickle fragment', () => {
  it('gives credentials, usable candidates with their section, and the end of candidates', () => {
    expect(parseTrickleFragment(whole)).toEqual({
      usernameFragment: 'EsAw',
      password: 'P2uYro0UCOQ4zxjKXaWCBui1',
      candidates: [
        {
          candidate:
            'candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw',
          mid: '1',
        },
        {
          candidate:
            'candidate:3471623853 1 udp 2122194687 2001:db8::1 61765 typ srflx raddr :: rport 0',
          mid: '1',
        },
      ],
      isEndOfCandidates: true,
    });
  });

  it('is taken when all that it brings cannot be used', () => {
    const fragment = parseTrickleFragment('a=candidate:1 1 udp 1 name.local 9 typ host\n');
    expect(fragment).toMatchObject({ candidates: [], usernameFragment: null });
  });

  it('gives 32 candidates at most', () => {
    const line = 'a=candidate:1 1 udp 1 192.0.2.1 9 typ host\n';
    expect(parseTrickleFragment(line.repeat(100)).candidates).toHaveLength(32);
  });

  it.each([
    ['nothing', ''],
    ['no lines of SDP', 'hello'],
    ['nothing about ICE', 'm=audio 9 RTP/AVP 0\r\na=mid:0\r\n'],
    ['a user name fragment of three characters', 'a=ice-ufrag:abc\r\n'],
    ['a short password', 'a=ice-ufrag:abcd\r\na=ice-pwd:short\r\n'],
    ['too many lines', 'a=mid:0\n'.repeat(401)],
    ['too many characters', `a=mid:${'x'.repeat(17_000)}`],
  ])('is refused with %s', (_name, text) => {
    expect(() => parseTrickleFragment(text)).toThrow(
      expect.objectContaining({ code: 'fragment-invalid' }),
    );
  });

  it('never fails but by refusing, whatever the text', () => {
    const lines = whole.split('\r\n');
    const line = fc.oneof(
      fc.constantFrom(...lines),
      fc.string(),
      fc.tuple(fc.constantFrom(...lines), fc.nat(80), fc.string()).map(([text, at, inserted]) => {
        return text.slice(0, at) + inserted + text.slice(at);
      }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), (mutated) => {
        try {
          const { candidates } = parseTrickleFragment(mutated.join('\r\n'));
          expect(candidates.length).toBeLessThanOrEqual(32);
          for (const { candidate } of candidates) expect(candidate).toMatch(/^candidate:/);
        } catch (error) {
          expect(error).toBeInstanceOf(IngestError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
