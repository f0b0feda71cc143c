// The sums that make every figure of a savings summary, as whole numbers so that no order of
// adding changes them. The rollup fills them from beacons, stores add them up.

/** Every counter; stores have a column for each, named the same in snake case. */
export const counterNames = [
  'cdnBytes',
  'peerBytes',
  'uploadedBytes',
  'discardedBytes',
  // Came by way of TURN servers, which the operator pays for.
  'relayedBytes',
  'stallCount',
  'stalledMs',
  'playedMs',
  // Sessions that reported their start-up, and the sum of what they reported.
  'startupCount',
  'startupMs',
  // Beacons that reported a latency, and the sum of what they reported.
  'latencyCount',
  'latencyMs',
  // The part of the figures above that viewers who exchange segments reported.
  'sharingMediaBytes',
  'sharingPlayedMs',
  'sharingStalledMs',
  'sharingStartupCount',
  'sharingStartupMs',
  'sharingLatencyCount',
  'sharingLatencyMs',
  // The same of viewers whom chance alone has held out from the exchange.
  'heldOutMediaBytes',
  'heldOutPlayedMs',
  'heldOutStalledMs',
  'heldOutStartupCount',
  'heldOutStartupMs',
  'heldOutLatencyCount',
  'heldOutLatencyMs',
  // Beacons that nobody can have measured, and their bytes; in none of the figures above.
  'setAsideCount',
  'setAsideBytes',
] as const;

export type CounterName = (typeof counterNames)[number];

/** Sums over beacons; times in whole milliseconds. */
export type DeliveryCounters = Readonly<Record<CounterName, number>>;

/** Counters from a function of their name. */
export function countersFrom(amountOf: (name: CounterName) => number): DeliveryCounters {
  const entries = counterNames.map((name): [CounterName, number] => [name, amountOf(name)]);
  return Object.fromEntries(entries) as Record<CounterName, number>;
}

export const noCounters: DeliveryCounters = countersFrom(() => 0);

export function addCounters(a: DeliveryCounters, b: DeliveryCounters): DeliveryCounters {
  return countersFrom((name) => a[name] + b[name]);
}
