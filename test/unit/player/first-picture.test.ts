// What waits for the first picture of a source: it goes on with the picture, without one after a while,
// and when the source is given up.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FirstPicture } from '../../../player/first-picture.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Whether somebody who waits for the picture has gone on after `waitedMs`. */
async function hasGoneOn(picture: FirstPicture, waitedMs: number): Promise<boolean> {
  let isOn = false;
  void picture.isThere.then(() => {
    isOn = true;
  });
  await vi.advanceTimersByTimeAsync(waitedMs);
  return isOn;
}

describe('FirstPicture', () => {
  it('lets others go on when it is there, and leaves no timer', async () => {
    const picture = new FirstPicture();
    expect(await hasGoneOn(picture, 500)).toBe(false);
    picture.show();
    expect(await hasGoneOn(picture, 99)).toBe(false);
    picture.show();
    expect(await hasGoneOn(picture, 1)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('lets them go on at once when the source is given up', async () => {
    const picture = new FirstPicture();
    picture.show();
    picture.close();
    picture.show();
    expect(await hasGoneOn(picture, 0)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('lets them go on without it after a second and a half', async () => {
    const picture = new FirstPicture();
    expect(await hasGoneOn(picture, 1_499)).toBe(false);
    expect(await hasGoneOn(picture, 1)).toBe(true);
  });
});
