import type { Instant } from '#core/model.ts';
import type { Services } from '../services.ts';

/** As many as one commit takes without keeping others waiting. */
const PAGE = 200;

/**
 * Ends the reservations that nobody will settle any more, through the same door as everything else.
 * Resolves with how many it ended: what was settled meanwhile does not count.
 */
export async function expire(
  { ledger, observer }: Pick<Services, 'ledger' | 'observer'>,
  at: Instant,
): Promise<number> {
  let lapsed = 0;
  for (;;) {
    const page = await ledger.lapsed(at, PAGE);
    const endings = await Promise.all(
      page.map(({ requestId, keyId }) => ledger.execute({ kind: 'lapse', at, requestId, keyId })),
    );
    const ended = endings.filter((ending) => ending.ended).length;
    lapsed += ended;
    // A page that ended nothing would come back for ever.
    if (page.length < PAGE || ended === 0) break;
  }
  if (lapsed > 0) observer.noticed('Reservations lapsed and cost what they held.', { count: lapsed });
  return lapsed;
}
