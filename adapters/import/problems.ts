import { hintOf } from '#core/secret.ts';
import type { Found, Problem } from './foreign-file.ts';

/** A key that stays out. */
export function keyProblem(what: string, where: string): Found {
  return found({ about: 'key', what, where, rows: 1 });
}

/** Rows of usage that stay out. */
export function usageProblem(what: string, where: string, rows = 1): Found {
  return found({ about: 'usage', what, where, rows });
}

/** Something of a key that is another here than there. */
export function termsProblem(what: string, secret: string): Found {
  return found({ about: 'terms', what, where: hintOf(secret), rows: 1 });
}

function found(problem: Problem): Found {
  return { kind: 'problem', problem };
}
