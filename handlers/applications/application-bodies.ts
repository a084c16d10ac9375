import * as z from 'zod';
import { strict } from '../admin/contract/action.ts';
import { strangersText } from './strangers-text.ts';

/** What an applicant says. */
export const applying = strict({
  name: strangersText(1, 100),
  contact: strangersText(1, 200).exactOptional(),
  reason: strangersText(1, 1000).exactOptional(),
});

/** Which application, by whose token. */
export const claiming = strict({ claim_token: z.string() });
