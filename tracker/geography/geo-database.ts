// Country and network operator (AS) of an address, from database files that the operator brings:
// offline, and forgotten with the answer. Signalling and telemetry ask through the composition root.

import { readFile } from 'node:fs/promises';
import { Reader } from 'mmdb-lib';
import { z } from 'zod';

export interface Place {
  /** ISO 3166-1 alpha-2, in capitals. */
  readonly country: string | null;
  readonly asNumber: number | null;
}

const countryCode = z.string().regex(/^[A-Z]{2}$/);

// MaxMind's and DB-IP's databases of countries, cities and ASNs, and IPinfo's of both together.
const entry = z.object({
  country: z.union([z.object({ iso_code: countryCode.optional() }), z.string()]).optional(),
  country_code: countryCode.optional(),
  autonomous_system_number: z.int().positive().optional(),
  asn: z.string().optional(),
});

/** One file's worth: a city database has 60 MB, more is none of an address to look up here. */
const maxFileBytes = 1024 * 1024 * 1024;

export class GeoDatabase {
  readonly #readers: readonly Reader<Record<string, never>>[];

  private constructor(readers: readonly Reader<Record<string, never>>[]) {
    this.#readers = readers;
  }

  /**
   * Reads files in MaxMind's DB format; what one does not say, the next may.
   * @throws Error with its cause for a file that is not there or is none
   */
  static async open(filePaths: readonly string[]): Promise<GeoDatabase> {
    const readers = await Promise.all(
      filePaths.map(async (filePath) => {
        try {
          const bytes = await readFile(filePath);
          if (bytes.length > maxFileBytes) throw new Error('the file is too large');
          return new Reader<Record<string, never>>(bytes);
        } catch (error) {
          throw new Error(
            `The geo database ${filePath} cannot be read; SHOAL_GEO_DATABASE takes files in MaxMind's DB format (.mmdb).`,
            { cause: error },
          );
        }
      }),
    );
    return new GeoDatabase(readers);
  }

  /** @param addressKey an IPv4 address, or the /64 of an IPv6 one; never rejects and never throws */
  lookUp(addressKey: string): Place {
    let place: Place = { country: null, asNumber: null };
    for (const reader of this.#readers) {
      const found = placeIn(reader, addressKey.replace(/\/64$/, ''));
      place = {
        country: place.country ?? found.country,
        asNumber: place.asNumber ?? found.asNumber,
      };
    }
    return place;
  }
}

function placeIn(reader: Reader<Record<string, never>>, address: string): Place {
  let value: unknown;
  try {
    value = reader.get(address);
  } catch {
    // Not an address, as `unknown` is none, or one of a kind that this file does not have.
    return { country: null, asNumber: null };
  }
  const { success, data } = entry.safeParse(value);
  if (!success) return { country: null, asNumber: null };
  const { country } = data;
  const named = typeof country === 'string' ? country : country?.iso_code;
  const code = data.country_code ?? named ?? '';
  const asText = /^AS(\d{1,10})$/.exec(data.asn ?? '')?.[1];
  return {
    country: countryCode.safeParse(code).success ? code : null,
    asNumber: data.autonomous_system_number ?? (asText === undefined ? null : Number(asText)),
  };
}
