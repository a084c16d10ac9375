import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { OpenapiDocument } from '#handlers/openapi/openapi-document.ts';

/** Checks values against schemas of a document, by where they are in it. */
export interface OpenapiSchemas {
  /** What is wrong with a value; nothing if it is as the schema at `steps` says. */
  complaints(steps: readonly string[], value: unknown): readonly string[];
}

/** The schemas as they are published: with members that are not described, an answer is still one. */
export function openapiSchemas(document: OpenapiDocument): OpenapiSchemas {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(document, 'document');
  return {
    complaints(steps, value) {
      const validate = ajv.getSchema(`document${pointerTo(steps)}`);
      if (validate === undefined) throw new Error(`there is no schema at ${pointerTo(steps)}`);
      if (validate(value) === true) return [];
      return (validate.errors ?? []).map(
        ({ instancePath, message = '', params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
      );
    },
  };
}

/** The same with members that are not described refused, so that none is forgotten. */
export function strictOpenapiSchemas(document: OpenapiDocument): OpenapiSchemas {
  return openapiSchemas(closed(document) as OpenapiDocument);
}

function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const inside = Object.fromEntries(Object.entries(value).map(([name, each]) => [name, closed(each)]));
  const isOpen = inside['type'] === 'object' && 'properties' in inside && !('additionalProperties' in inside);
  return isOpen ? { ...inside, additionalProperties: false } : inside;
}

/** A JSON pointer in a URI (RFC 6901 §6). */
function pointerTo(steps: readonly string[]): string {
  const escaped = steps.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1')));
  return `#/${escaped.join('/')}`;
}
