import type { Change } from '#core/kept-reply.ts';
import type { Methods } from './methods.ts';

type Makers = Pick<
  Methods,
  | 'addKey'
  | 'bringIn'
  | 'amendKey'
  | 'rotateKey'
  | 'setSponsorQuotas'
  | 'decideApplication'
  | 'appendOperation'
  | 'execute'
>;

/** Makes one change by the method that makes it alone, too. @throws Conflict */
export function makeChange(change: Change, methods: Makers): void {
  switch (change.kind) {
    case 'add_key':
      methods.addKey(change.key, change.operation);
      return;
    case 'bring_in':
      methods.bringIn(change.key, change.history, change.at, change.operation);
      return;
    case 'amend_key':
      methods.amendKey(change.id, change.amendment, change.operation);
      return;
    case 'rotate_key':
      methods.rotateKey(change.id, change.rotation, change.operation);
      return;
    case 'set_sponsor_quotas':
      methods.setSponsorQuotas(change.quotas, change.at, change.operation);
      return;
    case 'decide_application':
      methods.decideApplication(change.id, change.verdict, change.operation);
      return;
    case 'append':
      methods.appendOperation(change.operation);
      return;
    case 'execute':
      methods.execute(change.command);
      return;
    default:
      change satisfies never;
  }
}
