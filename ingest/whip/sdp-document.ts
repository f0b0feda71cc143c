// A session description (RFC 8866) as lines: one session part and its media sections. The offer
// reader asks it questions, the filter takes lines away; nothing here knows about WebRTC.

import { IngestError } from '../errors.ts';

export interface MediaSection {
  /** `audio`, `video`, `application` … */
  readonly kind: string;
  readonly port: number;
  readonly protocol: string;
  /** Payload types, as text. */
  readonly formats: readonly string[];
  /** All lines after `m=`. */
  readonly lines: readonly string[];
}

export interface SdpDocument {
  readonly sessionLines: readonly string[];
  readonly media: readonly MediaSection[];
}

export const maxSdpBytes = 64 * 1024;
const maxLines = 2_000;
const maxMediaSections = 16;

/** @throws IngestError `offer-invalid` when the text is not a session description */
export function parseSdp(text: string): SdpDocument {
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  if (text.length > maxSdpBytes || lines.length > maxLines) {
    throw new IngestError('offer-invalid', 'The offer is too long.');
  }
  if (lines[0] !== 'v=0') throw new IngestError('offer-invalid', 'The offer must begin with v=0.');
  const broken = lines.find((line) => !/^[a-z]=/.test(line));
  if (broken !== undefined) {
    throw new IngestError('offer-invalid', 'Every line of the offer must be a letter, = and text.');
  }
  const starts = lines.flatMap((line, index) => (line.startsWith('m=') ? [index] : []));
  if (starts.length > maxMediaSections) {
    throw new IngestError('offer-invalid', 'The offer has too many media sections.');
  }
  return {
    sessionLines: lines.slice(0, starts[0] ?? lines.length),
    media: starts.map((start, index) => parseSection(lines.slice(start, starts[index + 1]))),
  };
}

function parseSection([mediaLine = '', ...lines]: readonly string[]): MediaSection {
  const match = /^m=(\w+) (\d+)(?:\/\d+)? (\S+) (.+)$/.exec(mediaLine);
  if (match === null) throw new IngestError('offer-invalid', 'A media line cannot be read.');
  const [, kind = '', port = '', protocol = '', formats = ''] = match;
  return { kind, port: Number(port), protocol, formats: formats.trim().split(/ +/), lines };
}

export function formatSdp(document: SdpDocument): string {
  const lines = [
    ...document.sessionLines,
    ...document.media.flatMap((section) => [
      `m=${section.kind} ${section.port} ${section.protocol} ${section.formats.join(' ')}`,
      ...section.lines,
    ]),
  ];
  return `${lines.join('\r\n')}\r\n`;
}

/** The text after `a=name:` of every such line; empty text for a plain `a=name`. */
export function attributes(lines: readonly string[], name: string): string[] {
  const prefix = `a=${name}:`;
  return lines.flatMap((line) => {
    if (line === `a=${name}`) return [''];
    return line.startsWith(prefix) ? [line.slice(prefix.length)] : [];
  });
}

/** The first attribute of that name in the section, else in the session part, else `null`. */
export function inheritedAttribute(
  document: SdpDocument,
  section: MediaSection,
  name: string,
): string | null {
  return attributes(section.lines, name)[0] ?? attributes(document.sessionLines, name)[0] ?? null;
}
