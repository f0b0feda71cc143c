// Pure: a look inside a box: its content and the boxes it contains (ISO/IEC 14496-12 §4.2).
// Init sections and fragments are read with it.

import { BoxFormatError, readBoxHeader } from './box-splitter.ts';

export interface BoxView {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** What follows the header. Reading outside of it throws RangeError. */
  readonly content: DataView;
}

/** @throws BoxFormatError when the bytes are not one whole box */
export function viewOf(bytes: Uint8Array): BoxView {
  const header = readBoxHeader(bytes);
  if (header === null || header.sizeBytes > bytes.length) {
    throw new BoxFormatError('a box ends before its size');
  }
  const box = bytes.subarray(0, header.sizeBytes);
  const content = new DataView(
    box.buffer,
    box.byteOffset + header.headerBytes,
    box.length - header.headerBytes,
  );
  return { type: header.type, bytes: box, content };
}

/** The boxes in a box, after `skipBytes` of fields. */
export function childrenOf(parent: BoxView, skipBytes = 0): BoxView[] {
  const children: BoxView[] = [];
  let offset = parent.bytes.length - parent.content.byteLength + skipBytes;
  while (offset < parent.bytes.length) {
    const child = viewOf(parent.bytes.subarray(offset));
    children.push(child);
    offset += child.bytes.length;
  }
  return children;
}

/** The first child of a type. @throws BoxFormatError when there is none */
export function onlyChild(parent: BoxView, type: string, skipBytes = 0): BoxView {
  const child = childrenOf(parent, skipBytes).find((box) => box.type === type);
  if (child === undefined) throw new BoxFormatError(`${parent.type} has no ${type}`);
  return child;
}

/** Version and flags at the start of a full box. */
export function fullBoxFlags(box: BoxView): { readonly version: number; readonly flags: number } {
  const word = box.content.getUint32(0);
  return { version: word >>> 24, flags: word & 0xffffff };
}
