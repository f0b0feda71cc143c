// What stands in for Node's emitter in the player's builds, side by side with Node's own.

import { EventEmitter as NodeEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { EventEmitter } from '../../../player/stand-ins/events.ts';

describe.each([
  ['Node’s', NodeEmitter],
  ['the stand-in', EventEmitter],
])('an emitter: %s', (_name, Emitter) => {
  it('calls its listeners in turn, with all values, and says whether there were any', () => {
    const emitter = new Emitter();
    const heard: unknown[] = [];
    emitter.on('data', (...values) => heard.push(['first', ...values]));
    emitter.on('data', (...values) => heard.push(['second', ...values]));
    expect(emitter.emit('data', 1, 'two')).toBe(true);
    expect(emitter.emit('end')).toBe(false);
    expect(heard).toEqual([
      ['first', 1, 'two'],
      ['second', 1, 'two'],
    ]);
  });

  it('calls a listener as its own method', () => {
    const emitter = new Emitter();
    const seen: unknown[] = [];
    emitter.once('open', function (this: unknown) {
      seen.push(this);
    });
    emitter.on('open', function (this: unknown) {
      seen.push(this);
    });
    emitter.emit('open');
    expect(seen).toEqual([emitter, emitter]);
  });

  it('calls once what is to be called once', () => {
    const emitter = new Emitter();
    let count = 0;
    emitter.once('open', () => {
      count += 1;
      emitter.emit('open');
    });
    emitter.emit('open');
    expect(count).toBe(1);
  });

  it.each(['off', 'removeListener'] as const)('forgets a listener: %s', (method) => {
    const emitter = new Emitter();
    const heard: string[] = [];
    const always = () => heard.push('always');
    const once = () => heard.push('once');
    emitter.on('data', always);
    emitter.once('data', once);
    emitter.on('data', () => heard.push('other'));
    emitter[method]('data', always);
    emitter[method]('data', once);
    emitter[method]('never', once);
    emitter.emit('data');
    expect(heard).toEqual(['other']);
  });

  it('calls those who were there when it began', () => {
    const emitter = new Emitter();
    const heard: string[] = [];
    const last = () => heard.push('last');
    emitter.on('data', () => {
      emitter.on('data', () => heard.push('new'));
      emitter.off('data', last);
    });
    emitter.on('data', last);
    emitter.emit('data');
    expect(heard).toEqual(['last']);
  });

  it('tells of each listener that comes, also of one that is called once', () => {
    const emitter = new Emitter();
    const told: unknown[] = [];
    const listener = () => undefined;
    emitter.on('newListener', (...values) => told.push(values));
    emitter.on('data', listener);
    emitter.once('end', listener);
    expect(told).toEqual([
      ['data', listener],
      ['end', listener],
    ]);
  });

  it('throws an error that nobody listens to', () => {
    const emitter = new Emitter();
    const error = new Error('the socket is closed');
    expect(() => emitter.emit('error', error)).toThrow(error);
    emitter.on('error', () => undefined);
    expect(emitter.emit('error', error)).toBe(true);
  });
});
