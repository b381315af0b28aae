// What does the broker announce in these tests? A first connect under the maker's authority.
import type { Notice } from '../../../../functions/onboarding/register-device/notice.ts';
import { NOW, type Pump, type Scene } from '../../scene.ts';

export function noticeOf(
  { authority }: Scene,
  { certificateId }: Pick<Pump, 'certificateId'>,
  connectedAt = NOW,
): Notice {
  return { certificateId, authorityId: authority.certificate.fingerprint, status: 'PENDING_ACTIVATION', connectedAt };
}
