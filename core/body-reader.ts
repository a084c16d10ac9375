import type { BodyProblem, Endpoint } from './endpoints.ts';
import type { Body } from './json-body.ts';
import { checkDisguised, checkModel, isAbsent, parseBody } from './json-body.ts';
import { withMembers } from './json-members.ts';
import type { Call } from './model.ts';

/** What is particular to one API in reading its bodies. */
export interface BodyRules {
  /** What metering reads. Servers that take names in any case must not find another reading of these. */
  readonly metered: ReadonlySet<string>;
  /** Members that cannot be metered. */
  readonly refused: readonly RefusedMember[];
  /** What is wrong with the members that metering reads. */
  check(body: Body): BodyProblem | undefined;
  callOf(body: Body, bodyBytes: number): Call;
  /** What must be set, JSON texts by name; `outputTokensMax` is the bound on each choice, if there must be one. */
  setIn(body: Body, outputTokensMax: number | null): Iterable<readonly [string, string]>;
  /** Whether usage in a stream must be hidden again. */
  hidesUsage(body: Body): boolean;
}

/** A member that is refused unless it is absent, `null`, or says what `allows` lets pass. */
export interface RefusedMember {
  readonly name: string;
  /** Goes on after the member's name: "is not …: …". */
  readonly why: string;
  allows?(value: unknown): boolean;
}

/** The `read` of an endpoint whose bodies follow `rules`. */
export function bodyReader(rules: BodyRules): Endpoint['read'] {
  const names = new Set([...rules.metered, 'model', ...rules.refused.map(({ name }) => name)]);
  return (text, bodyBytes) => {
    const parsed = parseBody(text);
    if (!parsed.ok) return parsed;
    const { body, members } = parsed;
    const problem =
      checkDisguised(body, names) ??
      checkModel(body) ??
      checkRefused(body, rules.refused) ??
      rules.check(body);
    if (problem !== undefined) return { ok: false, problem };
    const call = rules.callOf(body, bodyBytes);
    return {
      ok: true,
      request: {
        call,
        hidesUsage: rules.hidesUsage(body),
        bodyFor(outputTokensMax, model = call.model) {
          if (model === call.model) {
            return withMembers(text, members, new Map(rules.setIn(body, outputTokensMax)));
          }
          const renamed = rules.setIn({ ...body, model }, outputTokensMax);
          return withMembers(text, members, new Map([['model', JSON.stringify(model)], ...renamed]));
        },
      },
    };
  };
}

function checkRefused(body: Body, refused: readonly RefusedMember[]): BodyProblem | undefined {
  const member = refused.find(({ name, allows }) => !isAbsent(body[name]) && allows?.(body[name]) !== true);
  return member && { message: `'${member.name}' ${member.why}`, param: member.name };
}
