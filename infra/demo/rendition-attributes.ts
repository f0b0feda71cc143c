// What a multivariant playlist says of its renditions, read as hls.js reads it: the names of
// p2p-media-loader's swarms are made from it, and headless viewers are to meet pages there.

import type { RenditionAttributes } from '@shoal/player/delivery';

const videoCodec = /^(?:avc|hvc|hev|dvh|dva|vp0|av01|mp4v)/i;

/** The attribute list of a tag (RFC 8216 §4.2), quotes removed. */
export function readAttributes(line: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  for (const [, name = '', quoted, bare] of line.matchAll(/([A-Z0-9-]+)=(?:"([^"]*)"|([^,]*))/g))
    attributes.set(name, quoted ?? bare ?? '');
  return attributes;
}

/** @param attributes of EXT-X-STREAM-INF */
export function pictureAttributes(attributes: ReadonlyMap<string, string>): RenditionAttributes {
  const [width, height] = (attributes.get('RESOLUTION') ?? '').split('x').map(Number);
  return {
    bitrate: Number(attributes.get('BANDWIDTH') ?? 0),
    codecs: codecsOf(attributes, true),
    width: width || null,
    height: height || null,
    frameRate: attributes.get('FRAME-RATE') ?? null,
    videoRange: attributes.get('VIDEO-RANGE') ?? null,
  };
}

/**
 * @param attributes of EXT-X-MEDIA
 * @param variant those of a variant with this sound, which names its codec
 */
export function soundAttributes(
  attributes: ReadonlyMap<string, string>,
  variant: ReadonlyMap<string, string>,
): RenditionAttributes {
  const language = attributes.get('LANGUAGE') ?? null;
  return {
    bitrate: 0,
    codecs: codecsOf(variant, false),
    language,
    channels: attributes.get('CHANNELS') ?? null,
    name: attributes.get('NAME') ?? language,
  };
}

function codecsOf(attributes: ReadonlyMap<string, string>, isVideo: boolean): string | null {
  const codecs = (attributes.get('CODECS') ?? '')
    .split(/[ ,]+/)
    .filter((codec) => codec !== '' && videoCodec.test(codec) === isVideo);
  return codecs.length === 0 ? null : codecs.join(',');
}
