// What this viewer may send to others now, from the page's options and the device's condition.
// Pure; peer-control asks it again whenever something changes.

/** The condition of the viewer's device and line, as far as the browser tells. */
export interface DeviceConditions {
  /** `navigator.connection.type`, for example `cellular`; `null` where browsers do not say. */
  readonly connectionType: string | null;
  /** Data saver is on, or the connection is marked as metered. */
  readonly isMetered: boolean;
  readonly isHidden: boolean;
  /** `null` on devices that do not tell, or have no battery. */
  readonly battery: { readonly isCharging: boolean; readonly level: number } | null;
  /** `navigator.deviceMemory` in gigabytes, at most 8 or 32; `null` where browsers do not say. */
  readonly memoryGb: number | null;
}

export interface UploadLimits {
  /** Most bits per second, `null` for no limit of the page's own. */
  readonly uploadLimitBps: number | null;
  /** Most bytes sent per byte received. */
  readonly maxUploadRatio: number;
}

export interface UploadAllowance {
  readonly canUpload: boolean;
  /** Most bits per second, `null`: as much as the line takes. */
  readonly limitBps: number | null;
  /** Why nothing, or less, is sent. */
  readonly reason: UploadReason | null;
}

export type UploadReason = 'metered' | 'battery-low' | 'ratio' | 'battery' | 'hidden';

/** Sent before the ratio counts: a newcomer has received little, and its neighbours need it. */
const ratioGraceBytes = 4 * 1024 * 1024;
/** Hysteresis: what has been stopped by the ratio goes on at this share of it. */
const ratioResumeShare = 0.9;
const lowBatteryLevel = 0.2;
/** In the background and on battery, the share of the limit that is left. */
const reducedShare = 0.25;
/** Taken for the limit where the page gives none, once less is to be sent. */
const assumedLimitBps = 2_000_000;

export function uploadAllowance(
  conditions: DeviceConditions,
  limits: UploadLimits,
  bytes: { readonly uploadedBytes: number; readonly downloadedBytes: number },
  wasOverRatio: boolean,
): UploadAllowance {
  const nothing = (reason: UploadReason): UploadAllowance => ({
    canUpload: false,
    limitBps: null,
    reason,
  });
  if (limits.uploadLimitBps === 0) return { canUpload: false, limitBps: null, reason: null };
  if (conditions.isMetered || conditions.connectionType === 'cellular') return nothing('metered');
  const { battery } = conditions;
  const isOnBattery = battery !== null && !battery.isCharging;
  if (isOnBattery && battery.level < lowBatteryLevel) return nothing('battery-low');
  const share = wasOverRatio ? ratioResumeShare : 1;
  const allowedBytes = ratioGraceBytes + share * limits.maxUploadRatio * bytes.downloadedBytes;
  if (bytes.uploadedBytes > allowedBytes) return nothing('ratio');
  if (!isOnBattery && !conditions.isHidden)
    return { canUpload: true, limitBps: limits.uploadLimitBps, reason: null };
  const fullBps = limits.uploadLimitBps ?? assumedLimitBps;
  return {
    canUpload: true,
    limitBps: Math.round(fullBps * reducedShare),
    reason: conditions.isHidden ? 'hidden' : 'battery',
  };
}

const mebibyte = 1024 * 1024;

/** Most bytes of segments to keep for others: a small part of what the device has. */
export function storeLimitBytes(memoryGb: number | null): number {
  if (memoryGb === null) return 64 * mebibyte;
  if (memoryGb <= 1) return 16 * mebibyte;
  if (memoryGb <= 2) return 32 * mebibyte;
  return memoryGb < 8 ? 64 * mebibyte : 128 * mebibyte;
}
