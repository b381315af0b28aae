// Where do ten thousand real certificates come from? The factory station makes them, and lists them in one lot.
import { makeDevices } from '../../cli/station/devices.ts';
import { deliverLot, type Delivery } from '../../cli/station/shipping.ts';
import type { Station } from '../../cli/station/station.ts';

export interface LargeLot {
  readonly lot: string;
  readonly count: number;
}

export async function deliverLargeLot(station: Station, { lot, count }: LargeLot): Promise<Delivery> {
  const serials = Array.from({ length: count }, (_, index) => `L${String(index).padStart(6, '0')}`);
  await makeDevices(station, serials, () => undefined);
  return deliverLot(station, { product: 'monitor', lot, serials });
}
