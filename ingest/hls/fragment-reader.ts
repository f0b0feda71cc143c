// Pure: the bytes of one fragmented MP4 → its init section and its fragments (ISO/IEC 14496-12 §8.8).
// Both packagers read ffmpeg's output with it; between them and the boxes.

import { type Box, BoxFormatError, BoxSplitter } from './box-splitter.ts';
import { describeInitSection, type InitDescription } from './init-section.ts';
import { joinBytes } from './join-bytes.ts';

export interface PackagedInitSection {
  readonly kind: 'init-section';
  readonly bytes: Uint8Array;
  readonly description: InitDescription;
}

export interface Fragment {
  readonly kind: 'fragment';
  readonly moof: Uint8Array;
  readonly mdat: Uint8Array;
  readonly init: InitDescription;
}

export class FragmentReader {
  readonly #splitter = new BoxSplitter();
  #fileType: Uint8Array | null = null;
  #init: InitDescription | null = null;
  #moof: Uint8Array | null = null;

  /**
   * Takes the next bytes.
   * @throws BoxFormatError when they are not fragmented MP4 from its beginning
   */
  push(chunk: Uint8Array): (PackagedInitSection | Fragment)[] {
    return this.#splitter.push(chunk).flatMap((box) => this.#takeBox(box) ?? []);
  }

  #takeBox(box: Box): PackagedInitSection | Fragment | null {
    switch (box.type) {
      case 'ftyp':
        this.#fileType = box.bytes;
        return null;
      case 'moov':
        return this.#takeInitSection(box.bytes);
      case 'moof':
        this.#moof = box.bytes;
        return null;
      case 'mdat':
        return this.#takeFragment(box.bytes);
      default:
        // Indexes of the whole file (`sidx`, `mfra`) mean nothing in a segment.
        return null;
    }
  }

  #takeInitSection(moov: Uint8Array): PackagedInitSection {
    if (this.#fileType === null) throw new BoxFormatError('moov came before ftyp');
    const description = describeInitSection(moov);
    this.#init = description;
    return { kind: 'init-section', bytes: joinBytes([this.#fileType, moov]), description };
  }

  #takeFragment(mdat: Uint8Array): Fragment {
    const [moof, init] = [this.#moof, this.#init];
    this.#moof = null;
    if (moof === null || init === null) {
      throw new BoxFormatError('mdat came without its moof, or before moov');
    }
    return { kind: 'fragment', moof, mdat, init };
  }
}
