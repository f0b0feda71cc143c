// When `npm start` makes a stream key by itself.

import { describe, expect, it } from 'vitest';
import { demoStream, withDemoKey } from '../../../infra/local/demo-key.ts';
import { parseEnvironment } from '../../../ingest/environment.ts';

const withKeys = (text: string) => parseEnvironment({ SHOAL_STREAM_KEYS: text });

describe('withDemoKey', () => {
  it('makes a random key when none is configured, another one each time', () => {
    const first = withDemoKey(withKeys(''), false);
    const second = withDemoKey(withKeys(''), false);
    expect(first.keys.get(demoStream)).toBe(first.randomKey);
    expect(first.randomKey?.length).toBeGreaterThanOrEqual(24);
    expect(first.randomKey).not.toBe(second.randomKey);
  });

  it('leaves configured keys alone', () => {
    const { keys, randomKey } = withDemoKey(withKeys('show:secret'), false);
    expect([...keys]).toEqual([['show', 'secret']]);
    expect(randomKey).toBeNull();
  });

  it('adds a key for the demo beside those of others', () => {
    const { keys, randomKey } = withDemoKey(withKeys('show:secret'), true);
    expect([...keys.keys()]).toEqual(['show', 'demo']);
    expect(keys.get(demoStream)).toBe(randomKey);
  });

  it('uses the key that is configured for the demo', () => {
    const { keys, randomKey } = withDemoKey(withKeys('demo:mine'), true);
    expect(keys.get(demoStream)).toBe('mine');
    expect(randomKey).toBeNull();
  });
});
