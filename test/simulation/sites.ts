// Where in a step was a call made? By the port, the method and the kind of row it is about.
import type { Change, RowKey } from '../../shared/ports.ts';

export interface SitedCall {
  readonly port: string;
  readonly method: string;
  readonly values: readonly unknown[];
}

/** Such as `registry.commit device`, `registry.read device/lease`, `broker.setStatus ACTIVE`. */
export function siteOf({ port, method, values }: SitedCall): string {
  return `${port}.${method}${aboutOf(port, method, values)}`;
}

function aboutOf(port: string, method: string, values: readonly unknown[]): string {
  if (method === 'setStatus' || method === 'setRegistration') return ` ${String(values[1])}`;
  if (port !== 'registry') return '';
  const [first] = values;
  if (method === 'list') return ` ${String(first)}`;
  if (method === 'countRepeat') return ` ${kindOf(first as RowKey)}`;
  if (method === 'read') return ` ${kindOf((first as readonly RowKey[])[0])}`;
  if (method !== 'commit') return '';
  const [change] = first as readonly Change[];
  return change === undefined ? '' : ` ${kindOf(keyOf(change))}`;
}

export function keyOf(change: Change): RowKey {
  return 'create' in change ? change.create : change.replace;
}

function kindOf(key: RowKey | undefined): string {
  if (key === undefined) return '';
  if (key.table === 'ledger') return 'ledger';
  // The partition of a listing is a fingerprint, the sort key of an authority another.
  if (!key.pk.includes('#')) return key.table === 'whitelist' ? 'listing' : key.pk;
  const [kind = '', part = ''] = [key.pk.split('#')[0], key.sk.split('#')[0]];
  return part === 'row' || part === '' ? kind : `${kind}/${part}`;
}
