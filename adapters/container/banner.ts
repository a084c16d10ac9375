import { dirname } from 'node:path';
import type { Config } from './config.ts';

export interface FirstWords {
  readonly url: string;
  readonly version: string;
  /** What this program is started by. */
  readonly command: string;
  readonly config: Config;
  readonly demo: boolean;
  /** Made by this start, and shown this once. */
  readonly adminTokenMade: string | null;
  readonly demoKeyMade: string | null;
}

/** What somebody at a terminal wants to know after a start, ready to paste. */
export function banner(words: FirstWords): string {
  const { url, version, command, config, demo, adminTokenMade, demoKeyMade } = words;
  const parts = [
    `quota-proxy ${version} listens on ${url}. Everything is kept in ${dirname(config.adminTokenPath)}.`,
  ];
  if (adminTokenMade !== null) {
    parts.push(`Admin token, shown this once and kept in ${config.adminTokenPath}:\n\n    ${adminTokenMade}`);
  } else if (config.adminTokens.length === 0) {
    parts.push(`The admin token is in ${config.adminTokenPath}.`);
  }
  if (demo) parts.push(DEMO_NOTICE);
  if (demoKeyMade !== null) parts.push(`A key to try it with, shown this once:\n\n    ${demoKeyMade}`);
  if (demoKeyMade !== null) parts.push(snippets(url, demoKeyMade));
  else parts.push(`Make a key with: ${command} keys create --label "somebody"`);
  return `\n${parts.join('\n\n')}\n\n`;
}

const DEMO_NOTICE = `DEMO: no upstream is set. A built-in one answers and says again what was said to it.
For the real thing set UPSTREAM_API_KEY, and UPSTREAM_BASE_URL if it is not DeepSeek's.`;

function snippets(url: string, key: string): string {
  return `With curl:

curl ${url}/v1/chat/completions \\
  -H "Authorization: Bearer ${key}" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "demo-echo", "messages": [{"role": "user", "content": "Hello, proxy!"}]}'

With OpenAI's SDK:

node --input-type=module <<'EOF'
import OpenAI from 'openai';
const client = new OpenAI({ baseURL: '${url}/v1', apiKey: '${key}' });
const stream = await client.chat.completions.create({
  model: 'demo-echo',
  messages: [{ role: 'user', content: 'Hello, proxy!' }],
  stream: true,
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? '');
console.log();
EOF`;
}
