import type { OpenapiDocument } from '../openapi/openapi-document.ts';
import type { Operation, Parameter } from '../openapi/operation.ts';

/** A call of an operation for a shell that has URL, KEY and ADMIN_TOKEN. */
export function curlExample(method: string, path: string, operation: Operation): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(exampleValue(operation, name))),
  );
  const body = operation.requestBody?.content['application/json']?.example;
  const isImplied = method === 'GET' || (method === 'POST' && body !== undefined);
  const lines = [
    `curl -s ${isImplied ? '' : `-X ${method} `}"$URL${filled}"`,
    ...credential(operation).map((header) => `-H "${header}"`),
    ...(body === undefined
      ? []
      : ['-H "Content-Type: application/json"', `-d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`]),
  ];
  return lines.join(' \\\n  ');
}

function exampleValue({ parameters = [] }: Operation, name: string): unknown {
  return parameters.find((each): each is Parameter => 'name' in each && each.name === name)?.example ?? name;
}

function credential({ security }: Operation): readonly string[] {
  const schemes = security.flatMap((each) => Object.keys(each));
  if (schemes.includes('adminToken')) return ['Authorization: Bearer $ADMIN_TOKEN'];
  return schemes.includes('key') ? ['Authorization: Bearer $KEY'] : [];
}

/** Who may call an operation, as the page says it. */
export function accessOf({ security }: Operation): 'public' | 'key' | 'admin' | 'metrics' {
  const schemes = security.flatMap((each) => Object.keys(each));
  if (schemes.includes('metricsToken')) return 'metrics';
  if (schemes.includes('adminToken')) return 'admin';
  return schemes.includes('key') ? 'key' : 'public';
}

/** What stands behind a reference into the document's components. */
export function component<T>(document: OpenapiDocument, $ref: string): T | undefined {
  const [, , kind = '', name = ''] = $ref.split('/');
  const components: Readonly<Record<string, Readonly<Record<string, unknown>>>> = { ...document.components };
  return components[kind]?.[name] as T | undefined;
}
