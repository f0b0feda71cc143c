// What a viewer sends under which condition of device and line.

import { describe, expect, it } from 'vitest';
import {
  type DeviceConditions,
  storeLimitBytes,
  uploadAllowance,
} from '../../../player/manners/upload-rules.ts';

const atHome: DeviceConditions = {
  connectionType: null,
  isMetered: false,
  isHidden: false,
  battery: null,
  memoryGb: null,
};
const limits = { uploadLimitBps: 4_000_000, maxUploadRatio: 1 };
const bytes = { uploadedBytes: 0, downloadedBytes: 0 };
const mebibyte = 1024 * 1024;

const under = (conditions: Partial<DeviceConditions>) =>
  uploadAllowance({ ...atHome, ...conditions }, limits, bytes, false);

describe('what a viewer uploads', () => {
  it('is up to the limit at home', () => {
    expect(under({})).toEqual({ canUpload: true, limitBps: 4_000_000, reason: null });
    expect(under({ battery: { isCharging: true, level: 0.1 } }).limitBps).toBe(4_000_000);
  });

  it('is nothing on cellular and metered connections and with data saver', () => {
    expect(under({ connectionType: 'cellular' })).toMatchObject({
      canUpload: false,
      reason: 'metered',
    });
    expect(under({ isMetered: true }).canUpload).toBe(false);
    expect(under({ connectionType: 'wifi' }).canUpload).toBe(true);
  });

  it('is less in the background and on battery, and nothing on a low battery', () => {
    expect(under({ isHidden: true })).toEqual({
      canUpload: true,
      limitBps: 1_000_000,
      reason: 'hidden',
    });
    expect(under({ battery: { isCharging: false, level: 0.8 } }).limitBps).toBe(1_000_000);
    expect(under({ battery: { isCharging: false, level: 0.1 } }).canUpload).toBe(false);
    const unlimited = { uploadLimitBps: null, maxUploadRatio: 1 };
    const hidden = uploadAllowance({ ...atHome, isHidden: true }, unlimited, bytes, false);
    expect(hidden.limitBps).toBe(500_000);
  });

  it('is nothing when the page allows nothing', () => {
    const none = uploadAllowance(atHome, { uploadLimitBps: 0, maxUploadRatio: 1 }, bytes, false);
    expect(none.canUpload).toBe(false);
  });

  it('stops at the ratio and goes on clearly below it', () => {
    const at = (uploadedMiB: number, wasOver: boolean) =>
      uploadAllowance(
        atHome,
        limits,
        { uploadedBytes: uploadedMiB * mebibyte, downloadedBytes: 100 * mebibyte },
        wasOver,
      ).canUpload;
    expect(at(100, false)).toBe(true);
    expect(at(105, false)).toBe(false);
    expect(at(103, true)).toBe(false);
    expect(at(93, true)).toBe(true);
    const newcomer = { uploadedBytes: 3 * mebibyte, downloadedBytes: 0 };
    expect(uploadAllowance(atHome, limits, newcomer, false).canUpload).toBe(true);
  });
});

describe('the memory for segments', () => {
  it('grows with the device and is bounded', () => {
    const sizes = [0.5, 1, 2, 4, 8, 32].map(storeLimitBytes);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    expect(sizes[0]).toBe(16 * mebibyte);
    expect(sizes.at(-1)).toBe(128 * mebibyte);
    expect(storeLimitBytes(null)).toBe(64 * mebibyte);
  });
});
