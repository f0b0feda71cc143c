// Which links count as relayed, and that no byte is counted before that is known or lost until then.

import { describe, expect, it } from 'vitest';
import {
  isRelayed,
  RelayedLinks,
  type StatsReport,
} from '../../../player/delivery/pieces/relayed-links.ts';

function reportsOf(localType: string, remoteType: string): readonly StatsReport[] {
  return [
    { id: 'other', type: 'candidate-pair', localCandidateId: 'x', remoteCandidateId: 'y' },
    { id: 'x', type: 'local-candidate', candidateType: 'relay' },
    { id: 'pair', type: 'candidate-pair', localCandidateId: 'l', remoteCandidateId: 'r' },
    { id: 'l', type: 'local-candidate', candidateType: localType },
    { id: 'r', type: 'remote-candidate', candidateType: remoteType },
    { id: 't', type: 'transport', selectedCandidatePairId: 'pair' },
  ];
}

describe('isRelayed', () => {
  it('looks at both ends of the pair in use and at no other', () => {
    expect(isRelayed(reportsOf('host', 'srflx'))).toBe(false);
    expect(isRelayed(reportsOf('relay', 'host'))).toBe(true);
    expect(isRelayed(reportsOf('host', 'relay'))).toBe(true);
    expect(isRelayed([])).toBe(false);
  });

  it('finds the nominated pair where a browser has no transport report', () => {
    const [, , , ...rest] = reportsOf('relay', 'host');
    const pair = { id: 'pair', type: 'candidate-pair', nominated: true, state: 'succeeded' };
    const ends = { localCandidateId: 'l', remoteCandidateId: 'r' };
    const withoutTransport = rest.filter(({ type }) => type !== 'transport');
    expect(isRelayed([{ ...pair, ...ends }, ...withoutTransport])).toBe(true);
  });
});

describe('RelayedLinks', () => {
  it('counts what came before the answer when the link turns out to be relayed', () => {
    const counted: number[] = [];
    const links = new RelayedLinks((sizeBytes) => counted.push(sizeBytes));
    let answer: (reports: readonly StatsReport[]) => void = () => {};
    const link = {
      getStats: (callback: (error: unknown, reports: readonly StatsReport[]) => void) => {
        answer = (reports) => callback(null, reports);
      },
    };
    links.connected(link);
    links.received(link, 100);
    expect(counted).toEqual([]);
    answer(reportsOf('relay', 'relay'));
    links.received(link, 20);
    expect(counted).toEqual([100, 20]);
  });

  it('counts nothing of direct links, nor of those that cannot tell', () => {
    const counted: number[] = [];
    const links = new RelayedLinks((sizeBytes) => counted.push(sizeBytes));
    const direct = {
      getStats: (callback: (error: unknown, reports: readonly StatsReport[]) => void) =>
        callback(null, reportsOf('host', 'host')),
    };
    const silent = {};
    for (const link of [direct, silent]) {
      links.connected(link);
      links.received(link, 100);
    }
    expect(counted).toEqual([]);
  });
});
