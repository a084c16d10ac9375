import * as z from 'zod';
import type { Instant } from '#core/model.ts';
import type { OperationDraft } from '#core/operation.ts';

/** One row of the contract: what may be asked, and what is answered. Routes, client and documents come from it. */
export interface Action {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Hono's path syntax: `/admin/keys/:key`. */
  readonly path: string;
  /** One sentence for the documents. */
  readonly summary: string;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body: z.ZodObject;
  readonly status: 200 | 201;
  readonly reply: z.ZodObject;
}

/** Actions on one kind of thing. With the name of the group they are named as in the operation log: `keys.create`. */
export type ActionGroup = Readonly<Record<string, Action>>;

/** A valid call of an action on its way to the implementation. */
export interface Asked<A extends Action> {
  readonly params: z.output<A['params']>;
  readonly query: z.output<A['query']>;
  readonly body: z.output<A['body']>;
  /** The one instant of this call. */
  readonly at: Instant;
  /** Who asks, for what is recorded. */
  readonly actor: string;
  /** What is to be recorded with the change; `null` if the operation log is switched off. */
  operation(target: string, details: OperationDraft['details']): OperationDraft | null;
}

/** Answers by the contract's reply, or with a response of its own: an error, or another format. */
export type Perform<A extends Action> = (asked: Asked<A>) => Promise<z.input<A['reply']> | Response>;

/** One function for each action of a group. One that is missing does not compile. */
export type Implementation<G extends ActionGroup> = { readonly [Name in keyof G]: Perform<G[Name]> };

/** An object that takes no other members than these, and says so. */
export function strict<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      return known === '' ? 'is not known: nothing is taken here' : `is not known; known here: ${known}`;
    },
  });
}

/** What most actions have in common: nothing is asked, and 200 is answered. */
export const PLAIN = { params: strict({}), query: strict({}), body: strict({}), status: 200 } as const;
