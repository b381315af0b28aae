// How is a request that waits for a second person shown, and how does that person approve it?
import type { ApprovalShown } from '../shared/governance/approval-shown.ts';
import type { PlaceOptions } from './command.ts';
import { plain, table } from './terminal.ts';

export function describeApproval({ act: { kind, ...asked }, ...rest }: ApprovalShown): string {
  const shown: Readonly<Record<string, string | readonly string[]>> = { act: kind, ...asked, ...rest };
  const rows = Object.entries(shown).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : value.join('\n'),
  ]);
  return table(['approval', ''], rows);
}

/** To be copied: in the same place, over the very digest that was shown. */
export function approveCommand({ approval, digest }: ApprovalShown, { prefix, local, region }: PlaceOptions): string {
  const words = ['wardkey approval approve', approval, digest];
  if (prefix !== 'wardkey') words.push('--prefix', prefix);
  if (region !== undefined) words.push('--region', region);
  if (local === true) words.push('--local');
  return plain(words.join(' '));
}
