// Boxes come out of a stream the same, however a pipe cuts it into chunks.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoxFormatError, BoxSplitter } from '../../../ingest/hls/box-splitter.ts';

const file = readFileSync(new URL('../../fixtures/fragmented.mp4', import.meta.url));

function box(type: string, content: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + content.length);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, content]);
}

function largeBox(type: string, content: Uint8Array): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32BE(1);
  header.write(type, 4, 'latin1');
  header.writeBigUInt64BE(BigInt(16 + content.length), 8);
  return Buffer.concat([header, content]);
}

function split(stream: Buffer, cuts: readonly number[]): string[] {
  const splitter = new BoxSplitter();
  const borders = [0, ...cuts.map((cut) => cut % (stream.length + 1)).toSorted((a, b) => a - b)];
  return borders.flatMap((start, index) =>
    splitter
      .push(stream.subarray(start, borders[index + 1] ?? stream.length))
      .map(({ type, bytes }) => `${type} ${Buffer.from(bytes).toString('base64')}`),
  );
}

describe('BoxSplitter', () => {
  it('finds the boxes of what ffmpeg writes', () => {
    const boxes = new BoxSplitter().push(file);
    expect(boxes.slice(0, 4).map(({ type }) => type)).toEqual(['ftyp', 'moov', 'moof', 'mdat']);
    expect(Buffer.concat(boxes.map(({ bytes }) => bytes)).equals(file)).toBe(true);
  });

  it('gives the same boxes for any chunking', () => {
    const boxes = fc.array(
      fc.tuple(
        fc.boolean(),
        fc.constantFrom('moof', 'mdat', 'free'),
        fc.uint8Array({ maxLength: 40 }),
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(boxes, fc.array(fc.nat()), (list, cuts) => {
        const encoded = list.map(([isLarge, type, content]) =>
          isLarge ? largeBox(type, content) : box(type, content),
        );
        expect(split(Buffer.concat(encoded), cuts)).toEqual(
          encoded.map((bytes, index) => `${list[index]?.[1]} ${bytes.toString('base64')}`),
        );
      }),
    );
  });

  it('gives the same boxes of a real file for any chunking', () => {
    const whole = split(file, []);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 200 }), (cuts) => {
        expect(split(file, cuts)).toEqual(whole);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps an unfinished box and says how much of it there is', () => {
    const splitter = new BoxSplitter();
    expect(splitter.push(file.subarray(0, 5))).toEqual([]);
    expect(splitter.bufferedBytes).toBe(5);
  });

  it('refuses a box that is too large before it has come', () => {
    const splitter = new BoxSplitter({ maxBoxBytes: 100 });
    expect(() => splitter.push(box('mdat', new Uint8Array(100)).subarray(0, 8))).toThrow(
      BoxFormatError,
    );
  });

  it.each([0, 2, 7])('refuses a box of %d bytes', (sizeBytes) => {
    const header = Buffer.alloc(8);
    header.writeUInt32BE(sizeBytes);
    expect(() => new BoxSplitter().push(header)).toThrow(BoxFormatError);
  });
});
