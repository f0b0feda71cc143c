// Watches what the browser tells of the viewer's device: connection, battery, whether the tab is
// seen. Every one of these interfaces is missing somewhere; what is missing is not restricted.

import type { DeviceConditions } from './upload-rules.ts';

/** Network Information API: Chromium only, and its `type` on mobile devices only. */
interface NetworkInformation extends EventTarget {
  readonly type?: string;
  readonly saveData?: boolean;
  readonly metered?: boolean;
}

/** Battery Status API: Chromium only. */
interface BatteryManager extends EventTarget {
  readonly charging: boolean;
  readonly level: number;
}

interface DeviceNavigator {
  readonly connection?: NetworkInformation;
  readonly deviceMemory?: number;
  readonly getBattery?: () => Promise<BatteryManager>;
}

export class DeviceWatch {
  readonly #onChange: () => void;
  readonly #abort = new AbortController();
  readonly #navigator: DeviceNavigator;
  #battery: BatteryManager | null = null;

  /** @param onChange a condition is another than before */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
    this.#navigator = (globalThis.navigator ?? {}) as DeviceNavigator;
    const { signal } = this.#abort;
    this.#navigator.connection?.addEventListener?.('change', onChange, { signal });
    globalThis.document?.addEventListener('visibilitychange', onChange, { signal });
    void this.#watchBattery();
  }

  get conditions(): DeviceConditions {
    const { connection, deviceMemory } = this.#navigator;
    return {
      connectionType: connection?.type ?? null,
      isMetered: connection?.saveData === true || connection?.metered === true,
      isHidden: globalThis.document?.visibilityState === 'hidden',
      battery: this.#battery && {
        isCharging: this.#battery.charging,
        level: this.#battery.level,
      },
      memoryGb: deviceMemory ?? null,
    };
  }

  close(): void {
    this.#abort.abort();
  }

  async #watchBattery(): Promise<void> {
    try {
      const battery = await this.#navigator.getBattery?.();
      const { signal } = this.#abort;
      if (!battery || signal.aborted) return;
      this.#battery = battery;
      battery.addEventListener('chargingchange', this.#onChange, { signal });
      battery.addEventListener('levelchange', this.#onChange, { signal });
      this.#onChange();
    } catch {
      // Refused by a permissions policy, as in many iframes: the battery stays unknown.
    }
  }
}
