// The first picture of a segment as JPEG, made by ffmpeg from the segment and its init section.
// The composition root asks for posters and thumbnails and stores them beside the media.

import { spawn } from 'node:child_process';
import type { Ffmpeg } from './ffmpeg-resolver.ts';

/** Decoding one picture takes about 0.1 s; a machine that is very busy needs longer. */
const timeoutMs = 15_000;
const maxPictureBytes = 8 * 1024 * 1024;

/** mjpeg's scale from 2 (best) to 31. */
const quality = 4;

function pictureArguments(heightPx: number | null): readonly string[] {
  return [
    ...['-hide_banner', '-loglevel', 'error', '-threads', '1', '-f', 'mp4', '-i', 'pipe:0'],
    ...(heightPx === null ? [] : ['-vf', `scale=w=-2:h=${heightPx}`]),
    ...['-map', '0:v:0', '-frames:v', '1', '-q:v', `${quality}`, '-pix_fmt', 'yuvj420p'],
    ...['-f', 'image2pipe', '-c:v', 'mjpeg', 'pipe:1'],
  ];
}

/**
 * The first picture of a segment.
 * @param media the init section, then the segment
 * @param heightPx height to scale it to; `null` leaves its size
 * @returns `null` when the segment has none, or ffmpeg did not give it in time
 */
export function makePicture(
  ffmpeg: Ffmpeg,
  media: readonly Uint8Array[],
  heightPx: number | null,
): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    const child = spawn(ffmpeg.path, pictureArguments(heightPx), {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    });
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const settle = (picture: Uint8Array | null): void => {
      clearTimeout(timer);
      resolve(picture);
    };
    child.once('error', () => settle(null));
    child.once('close', (exitCode) => {
      settle(exitCode === 0 && sizeBytes > 0 ? Buffer.concat(chunks) : null);
    });
    child.stdout.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes > maxPictureBytes) child.kill('SIGKILL');
      else chunks.push(chunk);
    });
    // It may have its picture before it has read everything.
    child.stdin.on('error', () => undefined);
    for (const bytes of media) child.stdin.write(bytes);
    child.stdin.end();
  });
}
