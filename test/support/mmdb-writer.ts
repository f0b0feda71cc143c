// Writes small geo databases in MaxMind's DB format 2.0 for tests: a search tree of 32-bit records
// over IPv6, IPv4 below ::/96, one map of data per network.

export type GeoValue = string | number | { readonly [name: string]: GeoValue };

type Branch = number | { readonly dataOffset: number } | null;

const separatorBytes = 16;

/** @param networks IPv4 networks as `198.51.100.0/24` and what is said about them */
export function writeGeoDatabase(networks: Readonly<Record<string, GeoValue>>): Buffer {
  const nodes: [Branch, Branch][] = [[null, null]];
  const data: Buffer[] = [];
  let dataBytes = 0;
  for (const [network, value] of Object.entries(networks)) {
    const encoded = encode(value);
    insert(nodes, bitsOf(network), { dataOffset: dataBytes });
    data.push(encoded);
    dataBytes += encoded.length;
  }
  const tree = Buffer.alloc(nodes.length * 8);
  for (const [index, branches] of nodes.entries()) {
    for (const [side, branch] of branches.entries()) {
      tree.writeUInt32BE(recordOf(branch, nodes.length), index * 8 + side * 4);
    }
  }
  return Buffer.concat([
    tree,
    Buffer.alloc(separatorBytes),
    ...data,
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    metadata(nodes.length),
  ]);
}

/** The 96 zeros before an IPv4 address, then the bits of its prefix. */
function bitsOf(network: string): readonly (0 | 1)[] {
  const [address = '', length = '32'] = network.split('/');
  const bits = address
    .split('.')
    .flatMap((byte) => [...Number(byte).toString(2).padStart(8, '0')])
    .slice(0, Number(length));
  return [...'0'.repeat(96), ...bits].map((bit) => (bit === '1' ? 1 : 0));
}

function insert(nodes: [Branch, Branch][], bits: readonly (0 | 1)[], leaf: Branch): void {
  let index = 0;
  for (const bit of bits.slice(0, -1)) {
    const node = nodes[index];
    if (node === undefined) throw new Error('the tree has a hole');
    let next = node[bit];
    if (typeof next !== 'number') {
      next = nodes.length;
      nodes.push([null, null]);
      node[bit] = next;
    }
    index = next;
  }
  const node = nodes[index];
  const last = bits.at(-1);
  if (node !== undefined && last !== undefined) node[last] = leaf;
}

function recordOf(branch: Branch, nodeCount: number): number {
  if (branch === null) return nodeCount;
  return typeof branch === 'number' ? branch : nodeCount + separatorBytes + branch.dataOffset;
}

/** Types 2 (text), 6 (32-bit number) and 7 (map), all of sizes below 29. */
function encode(value: GeoValue): Buffer {
  if (typeof value === 'string') {
    const text = Buffer.from(value);
    return Buffer.concat([Buffer.of((2 << 5) | text.length), text]);
  }
  if (typeof value === 'number') {
    const number = Buffer.alloc(5);
    number[0] = (6 << 5) | 4;
    number.writeUInt32BE(value, 1);
    return number;
  }
  const entries = Object.entries(value);
  return Buffer.concat([
    Buffer.of((7 << 5) | entries.length),
    ...entries.flatMap(([name, each]) => [encode(name), encode(each)]),
  ]);
}

function metadata(nodeCount: number): Buffer {
  const short = (value: number): Buffer => Buffer.of((5 << 5) | 2, value >> 8, value & 0xff);
  const entries: readonly (readonly [string, Buffer])[] = [
    ['node_count', encode(nodeCount)],
    ['record_size', short(32)],
    ['ip_version', short(6)],
    ['database_type', encode('Shoal-Test')],
    // Type 11, an array without members; type 9, a number without bytes.
    ['languages', Buffer.of(0, 11 - 7)],
    ['binary_format_major_version', short(2)],
    ['binary_format_minor_version', short(0)],
    ['build_epoch', Buffer.of(0, 9 - 7)],
    ['description', encode({})],
  ];
  return Buffer.concat([
    Buffer.of((7 << 5) | entries.length),
    ...entries.flatMap(([name, value]) => [encode(name), value]),
  ]);
}
